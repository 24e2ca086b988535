package simd

import (
	"math"
	"slices"
	"testing"

	"lamina/tensor"
)

var storedTypes = []tensor.DType{
	tensor.F32, tensor.F64, tensor.F16, tensor.BF16,
	tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0,
}

// storage returns n elements of d with random bits: for the block types every
// code and every sort of scale comes up, Inf and NaN among them.
func storage(r *noise, d tensor.DType, n int) []byte {
	src := make([]byte, d.Bytes(n))
	for i := range src {
		src[i] = byte(math.Float32bits(r.next()) >> 8)
	}
	return src
}

func TestDecodeAgreesWithTensor(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		for _, d := range storedTypes {
			for _, n := range append(lengths(), 32*40) {
				if n%d.BlockLen() != 0 {
					continue
				}
				r := noise(n + int(d))
				raw := append(make([]byte, n%3), storage(&r, d, n)...) // any alignment
				src := raw[n%3:]
				want := make([]float32, n)
				tensor.DecodeF32(want, src, d)
				got := newGuarded(&r, n, n%5, 1)
				Decode(got.x, src, d)
				if !got.intact() {
					t.Fatalf("%v n=%d: wrote outside", d, n)
				}
				for i, v := range got.x {
					if !sameBits(v, want[i]) {
						t.Fatalf("%v n=%d: element %d is %v, want %v", d, n, i, v, want[i])
					}
				}
			}
		}
	})
}

func TestDecodeAllHalves(t *testing.T) {
	src := make([]byte, 2<<16)
	for i := range 1 << 16 {
		src[2*i], src[2*i+1] = byte(i), byte(i>>8)
	}
	want, got := make([]float32, 1<<16), make([]float32, 1<<16)
	vectorLevels(t, func(t *testing.T) {
		for _, d := range []tensor.DType{tensor.F16, tensor.BF16} {
			tensor.DecodeF32(want, src, d)
			Decode(got, src, d)
			for i, v := range got {
				if !sameBits(v, want[i]) {
					t.Fatalf("%v %#04x is %v, want %v", d, i, v, want[i])
				}
			}
		}
	})
}

// finiteStorage is storage with a scale of 2^-6, and a minimum of -2^-5 where
// there is one, in every block.
func finiteStorage(r *noise, d tensor.DType, n int) []byte {
	src := storage(r, d, n)
	for at := 0; d.IsBlock() && at < len(src); at += d.BlockBytes() {
		src[at], src[at+1] = 0x00, 0x24
		if d == tensor.Q4_1 || d == tensor.Q5_1 {
			src[at+2], src[at+3] = 0x00, 0xa8
		}
	}
	return src
}

func TestDotRowsIsWithinTheBoundOfSummation(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		for _, d := range storedTypes {
			if HasDotRows(d, 33) || HasDotRows(d, 0) {
				t.Errorf("%v: HasDotRows of parts of blocks", d)
			}
			if has := HasDotRows(d, 32); has != (Active() >= AVX2 && d != tensor.F32 && d != tensor.F64) {
				t.Errorf("%v: HasDotRows = %v", d, has)
			}
			for _, n := range []int{32, 64, 96, 160, 1024} {
				if !HasDotRows(d, n) {
					continue
				}
				const rows = 3
				r := noise(n + int(d))
				src := finiteStorage(&r, d, rows*n)
				if d == tensor.F16 || d == tensor.BF16 {
					values := newGuarded(&r, rows*n, 0, 1).x
					tensor.EncodeF32(src, values, d)
				}
				x, arranged := newGuarded(&r, n, 1, 1).x, make([]float32, n)
				Arrange(arranged, x, d)
				y := newGuarded(&r, rows, 1, 1)
				start := slices.Clone(y.x)
				DotRows(y.x, arranged, src, d)
				if !y.intact() {
					t.Fatalf("%v n=%d: wrote outside", d, n)
				}
				wide := make([]float32, rows*n)
				Decode(wide, src, d)
				for i, got := range y.x {
					w := wide[i*n:][:n]
					if dot := start[i] + Dot(x, w); d != tensor.Q4_0 && d != tensor.Q4_1 && got != dot {
						t.Errorf("%v n=%d: row %d is %v, Dot has %v", d, n, i, got, dot)
					}
					want, abs := float64(start[i]), math.Abs(float64(start[i]))
					for p, v := range w {
						want += float64(v) * float64(x[p])
						abs += math.Abs(float64(v) * float64(x[p]))
					}
					if bound := float64(n+1) * 0x1p-24 * abs; !(math.Abs(float64(got)-want) <= bound) {
						t.Errorf("%v n=%d: row %d is %v, want %v ± %.2g", d, n, i, got, want, bound)
					}
				}
			}
		}
	})
}

// TestDotRowsTakesEveryCodeAtEveryPlace multiplies by unit vectors: exact.
func TestDotRowsTakesEveryCodeAtEveryPlace(t *testing.T) {
	vectorLevels(t, func(t *testing.T) {
		for _, d := range storedTypes {
			if !d.IsBlock() || !HasDotRows(d, 32) {
				continue
			}
			r := noise(d)
			src := finiteStorage(&r, d, 32*64)
			wide := make([]float32, 32*64)
			tensor.DecodeF32(wide, src, d)
			x, arranged := make([]float32, 32), make([]float32, 32)
			for p := range x {
				clear(x)
				x[p] = 1
				Arrange(arranged, x, d)
				y := make([]float32, 64)
				DotRows(y, arranged, src, d)
				for i, got := range y {
					if want := wide[i*32+p]; got != want {
						t.Fatalf("%v: element %d of block %d is %v, want %v", d, p, i, got, want)
					}
				}
			}
		}
	})
}
