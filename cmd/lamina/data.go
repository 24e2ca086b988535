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

	"lamina/crash/results"
	"lamina/crash/task"
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

// readDocuments reads the documents of a task in a file, the first limit of them if
// limit is not 0, and checks the token ids that stand in it.
func (m *model) readDocuments(t task.Task, path string, limit int) ([]task.Document, error) {
	if limit < 0 {
		return nil, usagef("a limit of %d documents: want 1 or more", limit)
	}
	docs, err := t.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if limit > 0 && limit < len(docs) {
		docs = docs[:limit]
	}
	for i := range docs {
		if err := docs[i].CheckIDs(m.Config.Vocab); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// dataFlags choose a part of a data set.
type dataFlags struct {
	Split  string `placeholder:"NAME" help:"Split of a data set: train, validation or test. Default: what the harness takes."`
	Subset string `placeholder:"NAME" help:"Configuration of a data set, e.g. ARC-Easy. Default: the task's."`
}

// readTask reads the documents of a split of a task's data, and what identifies
// the files.
func (m *model) readTask(t task.Task, path string, f dataFlags, split string) ([]task.Document, []results.File, error) {
	docs, err := m.readDocuments(t, path, 0)
	if err != nil {
		return nil, nil, err
	}
	id, err := identify(path)
	return docs, []results.File{{Name: id.Name, SHA256: id.SHA256}}, err
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
// is the same, wherever the file lies now.
type fileID struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// identify digests a file.
func identify(path string) (fileID, error) {
	f, err := os.Open(path)
	if err != nil {
		return fileID{}, fmt.Errorf("%s: no such file", path)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fileID{}, fmt.Errorf("%s: %w", path, err)
	}
	return fileID{filepath.Base(path), hex.EncodeToString(h.Sum(nil))}, nil
}
