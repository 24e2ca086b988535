//go:build !linux && !darwin && !windows

package files

// freeBytes does not know.
func freeBytes(string) (free uint64, known bool) { return 0, false }
