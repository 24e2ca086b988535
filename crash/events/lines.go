package events

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"lamina/internal/files"
)

// maxLines is what the events of 10,000,000 steps take.
const maxLines = 8 << 30

// Lines writes an event a line, as JSON.
type Lines struct {
	path      string
	overwrite bool
	f         *files.File
	w         io.Writer
}

// NewLines returns the sink of a file, which is gone on with if it holds events of the same
// run; of another run it is an error, or replaced with overwrite.
func NewLines(path string, overwrite bool) *Lines { return &Lines{path: path, overwrite: overwrite} }

// NewLinesTo returns the sink of a writer, such as standard output.
func NewLinesTo(w io.Writer) *Lines { return &Lines{w: w} }

// Begin opens the file, and ends it before the first line that is not kept.
func (l *Lines) Begin(run, cell string, keep func(Event) bool) error {
	if l.path == "" {
		return nil
	}
	if l.f == nil {
		f, err := files.OpenOwn(l.path, maxLines)
		if err != nil {
			return err
		}
		l.f, l.w = f, f
		if err := files.TryLock(f); err != nil {
			return fmt.Errorf("%s: another process writes there: %w", l.path, err)
		}
	}
	if err := l.cut(run, cell, keep); err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	l.overwrite = false // cells of one run follow each other
	return nil
}

// CheckLines returns an error for a file that a run cannot write its events to, before it
// begins; overwrite is as in NewLines.
func CheckLines(path, run string, overwrite bool) error {
	if err := files.CheckTarget(path); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() { // gone on with, it is no link either
		return fmt.Errorf("%s: is no regular file: name another", path)
	}
	f, _, err := files.Open(path, maxLines)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := checkFirst(f, run, overwrite); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// beginning is how the first line begins.
const beginning = `{"event":"begin"`

// checkFirst holds the first line of a file against the run, and reports whether it is
// another's, which is replaced.
func checkFirst(f io.Reader, run string, overwrite bool) (other bool, err error) {
	r := bufio.NewReader(io.LimitReader(f, 1<<20))
	line, err := r.ReadBytes('\n')
	_, more := r.Peek(1)
	var e Event
	broken := json.Unmarshal(line, &e) != nil
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return false, err
	case errors.Is(more, io.EOF) && broken && len(line) < 1<<20 && bytes.HasPrefix([]byte(beginning), line[:min(len(line), len(beginning))]):
		return false, nil // empty, or of a run that was killed here, or the power went
	case broken || e.Event != Begin || e.Run == "":
		return false, fmt.Errorf("holds no events: name another file")
	case e.Run != run && !overwrite:
		return false, fmt.Errorf("holds the events of another run: name another file, or pass --overwrite")
	}
	return e.Run != run, nil
}

// cut ends the file before the first line that is not kept, or not whole. It is an error
// where lines behind are of other cells, as of one that was trained after this was cut short.
func (l *Lines) cut(run, cell string, keep func(Event) bool) error {
	if _, err := l.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	other, err := checkFirst(l.f, run, l.overwrite)
	if err != nil {
		return err
	}
	if _, err := l.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	end, ended := int64(0), false
	for r := bufio.NewReader(l.f); !other; {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var e Event
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &e) != nil || e.Run != run {
			break
		}
		if ended = ended || !keep(e); !ended {
			end += int64(len(line))
		} else if l.overwrite {
			break
		} else if e.Cell != cell {
			return fmt.Errorf("has the events of cell %s behind some of cell %s that are to be told again, and they would be lost: name another file", e.Cell, cell)
		}
	}
	if err := l.f.Truncate(end); err != nil {
		return err
	}
	_, err = l.f.Seek(end, io.SeekStart)
	return err
}

// Add writes a line.
func (l *Lines) Add(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		if l.path == "" {
			return err
		}
		return fmt.Errorf("%s: %w", l.path, err)
	}
	return nil
}

// Sync syncs the file.
func (l *Lines) Sync() error {
	if l.f == nil {
		return nil
	}
	if err := l.f.Sync(); err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	return nil
}

// Close closes the file.
func (l *Lines) Close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
