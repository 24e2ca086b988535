package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/tensor"
)

// q8Levels runs f for every level, and for the best one without the instructions for
// products of bytes.
func q8Levels(t *testing.T, f func(t *testing.T)) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		t.Run(l.String(), f)
	}
	t.Run("without bytes", func(t *testing.T) {
		if !Has(DotInt8) {
			t.Skipf("this machine has no %v", DotInt8)
		}
		defer Without(DotInt8, TileInt8)()
		f(t)
	})
}

// blockTypes runs f for the types that q8 is for.
func blockTypes(f func(d tensor.DType)) {
	rowTypes(func(d tensor.DType) {
		if d.IsBlock() {
			f(d)
		}
	})
}

// q8Inputs has ordinary numbers, and blocks at the edges of what is rounded: zeros, very
// small and very large ones, one number alone, all the largest, ties.
func q8Inputs(r *noise, n int) []float32 {
	x := newGuarded(r, n, 0, 1).x
	for b := 0; b < n; b += q8Block {
		x := x[b:min(b+q8Block, n)]
		for i := range x {
			switch b / q8Block % 9 {
			case 1:
				x[i] = 0
			case 2:
				x[i] *= 0x1p-79
			case 3:
				x[i] *= 0x1p99
			case 4:
				x[i] = [2]float32{0.3, -0.3}[i%2]
			case 5:
				x[i] = float32(i) + 0.5
			case 6:
				if i != 7 {
					x[i] = float32(math.Copysign(0, -1))
				}
			}
		}
		switch b / q8Block % 9 {
		case 2:
			x[0] = 0x1p-80
		case 5:
			x[len(x)-1] = 127
		}
	}
	return x
}

func TestRoundQ8FollowsItsDefinition(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		for _, n := range []int{0, 32, 64, 96, 32 * 9, 32 * 40} {
			r := noise(n + 1)
			x := q8Inputs(&r, n)
			q, d, sums := make([]int8, n), make([]float32, n/32), make([]int32, n/4)
			if !RoundQ8(q, d, sums, x) {
				t.Fatalf("n=%d: not rounded", n)
			}
			wantQ, wantD, wantSums := slices.Clone(q), slices.Clone(d), slices.Clone(sums)
			roundQ8Generic(wantQ, wantD, wantSums, x)
			if !slices.Equal(q, wantQ) || !slices.Equal(d, wantD) || !slices.Equal(sums, wantSums) {
				t.Fatalf("n=%d: other bits than the twin", n)
			}
			for i, v := range x {
				block := x[i/32*32:][:32]
				top := max(float64(slices.Max(block)), -float64(slices.Min(block)))
				if off := math.Abs(float64(v) - float64(d[i/32])*float64(q[i])); !(off <= top/254*(1+0x1p-14)) {
					t.Errorf("n=%d: %v became %v·%d, off by %v of %v", n, v, d[i/32], q[i], off, top)
				}
				if q[i] < -127 {
					t.Errorf("n=%d: %v became %d", n, v, q[i])
				}
			}
			back, wantBack := newGuarded(&r, n, 1, 1), make([]float32, n)
			UnroundQ8(back.x, q, d)
			unroundQ8Generic(wantBack, q, d)
			if !back.intact() || !slices.Equal(back.x, wantBack) {
				t.Fatalf("n=%d: other numbers than the twin, or outside", n)
			}
		}
	})
}

// unroundable are numbers that keep their row from being rounded.
var unroundable = []float32{
	float32(math.NaN()), -float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.Nextafter32(0x1p100, 1e38), math.MaxFloat32, math.Nextafter32(0x1p-80, 0), 1e-45, -1e-40,
}

func TestRoundQ8SaysWhatItCannotRound(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		const n = 96
		for _, special := range unroundable {
			for at := range n {
				x := make([]float32, n)
				x[0], x[33], x[95] = 1, 1, 1
				if at == 0 || at >= 32 { // small numbers beside larger ones are rounded
					if abs := float32(math.Abs(float64(special))); abs < 0x1p-80 {
						clear(x[at/32*32:][:32])
					}
				} else {
					clear(x[:32])
				}
				x[at] = special
				if RoundQ8(make([]int8, n), make([]float32, 3), make([]int32, n/4), x) {
					t.Fatalf("%v at %d was rounded", special, at)
				}
			}
		}
	})
}

func TestQ8RowsHaveTheBitsOfTheTwin(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			for _, n := range []int{0, 32, 64, 96, 160, 256, 288, 512, 576, 1536, 2304} {
				if n%d.BlockLen() != 0 {
					continue
				}
				for rows := range 4 {
					r := noise(n + int(d) + rows)
					src := append(make([]byte, n%3), finiteStorage(&r, d, rows*n)...)[n%3:]
					x := q8Inputs(&r, n)
					got := newGuarded(&r, rows, 1, 1)
					want := slices.Clone(got.x)
					var v Vector
					v.SetQ8(x, d)
					if !v.rounded {
						t.Fatalf("%v n=%d: not rounded", d, n)
					}
					v.DotRows(got.x, src)
					if !got.intact() {
						t.Fatalf("%v n=%d: wrote outside", d, n)
					}
					for i := range want {
						want[i] += v.q8.dotGeneric(src[i*d.Bytes(n):][:d.Bytes(n)], d)
						if !sameBits(got.x[i], want[i]) {
							t.Fatalf("%v n=%d: row %d of %d is %v, want %v", d, n, i, rows, got.x[i], want[i])
						}
					}
				}
			}
		})
	})
}

// TestQ8SumsAreExact: every byte of a weight at its extremes against every x at its own,
// where sums of pairs in 16 bits come closest to their end.
func TestQ8SumsAreExact(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			n := max(64, d.BlockLen())
			for _, code := range []byte{0x00, 0x7f, 0x80, 0x81, 0xff} {
				r := noise(code)
				src := finiteStorage(&r, d, n)
				for at := range src {
					if in := at % d.BlockBytes(); d == tensor.Q8_0 && in >= 2 || d != tensor.Q8_0 && in >= 16 && in < d.BlockBytes()-18 {
						src[at] = code
					}
				}
				wide := make([]float32, n)
				tensor.DecodeF32(wide, src, d)
				for _, signs := range []uint32{0, 0xffffffff, 0x55555555, 0x33333333} {
					x := make([]float32, n)
					want := 0.0
					for p := range x {
						x[p] = 127
						if signs>>(p%32)&1 != 0 {
							x[p] = -127
						}
						want += float64(x[p]) * float64(wide[p])
					}
					var v Vector
					v.SetQ8(x, d)
					y := []float32{0}
					v.DotRows(y, src)
					if !(math.Abs(float64(y[0])-want) <= 0x1p-22*math.Abs(want)) { // scaled sums are rounded
						t.Fatalf("%v of codes %#x, signs %#x: %v, want %v", d, code, signs, y[0], want)
					}
				}
			}
		})
	})
}

// q8Bound is how far a row's product may be off in all: what rounding moves x by, times
// the weight, and the errors of float32 sums of as many terms.
func q8Bound(x, wide, size []float32) float64 {
	bound := 0.0
	for p, w := range wide {
		block := x[p/32*32:][:32]
		top := max(float64(slices.Max(block)), -float64(slices.Min(block)))
		bound += top/254*(1+0x1p-14)*math.Abs(float64(w)) + float64(len(x)+4)*0x1p-24*float64(size[p])*(math.Abs(float64(x[p]))+top/254)
	}
	return bound
}

func TestQ8RowsAreWithinTheBound(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			for _, n := range []int{64, 256, 576, 2304} {
				if n%d.BlockLen() != 0 {
					continue
				}
				r := noise(n)
				src := finiteStorage(&r, d, n)
				wide, size := make([]float32, n), make([]float32, n)
				tensor.DecodeF32(wide, src, d)
				for p, w := range wide { // |scale·code| + |minimum|, of at most 2^-5 here
					size[p] = float32(math.Abs(float64(w))) + 0x1p-4*63
				}
				x := newGuarded(&r, n, 0, 1).x
				want := 0.0
				for p, w := range wide {
					want += float64(w) * float64(x[p])
				}
				var v Vector
				v.SetQ8(x, d)
				y := []float32{0}
				v.DotRows(y, src)
				if bound := q8Bound(x, wide, size); !(math.Abs(float64(y[0])-want) <= bound) || float64(y[0]) == want {
					t.Errorf("%v n=%d: %v, want %v ± %.2g, and rounded", d, n, y[0], want, bound)
				}
			}
		})
	})
}

// TestSetQ8TakesStrangeRowsAsTheyAre: their products have the bits of Set's.
func TestSetQ8TakesStrangeRowsAsTheyAre(t *testing.T) {
	q8Levels(t, func(t *testing.T) {
		blockTypes(func(d tensor.DType) {
			n := max(64, d.BlockLen())
			r := noise(d)
			src := finiteStorage(&r, d, n)
			for _, special := range unroundable {
				x := newGuarded(&r, n, 0, 1).x
				clear(x[32:64])
				x[40] = special
				var v, plain Vector
				v.SetQ8(x, d)
				plain.Set(x, d)
				got, want := []float32{0.5}, []float32{0.5}
				v.DotRows(got, src)
				plain.DotRows(want, src)
				if !sameBits(got[0], want[0]) {
					t.Errorf("%v with %v: %v, want %v", d, special, got[0], want[0])
				}
			}
		})
	})
}

// TestFMA32RoundsOnce holds it to products and sums whose rounding in two steps differs.
func TestFMA32RoundsOnce(t *testing.T) {
	for _, c := range []struct{ x, y, z, want float32 }{
		{1 + 0x1p-12, 1 + 0x1p-12, 0, 1 + 0x1p-11},                 // below the middle
		{1 + 0x1p-12, 1 + 0x1p-12, 0x1p-60, 1 + 0x1p-11 + 0x1p-23}, // just above it
		{1 + 0x1p-12, 1 + 0x1p-12, -0x1p-60, 1 + 0x1p-11},          // just below
		{-1 - 0x1p-12, 1 + 0x1p-12, -0x1p-60, -1 - 0x1p-11 - 0x1p-23},
		{-1 - 0x1p-12, 1 + 0x1p-12, 0x1p-60, -1 - 0x1p-11},
		{3, 5, -15, 0}, {0x1p100, 0x1p100, 1, float32(math.Inf(1))}, {0x1p-100, 0x1p-49, 0, 0x1p-149},
	} {
		if got := fma32(c.x, c.y, c.z); got != c.want {
			t.Errorf("%v·%v+%v is %v, want %v", c.x, c.y, c.z, got, c.want)
		}
	}
}

func BenchmarkRoundQ8(b *testing.B) {
	r := noise(1)
	x := newGuarded(&r, 1536, 0, 1).x
	for _, d := range []tensor.DType{tensor.Q4_1, tensor.Q8_0, tensor.Q4_K} {
		b.Run(d.String(), func(b *testing.B) {
			var v Vector
			for b.Loop() {
				v.SetQ8(x, d)
			}
		})
	}
}

// BenchmarkQ8DotRows is BenchmarkDotRows with x in 8 bits.
func BenchmarkQ8DotRows(b *testing.B) {
	for _, s := range []struct{ n, k int }{{24, 768}, {16384, 2048}} {
		blockTypes(func(d tensor.DType) {
			b.Run(fmt.Sprintf("dtype=%v/n=%d/k=%d", d, s.n, s.k), func(b *testing.B) {
				r := noise(1)
				one := finiteStorage(&r, d, 256)
				src := make([]byte, d.Bytes(s.n*s.k))
				for at := 0; at < len(src); at += copy(src[at:], one) {
				}
				var v Vector
				v.SetQ8(newGuarded(&r, s.k, 0, 1).x, d)
				y := make([]float32, s.n)
				b.SetBytes(int64(len(src)))
				for b.Loop() {
					for i := 0; i < s.n; i += 24 {
						to := min(i+24, s.n)
						v.DotRows(y[i:to], src[d.Bytes(i*s.k):d.Bytes(to*s.k)])
					}
				}
			})
		})
	}
}
