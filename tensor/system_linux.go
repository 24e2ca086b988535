package tensor

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page of amd64, and of arm64 with pages of 4 KiB.
const hugePage = 2 << 20

// advisedBytes is the size from which on memory is worth a hint: a matrix of a small
// model.
const advisedBytes = 256 << 10

// advise asks for large pages wherever data lies, its first and last ones whole, which
// memory before and behind it shares: arenas, weights and moments are gone through in
// order and by several streams at once, which small pages slow down by a fifth, and by
// half where they are scattered over memory. A system that refuses the hint is only
// slower.
func advise(data []byte) {
	if len(data) < advisedBytes {
		return
	}
	from := unsafe.Pointer(&data[0])
	before := int(uintptr(from) & (hugePage - 1))
	n := (before + len(data) + hugePage - 1) / hugePage * hugePage
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(from)-uintptr(before), uintptr(n), unix.MADV_HUGEPAGE)
}

// LargePages reports whether the system gives large pages to memory that asks for them, as
// that of [Host.Alloc] does.
func LargePages() bool {
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	return err == nil && !bytes.Contains(setting, []byte("[never]"))
}

// systemMemory reads /proc/meminfo, which says what a program could take without
// others being moved to swap space, and the limit of the program's group; 0, 0 if
// there is no such file.
func systemMemory() (free, total int64) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	free = kibibytes(data, "MemAvailable:") + kibibytes(data, "SwapFree:")
	total = kibibytes(data, "MemTotal:") + kibibytes(data, "SwapTotal:")
	if data, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64); err == nil { // not "max"
			free, total = min(free, limit), min(total, limit)
		}
	}
	return free, total
}

// kibibytes returns the bytes that the line of a key states as "key   123 kB", or 0.
func kibibytes(meminfo []byte, key string) int64 {
	_, rest, _ := bytes.Cut(meminfo, []byte(key))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil || n > math.MaxInt64>>10 {
		return 0
	}
	return n << 10
}
