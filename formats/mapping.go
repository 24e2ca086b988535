package formats

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"lamina/internal/files"
)

// Mapping is the contents of a regular file, mapped read-only where the system
// can, read into memory elsewhere.
type Mapping struct {
	path   string
	data   []byte
	size   int64 // of a file of which data is the beginning; 0: of data
	mapped bool
}

// NewBeginning returns a Mapping of a file of size bytes of which only the first are
// there: what is in its header can be read, and tensors beyond have no bytes.
func NewBeginning(path string, data []byte, size int64) *Mapping {
	return &Mapping{path: path, data: data, size: size}
}

// Size returns the size of the file.
func (f *Mapping) Size() int64 { return max(f.size, int64(len(f.data))) }

// Open maps the regular file at path. Devices, pipes and directories are
// refused before they are opened: opening a pipe would wait for a writer.
func Open(path string) (*Mapping, error) {
	fail := func(code, got, want string, err error) error {
		return &Error{Path: path, Code: code, Got: got, Want: want, Err: err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fail("OPEN", "cannot open", "an existing, readable file; fetch it again if it is missing", cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fail("NOT_REGULAR", "is no regular file", "a file, not a directory, device or pipe", nil)
	}
	f, _, err := files.Open(path, files.Unlimited)
	if err != nil {
		return nil, fail("OPEN", "cannot open", "a readable file", cause(err))
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, fail("OPEN", "cannot stat", "", cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fail("NOT_REGULAR", "is no regular file", "a file, not a directory, device or pipe", nil)
	}
	size := info.Size()
	if size == 0 {
		return nil, fail("EMPTY", "is empty", "a checkpoint; fetch it again", nil)
	}
	if int64(int(size)) != size {
		return nil, fail("TOO_LARGE", fmt.Sprintf("%d bytes do not fit this machine's address space", size), "", nil)
	}
	data, mapped, err := load(f, int(size))
	if err != nil {
		return nil, fail("OPEN", "cannot map", "", cause(err))
	}
	return &Mapping{path: path, data: data, mapped: mapped}, nil
}

// cause drops the path from an error of package os: ours names it already.
func cause(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner // the path stands in front already
	}
	return err
}

// NewMapping returns a Mapping over data in memory; path is for messages only.
func NewMapping(path string, data []byte) *Mapping { return &Mapping{path: path, data: data} }

// Path returns the name given to [Open].
func (f *Mapping) Path() string { return f.path }

// Data returns the whole contents; valid until Close, read-only.
func (f *Mapping) Data() []byte { return f.data }

// Release tells the system that the pages wholly inside [start, end) are not
// needed for now. They stay readable: the next access fetches them again.
func (f *Mapping) Release(start, end int64) {
	page := int64(os.Getpagesize())
	start = (start + page - 1) / page * page
	if end = end / page * page; f.mapped && start < end {
		release(f.data[start:end])
	}
}

// Close gives the mapping back. Every slice of Data is invalid afterwards.
func (f *Mapping) Close() error {
	data, mapped := f.data, f.mapped
	f.data, f.mapped = nil, false
	if !mapped {
		return nil
	}
	return unload(data)
}
