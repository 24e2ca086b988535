package cuda

import "math/bits"

// rowThreads returns how many threads work on a row of n elements: a power of two, so that
// each has eight of them or more where that leaves a warp's worth. It is part of the order
// of a row's sums, and so depends on n alone.
func rowThreads(n int) int {
	const least, most, each = 32, 512, 8
	return min(max(least, 1<<bits.Len(uint(max(n-1, 0)/each))), most)
}
