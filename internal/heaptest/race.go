//go:build race

package heaptest

// Counts reports whether what is allocated is what the program alone would: the race
// detector, which this build has, takes memory of its own and makes the compiler take more.
const Counts = false
