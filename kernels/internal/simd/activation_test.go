package simd

import (
	"math"
	"testing"
)

// spread returns n values over the range where activations bend, and their tails.
func spread(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		t := float64(i)/float64(n)*2 - 1
		x[i] = float32(t * 12)
		if i%17 == 0 {
			x[i] = float32(t * 120)
		}
	}
	return x
}

func sigma(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// activations pairs a vector function of x, with dy = 1, with its float64 formula
// and the derivative's size: errors are allowed relative to the value and to
// what one rounding of x changes.
var activations = []struct {
	name string
	run  func(dst, dy, x []float32)
	want func(x float64) float64
}{
	{"GELU", func(dst, _, x []float32) { GELU(dst, x) },
		func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }},
	{"GELUBackward", GELUBackward, func(x float64) float64 {
		return math.Erfc(-x/math.Sqrt2)/2 + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	}},
	{"GELUTanh", func(dst, _, x []float32) { GELUTanh(dst, x) },
		func(x float64) float64 { return x * sigma(geluLinear*x+geluCubic*x*x*x) }},
	{"GELUTanhBackward", GELUTanhBackward, func(x float64) float64 {
		u := geluLinear*x + geluCubic*x*x*x
		return sigma(u) + x*sigma(u)*sigma(-u)*(geluLinear+3*geluCubic*x*x)
	}},
	{"SigmoidBackward", SigmoidBackward, func(x float64) float64 { return sigma(x) * sigma(-x) }},
	{"TanhBackward", TanhBackward, func(x float64) float64 { return 4 * sigma(2*x) * sigma(-2*x) }},
	{"SiLUMul", func(dst, up, x []float32) { SiLUMul(dst, x, up) },
		func(x float64) float64 { return x * sigma(x) }},
	{"SiLUMulBackward", func(dst, up, x []float32) { SiLUMulBackward(dst, make([]float32, len(x)), up, x, up) },
		func(x float64) float64 { return sigma(x) * (1 + x*sigma(-x)) }},
	{"ExpScaled", func(dst, _, x []float32) { ExpScaled(dst, x, 1, 1) },
		func(x float64) float64 { return math.Exp(x - 1) }},
}

func TestActivationsAgainstFloat64(t *testing.T) {
	x := spread(4001)
	one, got := make([]float32, len(x)), make([]float32, len(x))
	for i := range one {
		one[i] = 1
	}
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for _, a := range activations {
			a.run(got, one, x)
			for i, v := range x {
				want := a.want(float64(v))
				// 8 units of the value (16 in exponents of size |x|), and 2 of 1,
				// where terms of size 1 cancel.
				limit := 0x1p-24 * ((8+2*math.Abs(float64(v)))*math.Abs(want) + 2*min(1, math.Abs(float64(v))))
				if math.Abs(want) > math.MaxFloat32 && math.IsInf(float64(got[i]), 0) {
					continue
				}
				if !(math.Abs(float64(got[i])-want) <= limit+0x1p-120) {
					t.Errorf("%v %s(%v) = %v, want %v: off by %.3g, allowed %.3g", l, a.name, v, got[i], want, float64(got[i])-want, limit)
				}
			}
		}
	}
}

func TestActivationsCarryNaN(t *testing.T) {
	x, one, got := []float32{float32(math.NaN())}, []float32{1}, []float32{0}
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for _, a := range activations {
			if a.run(got, one, x); got[0] == got[0] {
				t.Errorf("%v %s(NaN) = %v", l, a.name, got[0])
			}
		}
	}
}

// A length's last vector is masked: neither results nor what lies beyond may
// depend on where an element stands.
func TestElementsDoNotDependOnPlace(t *testing.T) {
	x := spread(67)
	one, whole := make([]float32, len(x)), make([]float32, len(x))
	for i := range one {
		one[i] = float32(i%5) - 2
	}
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for _, a := range activations {
			a.run(whole, one, x)
			for n := range 36 {
				for _, from := range []int{0, 1, 3} {
					got := make([]float32, n+2)
					got[0], got[n+1] = 7, 7
					a.run(got[1:n+1], one[from:from+n], x[from:from+n])
					for i, v := range got[1 : n+1] {
						if math.Float32bits(v) != math.Float32bits(whole[from+i]) {
							t.Fatalf("%v %s: element %d of [%d:%d) = %v, want the bits of %v", l, a.name, i, from, from+n, v, whole[from+i])
						}
					}
					if got[0] != 7 || got[n+1] != 7 {
						t.Fatalf("%v %s: wrote beyond [%d:%d)", l, a.name, from, from+n)
					}
				}
			}
		}
	}
}
