package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"lamina/dataset"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/internal/files"
)

// maxInput bounds the JSON files that are read whole.
const maxInput = 256 << 20

// readInput reads a file of a flag whole.
func readInput(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: no such file", path)
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory, want a file", path)
	case info.Size() > maxInput:
		return nil, fmt.Errorf("%s: %d bytes, more than the %d this command reads", path, info.Size(), maxInput)
	}
	return os.ReadFile(path)
}

// decodeJSON decodes one JSON value and refuses what follows it.
func decodeJSON(path string, data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one JSON value", path)
	}
	return nil
}

// source is what a flag names: a file, a directory of a data set, or a data set of
// the hub; and which part of one that has several.
type source struct{ path, config, split string }

// dataFlags choose a part of a data set.
type dataFlags struct {
	Split  string `placeholder:"NAME" help:"Split of a data set that has several: train, validation or test. Default: what the harness takes."`
	Config string `placeholder:"NAME" help:"Configuration of a data set that has several, e.g. ARC-Easy. Default: the task's."`
}

// open finds the files of a source and hashes them.
func (s *session) open(t task.Task, from source) (*dataset.Set, error) {
	path, err := s.dataPath(from.path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: no such file", path)
	}
	if !info.IsDir() {
		return dataset.Open(path, dataset.Options{})
	}
	options := dataset.Options{Config: or(from.config, t.Source().Config), Split: from.split}
	set, err := dataset.Open(path, options)
	if err != nil && from.config == "" && options.Config != "" {
		// A directory that holds the task's data and nothing else names no configuration.
		options.Config = ""
		if plain, other := dataset.Open(path, options); other == nil {
			return plain, nil
		}
	}
	return set, err
}

// documents reads the documents of a source, the first limit of them if limit is
// not 0, and checks the token ids that stand in them; files says what was read.
func (m *model) documents(t task.Task, from source, limit int) (docs []task.Document, files []results.File, err error) {
	if limit < 0 {
		return nil, nil, usagef("a limit of %d documents: want 1 or more", limit)
	}
	if t.ReadsPages(from.path) {
		if docs, err = task.ReadPages(from.path); err != nil {
			return nil, nil, err
		}
		file, err := digestFile(from.path)
		if err != nil {
			return nil, nil, err
		}
		files = []results.File{file}
	} else {
		set, err := m.session.open(t, from)
		if err != nil {
			return nil, nil, err
		}
		files = filesOf(set)
		if docs, err = t.Documents(set.Records()); err != nil {
			return nil, nil, err
		}
	}
	if limit > 0 && limit < len(docs) {
		docs = docs[:limit]
	}
	for i := range docs {
		if err := docs[i].CheckIDs(m.Config.Vocab); err != nil {
			return nil, nil, err
		}
	}
	return docs, files, nil
}

// namedTask returns the task of --task; an unknown name is wrong usage.
func namedTask(name string) (task.Task, error) {
	t, err := task.Named(name)
	if err != nil {
		return t, usageError{err}
	}
	return t, nil
}

// examples encodes documents for training, contexts cut from the left to
// maxLength; cut counts the pairs that were.
func (m *model) examples(t task.Task, docs []task.Document, format task.Format, maxLength int) (pairs []task.Pair, cut int, err error) {
	e, err := m.encoder(docs[0].Shape)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range docs {
		some, err := t.Examples(d, e, format, maxLength)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range some {
			if p.Cut > 0 {
				cut++
			}
		}
		pairs = append(pairs, some...)
	}
	return pairs, cut, nil
}

// rows encodes documents as similarity reads them: context and target in one row,
// a text without the token that stands before it.
func (m *model) rows(t task.Task, docs []task.Document, maxLength int) ([][]int32, error) {
	e, err := m.encoder(docs[0].Shape)
	if err != nil {
		return nil, err
	}
	rows := make([][]int32, len(docs))
	for i, d := range docs {
		pairs, err := t.Examples(d, e, task.FormatScoring, maxLength)
		if err != nil {
			return nil, err
		}
		if d.Shape == task.Text {
			rows[i] = pairs[0].Target
			continue
		}
		row := slices.Concat(pairs[0].Context, pairs[0].Target)
		rows[i] = row[max(0, len(row)-maxLength):]
	}
	return rows, nil
}

// fileID is an input file as config.json states it: a run goes on if the content
// is the same, wherever the file lies now. Of several files it is one digest over
// their names and digests.
type fileID struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// identify digests a file.
func identify(path string) (fileID, error) {
	f, err := digestFile(path)
	return fileID{f.Name, f.SHA256}, err
}

func digestFile(path string) (results.File, error) {
	digest, size, err := files.SHA256(path)
	return results.File{Name: filepath.Base(path), Bytes: size, SHA256: digest}, err
}

// identify digests what a source would be read from.
func (m *model) identify(t task.Task, from source) (fileID, error) {
	if t.ReadsPages(from.path) {
		return identify(from.path)
	}
	set, err := m.session.open(t, from)
	if err != nil {
		return fileID{}, err
	}
	return identifyFiles(from.path, filesOf(set)), nil
}

func filesOf(set *dataset.Set) (files []results.File) {
	for _, f := range set.Files {
		files = append(files, results.File{Name: f.Name, Bytes: f.Size, SHA256: f.SHA256})
	}
	return files
}

// identifyFiles is the identity of what a source was read from.
func identifyFiles(path string, files []results.File) fileID {
	if len(files) == 1 {
		return fileID{filepath.Base(files[0].Name), files[0].SHA256}
	}
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %s\n", f.SHA256, f.Name)
	}
	return fileID{filepath.Base(filepath.Clean(path)), hex.EncodeToString(h.Sum(nil))}
}
