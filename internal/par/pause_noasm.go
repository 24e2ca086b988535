//go:build noasm || !(amd64 || arm64)

package par

import "sync/atomic"

// pause lets about as much time pass as n instructions for spin loops take.
func pause(n uint32) {
	var x atomic.Uint32 // keeps the loop from being optimised away
	for range 8 * n {
		x.Load()
	}
}
