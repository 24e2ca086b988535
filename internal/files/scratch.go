package files

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
)

// Scratch is a file that its process alone writes and reads, and which is gone when that
// ends: pieces of memory that lie on disk. What a killed process leaves, [Sweep] removes,
// or whoever makes the next of its name.
//
//	s, err := files.NewScratch(dir, "streams", 1<<30)
//	defer s.Close()
//	at, err := s.Append(piece)
//	err = s.Read(at, piece)
type Scratch struct {
	f       *File
	path    string
	settled func()
	size    int64
	limit   int64
}

// NewScratch makes an empty file in a directory, which will hold limit bytes at most. Its
// name is a temporary file's, of a file called name.
func NewScratch(dir, name string, limit int64) (*Scratch, error) {
	path := filepath.Join(dir, name)
	f, err := createTemp(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, bare(err))
	}
	return &Scratch{f: f, path: path, settled: begun(f.Name()), limit: limit}, nil
}

// ErrNoRoom is that a scratch file has reached its limit.
var ErrNoRoom = errors.New("no room is left")

// Append writes a piece behind the others and returns where it begins. After an error the
// file is as it was.
func (s *Scratch) Append(piece []byte) (at int64, err error) {
	if s.size+int64(len(piece)) > s.limit {
		return 0, fmt.Errorf("%s: %d bytes of %d are taken: %w", s.path, s.size, s.limit, ErrNoRoom)
	}
	if _, err := s.f.Seek(s.size, io.SeekStart); err != nil {
		return 0, fmt.Errorf("%s: %w", s.path, bare(err))
	}
	if _, err := s.f.Write(piece); err != nil {
		return 0, fmt.Errorf("%s: %w", s.path, bare(err))
	}
	at = s.size
	s.size += int64(len(piece))
	return at, nil
}

// Read fills a piece with what was written at a place.
func (s *Scratch) Read(at int64, piece []byte) error {
	if n, err := s.f.ReadAt(piece, at); n < len(piece) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s: %d of %d bytes at %d: %w", s.path, n, len(piece), at, bare(err))
	}
	return nil
}

// Size returns how many bytes are in the file.
func (s *Scratch) Size() int64 { return s.size }

// Close removes the file. A nil one is closed already.
func (s *Scratch) Close() error {
	if s == nil || s.f == nil {
		return nil
	}
	defer s.settled()
	removed := disk.Remove(s.f.Name()) // while it is locked, it is ours
	err := s.f.Close()
	if runtime.GOOS == "windows" { // nothing that is open is removed there
		removed = disk.Remove(s.f.Name())
	}
	s.f = nil
	return errors.Join(bare(removed), bare(err))
}
