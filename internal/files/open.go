package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// Unlimited is the limit of files that are mapped or streamed, never read whole.
const Unlimited = math.MaxInt64

// Open opens a file that comes from outside, and returns its size in bytes: a regular
// file of at most limit bytes, or a link that leads to one. A directory, device or pipe
// is an error before it is opened, as opening one can wait for ever, and reading one may
// never end. The error of a file that is not there is [fs.ErrNotExist].
func Open(path string, limit int64) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err := checkInput(path, info, err, limit); err != nil {
		return nil, 0, err
	}
	// What stands at path may have been replaced since.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, bare(err))
	}
	info, err = f.Stat()
	if err := checkInput(path, info, err, limit); err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// OpenOwn opens a file that is gone on with, to read and to write, and makes it if it is
// not there, with a name that survives a cut of power. What Open would not open is an error here too, and so is a link: nothing is
// written to what lies elsewhere.
func OpenOwn(path string, limit int64) (*File, error) {
	before, err := os.Lstat(path)
	made := errors.Is(err, fs.ErrNotExist)
	if !made {
		if err := checkInput(path, before, err, limit); err != nil {
			return nil, err
		}
	}
	f, err := openFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o666)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, bare(err))
	}
	info, err := f.Stat()
	if err := checkInput(path, info, err, limit); err != nil {
		f.Close()
		return nil, err
	}
	if !made && !os.SameFile(before, info) {
		f.Close()
		return nil, fmt.Errorf("%s: was replaced while it was opened", path)
	}
	if made {
		if err := syncDir(filepath.Dir(path)); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", path, bare(err))
		}
	}
	return f, nil
}

func checkInput(path string, info fs.FileInfo, err error, limit int64) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, bare(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is %s, want a regular file", path, kindOf(info.Mode()))
	case info.Size() > limit:
		return tooLarge(path, info.Size(), limit)
	}
	return nil
}

func tooLarge(path string, size, limit int64) error {
	return fmt.Errorf("%s: %d bytes, more than the %d that such a file may have", path, size, limit)
}

// kindOf names what stands where a regular file is wanted.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no file with content"
}

// Read reads a file whole, as Open opens it. The limit also holds for a file that grows
// while it is read, and for one of /proc, whose size is said to be 0.
func Read(path string, limit int64) ([]byte, error) {
	f, size, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, 0, size+1) // one more, to meet the end without growing
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, tooLarge(path, int64(len(data)), limit)
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, bare(err))
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}
