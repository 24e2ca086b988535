//go:build unix

package main

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// peak returns the most memory that a process that ended had, in bytes.
func peak(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

// onDisk returns the bytes that a file takes, of a sparse one fewer than its size.
func onDisk(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(s.Blocks) * 512
	}
	return info.Size()
}

func makePipe(path string) error { return syscall.Mkfifo(path, 0o644) }

// makeSocket makes one that nobody listens to, whose path may be of any length.
func makeSocket(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o644, 0) }
