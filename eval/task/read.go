package task

import (
	"errors"
	"fmt"
	"io"
	"os"

	"lamina/record"
)

// ReadFile reads all documents of a file of one of the six shapes, verbatim.
func ReadFile(path string) ([]Document, error) { return Task{}.ReadFile(path) }

// ReadFile reads all documents of a file of JSON, one object a line; see
// [record.Scan] and [Task.Documents]. A file without documents is an error.
func (t Task) ReadFile(path string) ([]Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory: want a file of documents, one a line", path)
	}
	return t.Read(f, path)
}

// Read reads all documents of r, verbatim.
func Read(r io.Reader, name string) ([]Document, error) { return Task{}.Read(r, name) }

// Read reads all documents of r, whose name is only for error messages.
func (t Task) Read(r io.Reader, name string) ([]Document, error) {
	docs, err := t.Documents(record.Scan(r, name))
	if errors.Is(err, errNone) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return docs, err
}
