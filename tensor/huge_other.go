//go:build !linux

package tensor

// advise does nothing where there is no such hint.
func advise([]byte) {}
