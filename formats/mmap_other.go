//go:build !unix

package formats

import (
	"io"
	"os"
)

// load reads the file where there is no mmap; the size is that of a file that
// is really there.
func load(f *os.File, size int) (data []byte, mapped bool, err error) {
	data = make([]byte, size)
	_, err = io.ReadFull(f, data)
	return data, false, err
}

func unload([]byte) error { return nil }

func release([]byte) {}
