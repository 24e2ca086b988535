//go:build !linux && !darwin && !windows

package hub

// freeBytes does not know.
func freeBytes(string) (free uint64, known bool) { return 0, false }
