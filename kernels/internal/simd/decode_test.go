package simd

import (
	"math"
	"testing"

	"lamina/tensor"
)

var storedTypes = []tensor.DType{
	tensor.F32, tensor.F64, tensor.F16, tensor.BF16,
	tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
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
