package exchange

import (
	"fmt"

	"lamina/internal/files"
	"lamina/internal/units"
)

// Sent is a directory that one house sends the other.
type Sent struct {
	Path  string `json:"path"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// NewSent measures a directory.
func NewSent(dir string) (Sent, error) {
	n, bytes, err := files.Size(dir)
	return Sent{dir, n, bytes}, err
}

// String names the directory with its size.
func (s Sent) String() string {
	return fmt.Sprintf("%s, %d files, %s", s.Path, s.Files, units.Bytes(int(s.Bytes)))
}
