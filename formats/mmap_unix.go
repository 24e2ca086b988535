//go:build unix

package formats

import (
	"os"

	"golang.org/x/sys/unix"
)

func load(f *os.File, size int) (data []byte, mapped bool, err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	return data, true, err
}

func unload(data []byte) error { return unix.Munmap(data) }

// release is a hint: a system that refuses it only keeps more pages.
func release(pages []byte) { _ = unix.Madvise(pages, unix.MADV_DONTNEED) }
