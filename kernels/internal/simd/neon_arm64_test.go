//go:build !noasm

package simd

import (
	"math"
	"testing"
)

// neonInputs are numbers of every sign and exponent, those where functions bend and
// turn, and what is special; of a length that no run divides.
func neonInputs() []float32 {
	r := noise(3)
	x := append(spread(3001), specials...)
	for range 20000 {
		x = append(x, math.Float32frombits(uint32(int32(r.next()*(1<<31)))))
	}
	for v := float32(-110); v < 110; v += 0.0173 {
		x = append(x, v)
	}
	return append(x, make([]float32, 3-len(x)%4+4)...)
}

// TestNEONHasTheBitsOfTheTwins: functions of one number, and sums in the same lanes.
func TestNEONHasTheBitsOfTheTwins(t *testing.T) {
	defer Set(Active())
	x := neonInputs()
	n := len(x)
	dy, up := wave(n, 0.7), wave(n, 1.3)
	functions := map[string]func(dst, other []float32) float32{
		"ExpSum":        func(dst, _ []float32) float32 { return ExpSum(dst, x, 0.5) },
		"SumExp":        func(_, _ []float32) float32 { return SumExp(x[:3001], 110) },
		"ExpSum/finite": func(dst, _ []float32) float32 { return ExpSum(dst[:3001], x, 110) },
		"SiLUBackward":  func(dst, _ []float32) float32 { SiLUBackward(dst, dy, x); return 0 },
		"Sigmoid":       func(dst, _ []float32) float32 { Sigmoid(dst, x); return 0 },
		"SiLU":          func(dst, _ []float32) float32 { SiLU(dst, x); return 0 },
		"Tanh":          func(dst, _ []float32) float32 { Tanh(dst, x); return 0 },
		"ExpScaled":     func(dst, _ []float32) float32 { ExpScaled(dst, x, 1.5, -0.37); return 0 },
		"GELU":          func(dst, _ []float32) float32 { GELU(dst, x); return 0 },
		"GELUBackward":  func(dst, _ []float32) float32 { GELUBackward(dst, dy, x); return 0 },
		"GELUTanh":      func(dst, _ []float32) float32 { GELUTanh(dst, x); return 0 },
		"TanhBackward":  func(dst, _ []float32) float32 { TanhBackward(dst, dy, x); return 0 },
		"SiLUMul":       func(dst, _ []float32) float32 { SiLUMul(dst, x, up); return 0 },
		"SigmoidSlope":  func(dst, _ []float32) float32 { SigmoidBackward(dst, dy, x); return 0 },
		"GELUTanhSlope": func(dst, _ []float32) float32 { GELUTanhBackward(dst, dy, x); return 0 },
		"SiLUMulSlope":  func(dst, other []float32) float32 { SiLUMulBackward(dst, other, dy, x, up); return 0 },
	}
	for name, f := range functions {
		t.Run(name, func(t *testing.T) {
			var bits [2][2][]float32
			var sums [2]float32
			for i, l := range []Level{Generic, NEON} {
				Set(l)
				dst, other := make([]float32, n), make([]float32, n)
				sums[i] = f(dst, other)
				bits[i] = [2][]float32{dst, other}
			}
			if !sameBits(sums[0], sums[1]) {
				t.Errorf("sum %v, want %v", sums[1], sums[0])
			}
			for out, want := range bits[0] {
				for i, v := range bits[1][out] {
					if !sameBits(v, want[i]) {
						t.Fatalf("result %d of %v (%d) is %v, want %v", out, x[i], i, v, want[i])
					}
				}
			}
		})
	}
}

// TestNEONRowsHaveTheBitsOfTheTwins: rows of every length up to some turns of every loop,
// with what is special in half of them.
func TestNEONRowsHaveTheBitsOfTheTwins(t *testing.T) {
	defer Set(Active())
	for n := range 90 {
		x, top := wave(n, 0.7), []float32{0.3}
		if n%2 == 1 {
			for i := range x {
				if i%5 == 3 {
					x[i] = specials[(i+n)%len(specials)]
				}
			}
		}
		for _, scale := range []float32{0.5, -2} {
			for seen := range 2 {
				sees := []int32{int32(n - seen*n/3)}
				var want, got [3][]float32
				for i, l := range []Level{Generic, NEON} {
					Set(l)
					room := make([]float32, n+8)
					copy(room, x)
					sum, shrink := []float32{1.7}, []float32{0}
					start := append([]float32(nil), top...)
					SoftmaxRows(room, n, n, sees, start, sum, shrink)
					dst := make([]float32, n+1)
					rest := dst[:n]
					if n > 0 {
						ScaleRows(rest, n, x, n, n, []float32{scale})
					}
					got = [3][]float32{room, {start[0], sum[0], shrink[0], float32(SumF64(x)), float32(SumSquaresF64(x, 0.2)), Max(x)}, dst}
					if i == 0 {
						want = got
					}
				}
				for k := range want {
					for i, v := range got[k] {
						if !sameBits(v, want[k][i]) && v != want[k][i] {
							t.Fatalf("n=%d seen=%d: result %d[%d] is %v, want %v", n, sees[0], k, i, v, want[k][i])
						}
					}
				}
			}
		}
	}
}
