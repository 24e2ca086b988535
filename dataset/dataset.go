// Package dataset reads data sets from the files people have.
//
//	set, err := dataset.Open("ai2_arc", dataset.Options{Config: "ARC-Easy", Split: "test"})
//	for r, err := range set.Records() {
//		stem, err := r.Text("question")
//		…
//	}
//
// A path is a file, a directory of shards, a repository of the Hugging Face hub (a
// checkout, a snapshot of the hub's cache, or the cache's own directory of it), or
// the directory of an original release (PIQA with its labels beside it, RACE with a
// file for each passage, TriviaQA with its rows inside one object, …). Files are
// JSON lines or JSON arrays, CSV or TSV, and Parquet, each also in gzip or zstd.
//
// It knows names of splits and where people put files; it knows no task and gives
// no field a meaning.
//
// Invariants: nothing is skipped silently (a row that cannot be read ends the
// reading with its place, files that no rule takes are listed in Set.Ignored); the
// order is that of files by name, then of rows; no file outside the directory is
// opened; memory does not grow with a file's size.
package dataset

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"lamina/internal/files"
	"lamina/record"
)

// Options say which part of a data set is meant.
type Options struct {
	// Config is a sub-configuration ("ARC-Easy", "main", "high"), "" where there is
	// one only or the data set names one.
	Config string
	// Split is "train", "validation" (also "valid", "val", "dev"), "test" or another
	// name the data set has, "" where there is one only.
	Split string
	// Limit ends ReadAll after so many records; 0 reads all.
	Limit int
}

// File is a file as it lies on disk, compressed if it is.
type File struct {
	Path   string // as messages name it
	Name   string // below the data set's directory, with slashes
	Size   int64
	SHA256 string // hexadecimal
}

// Set is one split of a data set.
type Set struct {
	Config, Split string   // "" for a file that was named itself
	Files         []File   // in the order they are read; files of labels included
	Ignored       []string // data files that no rule takes

	dir     *folder // nil for a file that was named itself
	sources []source
}

// source is a file with rows.
type source struct {
	file   File
	form   form
	labels *File
}

// Open finds the files of one split and hashes them. Where more than one
// configuration or split could be meant, the error lists them.
func Open(path string, o Options) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &Set{}
	if info.IsDir() {
		err = s.find(path, o)
	} else {
		err = s.single(path, o)
	}
	if err != nil {
		return nil, err
	}
	for i := range s.sources {
		src := &s.sources[i]
		if err := s.hash(&src.file, src.form); err != nil {
			return nil, err
		}
		s.Files = append(s.Files, src.file)
		if src.labels == nil {
			continue
		}
		if err := s.hash(src.labels, unknown); err != nil {
			return nil, err
		}
		s.Files = append(s.Files, *src.labels)
	}
	return s, nil
}

// find sets the sources to those of a directory.
func (s *Set) find(path string, o Options) error {
	dir, err := openFolder(path)
	if err != nil {
		return err
	}
	s.dir = dir
	names, err := dir.names()
	if err != nil {
		return err
	}
	choice, err := choose(dir, names, o)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.Config, s.Split, s.Ignored = choice.config, choice.split, choice.ignored
	for _, name := range choice.names {
		src := source{file: dir.file(name), form: formOf(name)}
		if labels := labelsOf(name); labels != "" && names.labels[labels] {
			f := dir.file(labels)
			src.labels = &f
		}
		s.sources = append(s.sources, src)
	}
	return nil
}

// CheckFile returns an error if a file is asked for as another split than its name says,
// or as a configuration, which directories have.
func CheckFile(path string, o Options) error {
	if has := splitOfFile(filepath.Base(path)); o.Split != "" && has != "" && has != o.Split && class(has) != class(o.Split) {
		return fmt.Errorf("%s: a file of split %s, not %s", path, has, o.Split)
	}
	if o.Config != "" {
		return fmt.Errorf("%s: one file has no configuration %.128q: name its directory", path, o.Config)
	}
	return nil
}

// single sets the source to a file that was named itself.
func (s *Set) single(path string, o Options) error {
	name := filepath.Base(path)
	src := source{file: File{Path: path, Name: name}, form: formOf(name)}
	if src.form == unknown {
		form, err := sniff(path)
		if err != nil {
			return err
		}
		src.form = form
	}
	if err := CheckFile(path, o); err != nil {
		return err
	}
	if labels := labelsOf(name); labels != "" {
		beside := filepath.Join(filepath.Dir(path), labels)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			src.labels = &File{Path: beside, Name: labels}
		}
	}
	s.sources = []source{src}
	s.Split = o.Split
	return nil
}

func (s *Set) open(f File) (*os.File, error) {
	if s.dir == nil {
		r, _, err := files.Open(f.Path, files.Unlimited)
		return r, err
	}
	return s.dir.open(f.Name)
}

// parquetZeros is more zeros than a Parquet file has in a row: columns of equal values are
// stored as one of them and their number.
const parquetZeros = 256 << 20

// hash sets the size and the sum of a file. Holes end it, which no limit of a line or of
// documents would come to see.
func (s *Set) hash(f *File, form form) error {
	r, err := s.open(*f)
	if err != nil {
		return err
	}
	defer r.Close()
	zeros := files.LongestZeros
	if form == parquetForm {
		zeros = parquetZeros
	}
	if f.SHA256, f.Size, err = files.Sum(sha256.New(), files.Dense(r, zeros)); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	if f.Size == 0 {
		return fmt.Errorf("%s: the file is empty", f.Path)
	}
	return nil
}

// Size returns the bytes of all files as they lie on disk.
func (s *Set) Size() (n int64) {
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}

// Records reads the records in the order of files and rows. It ends after the
// first error, which begins with the file and as far as is known the line and the
// byte (of the decompressed text). A file without records is an error.
func (s *Set) Records() iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, src := range s.sources {
			some := false
			for r, err := range s.rows(src) {
				if err == nil {
					some = true
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
			if !some {
				yield(record.Record{}, fmt.Errorf("%s: no records", src.file.Path))
				return
			}
		}
	}
}

// ReadAll reads the records of a split, at most o.Limit of them, and says which
// files they are from. Records that would take far more memory than the files have bytes
// are an error, see [record.Kept]: Records reads any number of them.
func ReadAll(path string, o Options) ([]record.Record, []File, error) {
	s, err := Open(path, o)
	if err != nil {
		return nil, nil, err
	}
	kept := record.NewKept(s.Size())
	var out []record.Record
	for r, err := range s.Records() {
		if err == nil {
			err = kept.Add(r, record.RecordBytes)
		}
		if err != nil {
			return nil, nil, err
		}
		if out = append(out, r); len(out) == o.Limit {
			break
		}
	}
	return out, s.Files, nil
}

// form is how a file holds rows.
type form int8

const (
	unknown form = iota
	jsonForm
	csvForm
	tsvForm
	parquetForm
	passageForm // RACE: a file is one JSON object
)

// plainName returns a name without the end that says how it is compressed, and
// that end.
func plainName(name string) (plain, packed string) {
	for _, end := range []string{".gz", ".zst"} {
		if plain, ok := strings.CutSuffix(name, end); ok {
			return plain, end
		}
	}
	return name, ""
}

// formOf tells the form by a file's name.
func formOf(name string) form {
	plain, _ := plainName(strings.ToLower(name))
	switch filepath.Ext(plain) {
	case ".jsonl", ".ndjson", ".json":
		return jsonForm
	case ".csv":
		return csvForm
	case ".tsv":
		return tsvForm
	case ".parquet":
		return parquetForm
	case ".txt":
		return passageForm
	}
	return unknown
}

// labelsOf returns the name of the file in which PIQA and WinoGrande give the
// answers to the rows of a file.
func labelsOf(name string) string {
	if stem, ok := strings.CutSuffix(name, ".jsonl"); ok {
		return stem + "-labels.lst"
	}
	return ""
}
