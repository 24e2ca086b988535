package simd

import (
	"math"
	"math/bits"
	"slices"
	"testing"
)

// noise is a fixed sequence of numbers in (-1, 1).
type noise uint64

func (r *noise) next() float32 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return float32(int32(bits.RotateLeft64(uint64(*r), 23))) / (1 << 31)
}

// guarded is a slice of n floats at an odd place among guard words, which
// intact checks: a kernel that writes outside changes one.
type guarded struct {
	all  []float32
	x    []float32
	from int
}

const guard = 0x7fc0beef

func newGuarded(r *noise, n, offset int, scale float32) *guarded {
	const margin = 40
	g := &guarded{all: make([]float32, n+2*margin+offset), from: margin + offset}
	for i := range g.all {
		g.all[i] = math.Float32frombits(guard)
	}
	g.x = g.all[g.from : g.from+n : g.from+n]
	for i := range g.x {
		g.x[i] = r.next() * scale
	}
	return g
}

func (g *guarded) intact() bool {
	for i, v := range g.all {
		if (i < g.from || i >= g.from+len(g.x)) && math.Float32bits(v) != guard {
			return false
		}
	}
	return true
}

// lengths covers nothing, every tail, and the unrolled loops' edges.
func lengths() []int {
	var ns []int
	for n := range 4*32 + 9 {
		ns = append(ns, n)
	}
	return append(ns, 1000, 1023)
}

func vectorLevels(t *testing.T, f func(t *testing.T)) {
	was := Active()
	defer Set(was)
	for _, l := range Levels()[1:] {
		Set(l)
		t.Run(l.String(), f)
	}
}

// generic runs f at level Generic.
func generic(f func()) {
	was := Active()
	Set(Generic)
	f()
	Set(was)
}

var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, math.MaxFloat32, -math.MaxFloat32,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-39, 88.7, 88.8, -87.4, -103.9, -104.1, 0.625,
}

// sameBits treats all NaN as one.
func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// TestElementwiseLevelsAgreeToTheBit compares kernels whose every operation is
// rounded by itself.
func TestElementwiseLevelsAgreeToTheBit(t *testing.T) {
	step := &AdamWStep{Coef: 0.7, Decay: 0.999, Beta2: 0.99, Rest1: 0.1, Rest2: 0.01, Size: 0.01, Correction: 3, Eps: 1e-8}
	kernels := map[string]func(dst, x, y, z []float32){
		"Add":          func(dst, x, y, z []float32) { Add(dst, x, y) },
		"AddTo":        func(dst, x, y, z []float32) { AddTo(dst, x) },
		"Sub":          func(dst, x, y, z []float32) { Sub(dst, x, y) },
		"Mul":          func(dst, x, y, z []float32) { Mul(dst, x, y) },
		"Axpy":         func(dst, x, y, z []float32) { Axpy(dst, x, 0.37) },
		"Scale":        func(dst, x, y, z []float32) { Scale(dst, x, 0.37) },
		"Affine":       func(dst, x, y, z []float32) { Affine(dst, x, 0.1, 1.7, y, z) },
		"Affine/plain": func(dst, x, y, z []float32) { Affine(dst, x, 0.1, 1.7, nil, nil) },
		"ReLU":         func(dst, x, y, z []float32) { ReLU(dst, x) },
		"ReLUBackward": func(dst, x, y, z []float32) { ReLUBackward(dst, y, x) },
		"AdamW/w":      func(dst, x, y, z []float32) { AdamW(dst, x, y, z, step) },
		"AdamW/m":      func(dst, x, y, z []float32) { AdamW(y, x, dst, z, step) },
		"AdamW/v":      func(dst, x, y, z []float32) { AdamW(y, x, z, dst, step) },
	}
	for name, f := range kernels {
		t.Run(name, func(t *testing.T) {
			vectorLevels(t, func(t *testing.T) {
				for _, n := range lengths() {
					run := func() (dst *guarded) {
						r := noise(n + 1)
						dst = newGuarded(&r, n, n%7, 1)
						x, y, z := newGuarded(&r, n, 1, 1), newGuarded(&r, n, 2, 1), newGuarded(&r, n, 3, 1)
						for i := range n {
							if i%5 == 3 {
								x.x[i] = specials[i%len(specials)]
							}
						}
						f(dst.x, x.x, y.x, z.x)
						if !dst.intact() || !x.intact() || !y.intact() || !z.intact() {
							t.Fatalf("n=%d: wrote outside", n)
						}
						return dst
					}
					var want *guarded
					generic(func() { want = run() })
					for i, v := range run().x {
						if !sameBits(v, want.x[i]) {
							t.Fatalf("n=%d: dst[%d] = %v, want %v", n, i, v, want.x[i])
						}
					}
				}
			})
		})
	}
}

// ulps returns the distance of got from want in units of want's last place.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	if sameBits(got, w) || got == w {
		return 0
	}
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

func TestExpFamilyIsWithinAFewUnits(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	functions := []struct {
		name  string
		f     func(dst, x []float32)
		want  func(x float64) float64
		bound float64
	}{
		{"Exp", Exp, math.Exp, 1.5},
		{"Sigmoid", Sigmoid, sigmoid, 3},
		{"SiLU", SiLU, func(x float64) float64 { return x * sigmoid(x) }, 4},
		{"Tanh", Tanh, math.Tanh, 2},
	}
	for _, fn := range functions {
		check := func(t *testing.T) {
			var x []float32
			for v := float32(-110); v < 95; v += 0.00731 {
				x = append(x, v)
			}
			for v := float32(1e-9); v < 1; v *= 1.01 {
				x = append(x, v, -v)
			}
			x = append(x, specials...)
			y := make([]float32, len(x))
			fn.f(y, x)
			for i, v := range x {
				want := fn.want(float64(v))
				// Where e^-x overflows float32, 1/(1+e^-x) is 0 for a denormal.
				if fn.name != "Exp" && fn.name != "Tanh" && v < -87.3 && !math.IsInf(float64(v), 0) {
					if !(math.Abs(float64(y[i])-want) < 1e-35) {
						t.Errorf("%s(%v) = %v, want %v", fn.name, v, y[i], want)
					}
					continue
				}
				if want != want && y[i] != y[i] {
					continue
				}
				if u := ulps(y[i], want); !(u <= fn.bound) {
					t.Errorf("%s(%v) = %v, want %v: %.2f units apart", fn.name, v, y[i], want, u)
				}
			}
		}
		t.Run(fn.name+"/generic", func(t *testing.T) { generic(func() { check(t) }) })
		t.Run(fn.name, func(t *testing.T) { vectorLevels(t, check) })
	}
}

// TestExpFamilyHandlesEveryLength checks that neither place nor length matters
// to an element, and that nothing outside is written.
func TestExpFamilyHandlesEveryLength(t *testing.T) {
	functions := map[string]func(dst, dy, x []float32){
		"Exp":          func(dst, dy, x []float32) { Exp(dst, x) },
		"Sigmoid":      func(dst, dy, x []float32) { Sigmoid(dst, x) },
		"SiLU":         func(dst, dy, x []float32) { SiLU(dst, x) },
		"SiLUBackward": SiLUBackward,
		"Tanh":         func(dst, dy, x []float32) { Tanh(dst, x) },
	}
	for name, f := range functions {
		t.Run(name, func(t *testing.T) {
			vectorLevels(t, func(t *testing.T) {
				for _, n := range lengths() {
					r := noise(n + 1)
					x, dy, dst := newGuarded(&r, n, n%5, 4), newGuarded(&r, n, 1, 1), newGuarded(&r, n, 2, 1)
					f(dst.x, dy.x, x.x)
					if !dst.intact() || !x.intact() {
						t.Fatalf("n=%d: wrote outside", n)
					}
					for i := range n {
						var alone [1]float32
						f(alone[:], dy.x[i:], x.x[i:])
						if !sameBits(alone[0], dst.x[i]) {
							t.Fatalf("n=%d: element %d is %v, alone %v", n, i, dst.x[i], alone[0])
						}
					}
				}
			})
		})
	}
}

func TestSiLUBackwardIsTheDerivative(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		for v := float32(-20); v < 20; v += 0.0137 {
			var got [1]float32
			SiLUBackward(got[:], []float32{1.5}, []float32{v})
			x := float64(v)
			s := 1 / (1 + math.Exp(-x))
			want := 1.5 * s * (1 + x*(1-s))
			if d := math.Abs(float64(got[0]) - want); d > 8*0x1p-24*1.5*s*(1+math.Abs(x)) {
				t.Errorf("x=%v: %v, want %v", v, got[0], want)
			}
		}
	})
}

// TestSumsAreWithinTheBound holds every reduction to γ_n·Σ|terms|.
func TestSumsAreWithinTheBound(t *testing.T) {
	check := func(t *testing.T) {
		for _, n := range lengths() {
			r := noise(n + 1)
			x, y := newGuarded(&r, n, n%7, 1), newGuarded(&r, n, 3, 1)
			var dot, dotAbs, sum, sumAbs, squares float64
			const mean = 0.25
			for i, v := range x.x {
				p := float64(v) * float64(y.x[i])
				dot, dotAbs = dot+p, dotAbs+math.Abs(p)
				sum, sumAbs = sum+float64(v), sumAbs+math.Abs(float64(v))
				squares += (float64(v) - mean) * (float64(v) - mean)
			}
			single, double := float64(n+1)*0x1p-24, float64(n+1)*0x1p-52
			within := func(what string, got, want, bound float64) {
				if !(math.Abs(got-want) <= bound) {
					t.Errorf("n=%d: %s = %v, want %v ± %.2g", n, what, got, want, bound)
				}
			}
			within("Dot", float64(Dot(x.x, y.x)), dot, single*dotAbs)
			within("Sum", float64(Sum(x.x)), sum, single*sumAbs)
			within("SumF64", SumF64(x.x), sum, double*sumAbs)
			within("SumSquaresF64", SumSquaresF64(x.x, mean), squares, 4*double*squares)
			e := make([]float32, n)
			total := ExpSum(e, x.x, 0.5)
			want := SumF64(e)
			within("ExpSum", float64(total), want, single*want)
			if alone := SumExp(x.x, 0.5); alone != total {
				t.Errorf("n=%d: SumExp = %v, ExpSum %v", n, alone, total)
			}
			for i, v := range e {
				if u := ulps(v, math.Exp(float64(x.x[i]-0.5))); u > 1.5 {
					t.Errorf("n=%d: e^%v is %.2f units off", n, x.x[i]-0.5, u)
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// TestSumsDependOnValuesAlone moves the same numbers to other addresses.
func TestSumsDependOnValuesAlone(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		for _, n := range lengths() {
			sums := func(offset int) [5]float64 {
				r := noise(n + 9)
				x, y := newGuarded(&r, n, offset, 1), newGuarded(&r, n, 2*offset, 1)
				e := make([]float32, n)
				return [5]float64{float64(Dot(x.x, y.x)), float64(Sum(x.x)), SumF64(x.x), SumSquaresF64(x.x, 0.1), float64(ExpSum(e, x.x, 1))}
			}
			if a, b := sums(0), sums(5); a != b {
				t.Errorf("n=%d: %v at one place, %v at another", n, a, b)
			}
		}
	})
}

func TestReductionsPropagateNaNAndInf(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	check := func(t *testing.T) {
		for _, n := range []int{1, 3, 8, 9, 31, 32, 40, 77} {
			for at := range n {
				x, ones := make([]float32, n), make([]float32, n)
				for i := range x {
					x[i], ones[i] = -float32(i)-1, 1
				}
				for _, special := range []float32{nan, inf, -inf} {
					x[at] = special
					for what, got := range map[string]float32{
						"Dot": Dot(x, ones), "Sum": Sum(x), "SumF64": float32(SumF64(x)),
					} {
						if !sameBits(got, special) {
							t.Errorf("n=%d: %s with %v at %d = %v", n, what, special, at, got)
						}
					}
					want := maxGeneric(x)
					if got := Max(x); !sameBits(got, want) {
						t.Errorf("n=%d: Max with %v at %d = %v, want %v", n, special, at, got, want)
					}
				}
			}
		}
		if got := Max(nil); got != -inf {
			t.Errorf("Max of nothing = %v", got)
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

func TestSetRefusesWhatTheMachineHasNot(t *testing.T) {
	for _, l := range []Level{NEON, AVX2, AVX512} {
		func() {
			defer func() {
				if (recover() == nil) != slices.Contains(Levels(), l) {
					t.Errorf("Set(%v) on a machine with %v", l, Levels())
				}
			}()
			was := Active()
			defer Set(was)
			Set(l)
		}()
	}
}
