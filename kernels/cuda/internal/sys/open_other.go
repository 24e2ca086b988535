//go:build !cuda || !linux

package sys

import "fmt"

// Built reports whether this binary can load libraries.
const Built = false

// Open returns an error: the binary was built without the tag cuda, or not for Linux.
func Open(path string) (Library, error) {
	return nil, fmt.Errorf("%s: %w", path, ErrNotBuilt)
}
