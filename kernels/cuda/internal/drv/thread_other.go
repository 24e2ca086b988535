//go:build !linux

package drv

// thread returns one number for all threads, where a thread's own is not to be had.
func thread() int { return 1 }
