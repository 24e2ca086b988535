package profile

import (
	"sync"
	"time"

	"github.com/klauspost/cpuid/v2"

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

// PeakBF16 is [PeakFLOPS] of products of BF16, with tiles where the processor has them,
// else with AVX512_BF16; 0 without either.
func PeakBF16(threads int) float64 { return peakOf(threads, simd.TileBF16, simd.DotBF16) }

// PeakInt8 is [PeakFLOPS] of products of bytes, with tiles where the processor has them,
// else with AVX512_VNNI; 0 without either.
func PeakInt8(threads int) float64 { return peakOf(threads, simd.TileInt8, simd.DotInt8) }

// peakOf is the peak of the first of some features that there is.
func peakOf(threads int, features ...simd.Feature) float64 {
	rounds := map[bool]int{true: 1 << 15, false: 1 << 20} // some milliseconds of tiles, or of vectors
	for _, f := range features {
		if simd.Has(f) {
			return best(threads, func(int) int { return simd.PeakOf(f, rounds[f == simd.TileBF16 || f == simd.TileInt8]) })
		}
	}
	return 0
}

// MemoryBytes returns how many bytes each of so many threads reads or copies where the
// caches shall not help: 64 MiB, or together twice the largest cache, which servers have
// some hundred MiB of; no more than 1 GiB for that.
func MemoryBytes(threads int) int {
	const least, most = 64 << 20, 1 << 30
	return max(least, min(2*cpuid.CPU.Cache.L3, most)/threads)
}

// ReadBandwidth returns the bytes a second that so many threads read from memory,
// from arrays larger than the caches: what products with one row, which read each
// weight once, are held against.
func ReadBandwidth(threads int) float64 { return ReadBandwidthOf(threads, MemoryBytes(threads)) }

// ReadBandwidthOf returns the bytes a second that so many threads read, each from
// size bytes of its own again and again: the bandwidth of the cache they fit, or
// of memory.
func ReadBandwidthOf(threads, size int) float64 {
	x, y := operands(threads, size/8)
	times := max(1, roundBytes/size)
	return best(threads, func(thread int) int {
		for range times {
			simd.Dot(x[thread], y[thread])
		}
		return times * size
	})
}

// CopyBandwidth returns the bytes a second, read and written ones added, that so
// many threads move when each copies one half of size bytes to the other.
func CopyBandwidth(threads, size int) float64 {
	x, y := operands(threads, size/8)
	times := max(1, roundBytes/size)
	return best(threads, func(thread int) int {
		for range times {
			copy(x[thread], y[thread])
		}
		return times * size
	})
}

// roundBytes is read in one round at least, so that starting threads costs little.
const roundBytes = 16 << 20

// operands returns two arrays of n floats for each thread.
func operands(threads, n int) (x, y [][]float32) {
	x, y = make([][]float32, threads), make([][]float32, threads)
	for i := range threads {
		x[i], y[i] = make([]float32, n), make([]float32, n)
		for j := range x[i] { // pages that were never written share one of zeros
			x[i][j], y[i][j] = 1, 1
		}
	}
	return x, y
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
