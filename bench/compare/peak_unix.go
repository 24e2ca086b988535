//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// peakBytes returns the bytes resident at most so far, 0 if unknown. The system
// counts in KiB, but for Apple's.
func peakBytes() int {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int(use.Maxrss)
	}
	return int(use.Maxrss) << 10
}
