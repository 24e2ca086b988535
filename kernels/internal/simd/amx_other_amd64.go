//go:build !noasm && !linux

package simd

// askForTiles says why tiles cannot be used: systems other than Linux are not known to
// save them as Go needs it.
func askForTiles() string { return "tiles are used on Linux only" }
