package simd

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"lamina/tensor"
)

// finiteStorage is storage with a scale of 2^-6, and a minimum of -2^-5 (2^-5 in
// the types that subtract it) where there is one, in every block.
func finiteStorage(r *noise, d tensor.DType, n int) []byte {
	src := storage(r, d, n)
	if !d.IsBlock() {
		values := make([]float32, n)
		for i := range values {
			values[i] = r.next()
		}
		tensor.EncodeF32(src, values, d)
		return src
	}
	for at := 0; at < len(src); at += d.BlockBytes() {
		block := src[at:]
		switch d {
		case tensor.Q4_1, tensor.Q5_1:
			block[2], block[3] = 0x00, 0xa8
		case tensor.Q4_K, tensor.Q5_K:
			block[2], block[3] = 0x00, 0x28
		case tensor.Q6_K:
			block = block[208:]
		}
		block[0], block[1] = 0x00, 0x24
	}
	return src
}

// rowTypes are the types that weights have; F64 is not one of the kernels'.
func rowTypes(f func(d tensor.DType)) {
	for _, d := range storedTypes {
		if d != tensor.F64 {
			f(d)
		}
	}
}

func TestDotRowsIsWithinTheBoundOfSummation(t *testing.T) {
	for _, l := range Levels() {
		was := Active()
		Set(l)
		rowTypes(func(d tensor.DType) {
			for _, n := range []int{0, 1, 31, 32, 33, 64, 96, 128, 160, 192, 224, 256, 512, 1024, 2304} {
				if n%d.BlockLen() == 0 {
					checkDotRows(t, d, n)
				}
			}
		})
		Set(was)
	}
}

func checkDotRows(t *testing.T, d tensor.DType, n int) {
	t.Helper()
	const rows = 3
	r := noise(n + int(d))
	src := append(make([]byte, n%3), finiteStorage(&r, d, rows*n)...)[n%3:]
	x := newGuarded(&r, n, 1, 1).x
	y := newGuarded(&r, rows, 1, 1)
	start := append([]float32(nil), y.x...)
	var v Vector
	v.Set(x, d)
	if kernel := n > 0 && n%32 == 0 && Active() != Generic; kernel != (v.layout != nil) {
		t.Fatalf("%v %v n=%d: goes by a kernel: %v", Active(), d, n, v.layout != nil)
	}
	v.DotRows(y.x, src)
	if !y.intact() {
		t.Fatalf("%v %v n=%d: wrote outside", Active(), d, n)
	}
	wide := make([]float32, rows*n)
	tensor.DecodeF32(wide, src, d)
	for i, got := range y.x {
		want, abs := float64(start[i]), math.Abs(float64(start[i]))
		for p, w := range wide[i*n:][:n] {
			want += float64(w) * float64(x[p])
			abs += math.Abs(float64(w) * float64(x[p]))
		}
		if bound := float64(n+1) * 0x1p-24 * abs; !(math.Abs(float64(got)-want) <= bound) {
			t.Errorf("%v %v n=%d: row %d is %v, want %v ± %.2g", Active(), d, n, i, got, want, bound)
		}
		alone := []float32{start[i]}
		if v.DotRows(alone, src[i*d.Bytes(n):][:d.Bytes(n)]); alone[0] != got {
			t.Errorf("%v %v n=%d: row %d alone is %v, together %v", Active(), d, n, i, alone[0], got)
		}
	}
}

// TestDotRowsTakesEveryCodeAtEveryPlace multiplies by unit vectors: exact.
func TestDotRowsTakesEveryCodeAtEveryPlace(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		rowTypes(func(d tensor.DType) {
			const rows = 64
			n := max(224, d.BlockLen()) // four blocks and three
			r := noise(d)
			src := finiteStorage(&r, d, rows*n)
			wide := make([]float32, rows*n)
			tensor.DecodeF32(wide, src, d)
			x := make([]float32, n)
			var v Vector
			for p := range x {
				clear(x)
				x[p] = 1
				v.Set(x, d)
				y := make([]float32, rows)
				v.DotRows(y, src)
				for i, got := range y {
					if want := wide[i*n+p]; got != want {
						t.Fatalf("%v: element %d of row %d is %v, want %v", d, p, i, got, want)
					}
				}
			}
		})
	})
}

// TestDotRowsOfSpecialValues: what is not finite, or far from 1, goes as IEEE 754
// has it for Σ x·w, whatever the order of scales and offsets.
func TestDotRowsOfSpecialValues(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		rowTypes(func(d tensor.DType) {
			n := max(64, d.BlockLen())
			r := noise(d)
			src := finiteStorage(&r, d, n)
			wide := make([]float32, n)
			tensor.DecodeF32(wide, src, d)
			for _, special := range []float64{math.Inf(1), math.NaN(), 1e37, 1e-41} {
				x := make([]float32, n)
				x[n/3] = float32(special)
				want := 0.0
				for p, w := range wide {
					want += float64(w) * float64(x[p])
				}
				var v Vector
				v.Set(x, d)
				y := []float32{0}
				v.DotRows(y, src)
				got := float64(y[0])
				if same := got == want || got != got && want != want; !same && !(math.Abs(got-want) <= 0x1p-24*math.Abs(want)+0x1p-126) {
					t.Errorf("%v: %v·%v is %v, want %v", d, x[n/3], wide[n/3], got, want)
				}
			}
		})
	})
}

func TestDotRowsWantsWholeRows(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var v Vector
	v.Set(make([]float32, 32), tensor.Q4_0)
	v.DotRows(make([]float32, 2), make([]byte, 35))
}

// TestDotRowsOfF64: there is no kernel for it.
func TestDotRowsOfF64(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		x, src := make([]float32, 32), make([]byte, tensor.F64.Bytes(32))
		x[5] = 2
		binary.LittleEndian.PutUint64(src[8*5:], math.Float64bits(3))
		var v Vector
		v.Set(x, tensor.F64)
		y := []float32{1}
		if v.DotRows(y, src); y[0] != 7 {
			t.Errorf("1 + 2·3 is %v", y[0])
		}
	})
}

// BenchmarkDotRows reads rows that the first cache holds, and more than any does,
// and reports bytes of the weight.
func BenchmarkDotRows(b *testing.B) {
	for _, s := range []struct{ n, k int }{{24, 768}, {16384, 2048}} {
		rowTypes(func(d tensor.DType) {
			b.Run(fmt.Sprintf("dtype=%v/n=%d/k=%d", d, s.n, s.k), func(b *testing.B) {
				r := noise(1)
				one := finiteStorage(&r, d, 256)
				src := make([]byte, d.Bytes(s.n*s.k))
				for at := 0; at < len(src); at += copy(src[at:], one) {
				}
				var v Vector
				const aligned = 8 // as tensors are, to the cache line
				v.Set(newGuarded(&r, s.k, aligned, 1).x, d)
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
