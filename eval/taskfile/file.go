package taskfile

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/internal/jinja"
)

// File is what a task file says.
type File struct {
	Task    task.Task
	Name    string   // task
	Alias   string   // task_alias
	Output  string   // output_type
	Shots   int      // num_fewshot
	Metrics []string // those of metric_list, or what the harness has by default
	Version string   // metadata.version

	// Where the harness finds the rows.
	DatasetPath, DatasetName                                string
	TrainingSplit, ValidationSplit, TestSplit, FewshotSplit string
}

// maxIncludes bounds files that include others.
const maxIncludes = 8

// Read reads a task file. Files that it includes are named from its directory.
func Read(path string) (*File, error) {
	entries, err := new(loader).file(path)
	if err != nil {
		return nil, err
	}
	return build(path, entries)
}

// Parse reads a task file from memory; name is for messages. Such a file includes
// no other.
func Parse(data []byte, name string) (*File, error) {
	entries, err := parse(data, name)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.key == "include" {
			return nil, e.at.errorf("include: there is no directory to look in")
		}
	}
	return build(name, entries)
}

// loader reads files, and bounds what all of them come to.
type loader struct {
	bytes    int
	included int // files of the one that is read
}

// Limits of all files of a call. A directory of the harness has some thousand small ones.
const (
	maxIncluded = 64       // by one file and those that it includes
	maxBytes    = 32 << 20 // of all files, each time that they are read
)

// file reads a file and those that it includes.
func (l *loader) file(path string) ([]entry, error) {
	l.included = 0
	return l.read(path, nil)
}

func (l *loader) read(path string, above []string) ([]entry, error) {
	if l.included++; l.included > maxIncluded {
		return nil, fmt.Errorf("%s: includes lead to more than %d files", path, maxIncluded)
	}
	data, err := files.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("%w: want a task file in YAML", err)
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		return nil, fmt.Errorf("%s: %w", path, errTotal)
	}
	entries, err := parse(data, path)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(entries, func(e entry) bool { return e.key == "include" })
	if at < 0 {
		return entries, nil
	}
	include := entries[at]
	names, err := include.texts()
	if err != nil {
		return nil, err
	}
	above = append(above, path)
	// A later key wins: the file's own, then those of what it names first.
	merged := slices.Delete(entries, at, at+1)
	for _, name := range names {
		if name == "" || filepath.IsAbs(name) || strings.Contains(name, `\`) {
			return nil, include.at.errorf("include: %.128q: want the path of a file from this one's directory", name)
		}
		next := filepath.Join(filepath.Dir(path), name)
		if slices.Contains(above, next) || len(above) >= maxIncludes {
			return nil, include.at.errorf("include: %.128q: files that include each other, or %d of them", name, maxIncludes)
		}
		more, err := l.read(next, above)
		if err != nil {
			return nil, fmt.Errorf("%v: include: %w", include.at, err)
		}
		for _, e := range more {
			if !slices.ContainsFunc(merged, func(own entry) bool { return own.key == e.key }) {
				merged = append(merged, e)
			}
		}
	}
	return merged, nil
}

var errTotal = fmt.Errorf("with it the task files have more than %d bytes", maxBytes)

// keys are the entries of a file by what they mean; those that are null are left
// out.
type keys map[string]entry

// keysOf refuses what is not known.
func keysOf(entries []entry) (keys, error) {
	k := keys{}
	for _, e := range entries {
		key := e.key
		if meant, is := aliases[key]; is {
			key = meant
		}
		if at, is := e.python(); is {
			return nil, at.errorf("\"!function\": Python code is not run: write a template, or prepare the rows and name a field")
		}
		switch reason, refused := refusals[key]; {
		case refused && e.value == nil: // taken back
			continue
		case refused:
			return nil, e.at.errorf("%s: %s", e.key, reason)
		case !slices.Contains(known, key):
			return nil, e.at.errorf("the key %.64q is not known: is it %s?", e.key, nearest(e.key))
		}
		if other, twice := k[key]; twice {
			return nil, e.at.errorf("%s and %s say the same: want one of them", other.key, e.key)
		}
		if e.value != nil {
			k[key] = e
		}
	}
	return k, nil
}

func build(file string, entries []entry) (*File, error) {
	k, err := keysOf(entries)
	if err != nil {
		return nil, err
	}
	f := &File{Output: "generate_until"}
	if err := f.plain(k); err != nil {
		return nil, err
	}
	if f.Name == "" {
		f.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	d := task.Definition{Name: f.Name, Delimiter: " ", ShotDelimiter: "\n\n", Version: f.Version, OneMore: f.FewshotSplit == f.TestSplit}
	s, err := newScheme(file, f.Output, k)
	if err == nil {
		err = f.metrics(k, &d)
	}
	if err == nil {
		err = f.generation(k, &d)
	}
	if err != nil {
		return nil, err
	}
	d.Document = s.document
	d.BareTarget = f.Output == "loglikelihood"
	if err := f.fewshot(file, k, &d); err != nil {
		return nil, err
	}
	for key, to := range map[string]*string{"target_delimiter": &d.Delimiter, "fewshot_delimiter": &d.ShotDelimiter, "description": &d.Description} {
		if err := k.text(key, to); err != nil {
			return nil, err
		}
	}
	if f.Output == "generate_until" && d.Until == nil {
		d.Until = []string{d.ShotDelimiter}
	}
	if e, ok := k["description"]; ok && strings.Contains(d.Description, "{") {
		t, err := jinja.Parse(d.Description, jinja.Options{})
		if err == nil {
			d.Description, err = t.Render(nil)
		}
		if err != nil {
			return nil, e.at.errorf("description: %w: it is the same for all rows here: put what is not into doc_to_text", err)
		}
	}
	if err := task.CheckName(f.Name); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.Path, d.Config, d.Shots = f.DatasetPath, f.DatasetName, f.Shots
	d.Split = cmp.Or(f.TestSplit, f.ValidationSplit)
	d.ShotsSplit = cmp.Or(f.FewshotSplit, f.TrainingSplit, f.ValidationSplit, f.TestSplit)
	f.Task = task.New(d)
	return f, nil
}

// text sets to to the text of a key, if it is there.
func (k keys) text(key string, to *string) (err error) {
	if e, ok := k[key]; ok {
		*to, err = e.text()
	}
	return err
}

// plain reads the keys that stand for themselves.
func (f *File) plain(k keys) error {
	for _, field := range []struct {
		key string
		to  *string
	}{
		{"task", &f.Name}, {"task_alias", &f.Alias}, {"output_type", &f.Output}, {"dataset_path", &f.DatasetPath}, {"dataset_name", &f.DatasetName},
		{"training_split", &f.TrainingSplit}, {"validation_split", &f.ValidationSplit}, {"test_split", &f.TestSplit}, {"fewshot_split", &f.FewshotSplit},
	} {
		if err := k.text(field.key, field.to); err != nil {
			return err
		}
	}
	if e, ok := k["output_type"]; ok && !slices.Contains(outputs, f.Output) {
		return e.at.errorf("output_type: %.64q: want one of %s", f.Output, strings.Join(outputs, ", "))
	}
	if e, ok := k["num_fewshot"]; ok {
		var err error
		if f.Shots, err = e.whole(0); err != nil {
			return err
		}
	}
	if e, ok := k["repeats"]; ok && e.value != int64(1) {
		return e.at.errorf("repeats: want 1: a text is generated once")
	}
	e, ok := k["metadata"]
	if !ok {
		return nil
	}
	list, err := e.entries()
	for _, e := range list {
		if e.key != "version" {
			continue
		}
		switch v := e.value.(type) {
		case int64:
			f.Version = jinja.Str(v)
		case float64:
			f.Version = jinja.Str(v)
		default:
			return e.wrong("a number")
		}
	}
	return err
}
