package simd

import (
	"math"
	"testing"
)

func TestDotsAndAddRowsAgainstFloat64(t *testing.T) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for _, k := range []int{1, 3, 7, 8, 9, 16, 63, 64, 65, 80, 128, 130} {
			for n := range 10 {
				stride := k + n%3
				rows, x := wave(n*stride+k, 0.7), wave(k, 1.3)
				scores := wave(n+1, 5)
				Dots(scores[:n], x, rows, stride)
				sums, start := wave(k+1, 0.3), wave(k+1, 0.3)
				AddRows(sums[:k], scores[:n], rows, stride)
				for i := range n {
					var want, size float64
					for j, v := range x {
						p := float64(v) * float64(rows[i*stride+j])
						want, size = want+p, size+math.Abs(p)
					}
					if math.Abs(float64(scores[i])-want) > float64(k+4)*0x1p-24*size {
						t.Fatalf("%v Dots k=%d n=%d: [%d] = %v, want %v", l, k, n, i, scores[i], want)
					}
				}
				for j := range k {
					want, size := float64(start[j]), math.Abs(float64(start[j]))
					for i := range n {
						p := float64(scores[i]) * float64(rows[i*stride+j])
						want, size = want+p, size+math.Abs(p)
					}
					if math.Abs(float64(sums[j])-want) > float64(n+4)*0x1p-24*size {
						t.Fatalf("%v AddRows k=%d n=%d: [%d] = %v, want %v", l, k, n, j, sums[j], want)
					}
				}
				if scores[n] != wave(n+1, 5)[n] || sums[k] != start[k] {
					t.Fatalf("%v k=%d n=%d: wrote beyond the end", l, k, n)
				}
			}
		}
	}
}

// A decode step reads a prefix and its own row in two calls, and a score must
// not depend on how many keys are scored with it.
func TestDotsAndAddRowsMayBeSplit(t *testing.T) {
	defer Set(Active())
	const n, k, stride = 11, 80, 96
	rows, x := wave(n*stride, 0.7), wave(k, 1.3)
	for _, l := range Levels() {
		Set(l)
		whole, split := make([]float32, n), make([]float32, n)
		wholeSum, splitSum := make([]float32, k), make([]float32, k)
		Dots(whole, x, rows, stride)
		AddRows(wholeSum, whole, rows, stride)
		for at := range n {
			Dots(split[:at], x, rows, stride)
			Dots(split[at:], x, rows[at*stride:], stride)
			clear(splitSum)
			AddRows(splitSum, split[:at], rows, stride)
			AddRows(splitSum, split[at:], rows[at*stride:], stride)
			for i := range whole {
				if whole[i] != split[i] {
					t.Fatalf("%v Dots split at %d: [%d] = %v, want the bits of %v", l, at, i, split[i], whole[i])
				}
			}
			for i := range wholeSum {
				if wholeSum[i] != splitSum[i] {
					t.Fatalf("%v AddRows split at %d: [%d] = %v, want the bits of %v", l, at, i, splitSum[i], wholeSum[i])
				}
			}
		}
	}
}

// TestAddColumnsHasTheBitsOfAddRows of the same numbers turned, zeros of both signs among
// them, however its products are split.
func TestAddColumnsHasTheBitsOfAddRows(t *testing.T) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for n := range 40 {
			for _, k := range []int{1, 2, 15, 16, 17, 33, 64, 100} {
				stride := k + n%3
				rows, w := wave(n*stride+k, 0.7), wave(k, 1.3)
				w[k/2] = 0
				turned := make([]float32, n*k)
				for j := range n {
					for p := range k {
						turned[p*n+j] = rows[j*stride+p]
					}
				}
				want := make([]float32, n)
				for j := range want {
					want[j] = float32(math.Copysign(0, float64(j%3-1)))
				}
				whole, split := append([]float32(nil), want...), append([]float32(nil), want...)
				AddRows(want, w, turned, n)
				AddColumns(whole, w, rows, stride)
				AddColumns(split, w[:k/3], rows, stride)
				AddColumns(split, w[k/3:], rows[k/3:], stride)
				for j := range want {
					if !sameBits(whole[j], want[j]) || !sameBits(split[j], want[j]) {
						t.Fatalf("%v n=%d k=%d: [%d] = %v, split %v, want %v", l, n, k, j, whole[j], split[j], want[j])
					}
				}
			}
		}
	}
}
