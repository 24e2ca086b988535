package formats

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile writes path whole or not at all: write gets a buffered writer to a
// temporary file beside it, which is flushed, synced, closed and then renamed.
// After an error the old file, if any, stands as it was.
func WriteFile(path string, write func(w io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return writeError(path, "cannot create a temporary file beside it", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreNotExist(os.Remove(f.Name())))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return writeError(path, "cannot write", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return writeError(path, "cannot rename the finished file", err)
	}
	return syncDir(dir)
}

// syncDir makes a rename last; systems that cannot open or sync a directory
// (Windows) order renames themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrInvalid) {
		return writeError(dir, "cannot sync the directory", err)
	}
	return nil
}

func ignoreNotExist(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func writeError(path, got string, err error) error {
	return &Error{Path: path, Code: "WRITE", Got: got, Want: "a writable directory with room", Err: cause(err)}
}

// A countingWriter refuses the byte after the limit.
type countingWriter struct {
	w    io.Writer
	left int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		return 0, fmt.Errorf("%d bytes more than declared", int64(len(p))-c.left)
	}
	n, err := c.w.Write(p)
	c.left -= int64(n)
	return n, err
}

// WriteExactly calls write and checks that it wrote size bytes to w.
func WriteExactly(w io.Writer, size int64, write func(w io.Writer) error) error {
	c := &countingWriter{w: w, left: size}
	if err := write(c); err != nil {
		return err
	}
	if c.left != 0 {
		return fmt.Errorf("%d of %d bytes were not written", c.left, size)
	}
	return nil
}
