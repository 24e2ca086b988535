//go:build !linux

package tensor

// advise does nothing where there is no such hint.
func advise([]byte) {}

// LargePages is false where there is no such hint.
func LargePages() bool { return false }

// systemMemory cannot tell.
func systemMemory() (free, total int64) { return 0, 0 }
