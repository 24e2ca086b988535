package eval

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"lamina/dataset"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/internal/files"
)

// Data says where documents are read from: a file, or the directory of a data set
// and which part of it.
type Data struct {
	Path   string
	Config string // configuration of a data set that has several; "": the task's
	Split  string // train, validation or test

	// Locate returns the file or directory that Path stands for where Path is the
	// name of a data set elsewhere, which is fetched if need be; see package hub.
	// nil: Path is a path.
	Locate func(path string) (string, error)
}

// Documents reads the documents of a task, the first limit of them if limit is not
// 0, and says which files they came from. Errors name file and row.
func (d Data) Documents(t task.Task, limit int) (docs []task.Document, from []results.DataFile, err error) {
	docs, _, from, err = d.read(t, limit, false)
	return docs, from, err
}

// read is Documents; if count is set it also returns how many documents there are, those
// behind the limit counted and not read: results of the harness have that number, and it
// shuffles all places.
func (d Data) read(t task.Task, limit int, count bool) (docs []task.Document, total int, from []results.DataFile, err error) {
	if t.ReadsPages(d.Path) {
		if docs, err = task.ReadPages(d.Path); err != nil {
			return nil, 0, nil, err
		}
		from, err = d.page()
		total = len(docs)
		if limit > 0 && limit < total {
			docs = docs[:limit]
		}
		return docs, total, from, err
	}
	set, err := d.open(t)
	if err != nil {
		return nil, 0, nil, err
	}
	docs, total, err = t.First(set.Records(), limit, set.Size())
	if err == nil && total < 0 && count {
		total, err = set.Count()
	}
	if err != nil {
		return nil, 0, nil, err
	}
	return docs, total, filesOf(set), nil
}

// Identify digests the files that [Data.Documents] would read.
func (d Data) Identify(t task.Task) (Identity, error) {
	if t.ReadsPages(d.Path) {
		from, err := d.page()
		if err != nil {
			return Identity{}, err
		}
		return d.Identity(from), nil
	}
	set, err := d.open(t)
	if err != nil {
		return Identity{}, err
	}
	return d.Identity(filesOf(set)), nil
}

// Rows finds and hashes the files of rows that are read otherwise than as documents.
func (d Data) Rows() (*dataset.Set, []results.DataFile, error) {
	set, err := d.open(task.Task{})
	if err != nil {
		return nil, nil, err
	}
	return set, filesOf(set), nil
}

// CheckFile refuses a split or a configuration that does not fit a file which is named
// itself; of all else it says nothing.
func (d Data) CheckFile() error {
	if info, err := os.Stat(d.Path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return dataset.CheckFile(d.Path, dataset.Options{Config: d.Config, Split: d.Split})
}

// Identity is data as the settings of a run state it: a run goes on if the content
// is the same, wherever the files lie now.
type Identity struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of several files: of their lines "sha256 name\n"
}

// Identity returns the identity of files that were read.
func (d Data) Identity(from []results.DataFile) Identity {
	if len(from) == 1 {
		return Identity{filepath.Base(from[0].Name), from[0].SHA256}
	}
	h := sha256.New()
	for _, f := range from {
		fmt.Fprintf(h, "%s %s\n", f.SHA256, f.Name)
	}
	return Identity{filepath.Base(filepath.Clean(d.Path)), hex.EncodeToString(h.Sum(nil))}
}

// open finds the files and hashes them. A directory that holds the task's data and
// nothing else names no configuration: then it is opened without.
func (d Data) open(t task.Task) (*dataset.Set, error) {
	path := d.Path
	if d.Locate != nil {
		var err error
		if path, err = d.Locate(path); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: no such file", path)
	}
	if !info.IsDir() {
		return dataset.Open(path, dataset.Options{})
	}
	options := dataset.Options{Config: cmp.Or(d.Config, t.Source().Config), Split: d.Split}
	set, err := dataset.Open(path, options)
	if err != nil && d.Config == "" && options.Config != "" {
		options.Config = ""
		if plain, other := dataset.Open(path, options); other == nil {
			return plain, nil
		}
	}
	return set, err
}

// page digests the one file of WikiText's raw pages.
func (d Data) page() ([]results.DataFile, error) {
	sum, size, err := files.SHA256(d.Path)
	return []results.DataFile{{Name: filepath.Base(d.Path), Bytes: size, SHA256: sum}}, err
}

func filesOf(set *dataset.Set) (from []results.DataFile) {
	for _, f := range set.Files {
		from = append(from, results.DataFile{Name: f.Name, Bytes: f.Size, SHA256: f.SHA256})
	}
	return from
}
