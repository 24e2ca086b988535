//go:build !linux

package tensor

// advise does nothing where there is no such hint.
func advise([]byte) {}

// systemMemory cannot tell.
func systemMemory() (free, total int64) { return 0, 0 }
