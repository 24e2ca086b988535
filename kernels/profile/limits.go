package profile

import (
	"sync"
	"time"

	"lamina/kernels/internal/simd"
)

// measured is how long a limit is measured for.
const measured = 200 * time.Millisecond

// PeakFLOPS returns the floating-point operations a second that so many threads
// reach with multiply-adds in registers, at the instruction set in use: what
// matrix products are held against. The best of several short runs counts, since
// other programs can only make it slower.
func PeakFLOPS(threads int) float64 {
	const rounds = 1 << 21
	return best(threads, func(int) int { return simd.Peak(rounds) })
}

// ReadBandwidth returns the bytes a second that so many threads read from memory,
// from arrays larger than the caches: what products with one row, which read each
// weight once, are held against.
func ReadBandwidth(threads int) float64 {
	const n = 16 << 20 // floats a thread in two arrays
	x, y := make([][]float32, threads), make([][]float32, threads)
	for i := range threads {
		x[i], y[i] = make([]float32, n/2), make([]float32, n/2)
		for j := range x[i] { // pages that were never written share one of zeros
			x[i][j], y[i][j] = 1, 1
		}
	}
	return best(threads, func(thread int) int {
		simd.Dot(x[thread], y[thread])
		return 4 * n
	})
}

// best runs work on so many threads at once, again and again, and returns the
// largest rate: the sum of what work returned over the time of the slowest thread.
func best(threads int, work func(thread int) int) float64 {
	rate := 0.0
	for end := time.Now().Add(measured); time.Now().Before(end); {
		amounts := make([]int, threads)
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range threads {
			wg.Go(func() { amounts[i] = work(i) })
		}
		wg.Wait()
		seconds := time.Since(begin).Seconds()
		total := 0
		for _, a := range amounts {
			total += a
		}
		rate = max(rate, float64(total)/seconds)
	}
	return rate
}
