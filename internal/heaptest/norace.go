//go:build !race

package heaptest

// Counts reports whether what is allocated is what the program alone would: under the
// race detector it is not.
const Counts = true
