package demo

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"

	"lamina/internal/files"
)

// Sizes of the files [WriteData] writes, in documents.
const (
	PublicSize = 512
	TrainSize  = 2000
	ValidSize  = 200
	TestSize   = 1000
)

// Names of the files in the directory [WriteData] makes.
const (
	PublicFile = "public.jsonl"
	TrainFile  = "train.jsonl"
	ValidFile  = "valid.jsonl"
	TestFile   = "test.jsonl"
)

// WriteData makes the directory dir with the four files of the demo:
// public.jsonl holds documents {"text"} of the corpus, the only ones a plan may
// read; train.jsonl, valid.jsonl and test.jsonl hold rows {"query","choices",
// "gold"} of the private task, each about a story of its own. An existing dir is
// an error.
func WriteData(dir string) error { return writeData(dataAt(dir, false)) }

func dataAt(dir string, overwrite bool) files.Output {
	return files.Output{Path: dir, Kind: "directory of the demo's data", Overwrite: overwrite}
}

func writeData(to files.Output) error {
	rows := privateQuestions(TrainSize + ValidSize + TestSize)
	train, rest := rows[:TrainSize], rows[TrainSize:]
	return to.Write(func(tmp string) error {
		for _, f := range []struct {
			name string
			docs []any
		}{
			{PublicFile, publicDocuments(PublicSize)},
			{TrainFile, documents(train)},
			{ValidFile, documents(rest[:ValidSize])},
			{TestFile, documents(rest[ValidSize:])},
		} {
			err := files.Write(filepath.Join(tmp, f.name), func(w io.Writer) error {
				e := json.NewEncoder(w)
				for _, d := range f.docs {
					if err := e.Encode(d); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func documents(rows []question) []any {
	docs := make([]any, len(rows))
	for i, q := range rows {
		docs[i] = q
	}
	return docs
}

// publicDocuments returns the first n documents of the corpus as the last part of
// the training drew them.
func publicDocuments(n int) []any {
	docs := make([]any, n)
	for i := range docs {
		docs[i] = map[string]string{"text": strings.Join(publicText(uint64(i), maxSwaps).words, " ")}
	}
	return docs
}
