package kerneltest

import (
	"fmt"
	"math"

	"lamina/internal/philox"
	"lamina/tensor"
)

// source gives the numbers of one case, the same in every run.
type source struct{ *philox.Sequence }

func newSource(seed uint64) source { return source{philox.New(seed, 0).Sequence()} }

// normal returns n normal deviates of standard deviation scale, rounded to
// float32 so that calls in float32 and float64 see the same numbers.
func (s source) normal(n int, scale float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(float32(s.Normal() * scale))
	}
	return v
}

// integers returns n integers in [-limit, limit].
func (s source) integers(n, limit int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(s.Intn(2*limit+1) - limit)
	}
	return v
}

// ids returns n integers in [0, limit).
func (s source) ids(n, limit int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(s.Intn(limit))
	}
	return v
}

// blocks returns the storage of n elements of a block type with random codes.
// Scales are 1/4 and minima 1/2 where whole is set, so that every element is a
// multiple of 1/4, else they vary.
func (s source) blocks(n int, d tensor.DType, whole bool) []byte {
	raw := make([]byte, d.Bytes(n))
	for i := range raw {
		raw[i] = byte(s.Uint32())
	}
	for b := 0; b < len(raw); b += d.BlockBytes() {
		scale, low := 0.25, 0.5
		if !whole {
			scale, low = 0.05*s.Normal(), 0.3*s.Normal()
		}
		setScales(raw[b:b+d.BlockBytes()], d, scale, low)
	}
	return raw
}

// setScales writes a block's scale and, if its type has one, minimum.
func setScales(block []byte, d tensor.DType, scale, low float64) {
	switch d {
	case tensor.Q6_K:
		putF16(block[208:], scale)
	case tensor.Q4_1, tensor.Q5_1, tensor.Q4_K, tensor.Q5_K:
		putF16(block[2:], low)
		fallthrough
	default:
		putF16(block, scale)
	}
}

func putF16(b []byte, v float64) { tensor.EncodeF32(b[:2], []float32{float32(v)}, tensor.F16) }

// encode returns values in the storage of a plain type.
func encode(values []float64, d tensor.DType) []byte {
	if d == tensor.F64 {
		return append([]byte(nil), tensor.Bytes(values)...)
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	raw := make([]byte, d.Bytes(len(values)))
	tensor.EncodeF32(raw, narrow, d)
	return raw
}

// decode is the inverse for any float type, and for I32.
func decode(raw []byte, n int, d tensor.DType) []float64 {
	values := make([]float64, n)
	switch d {
	case tensor.F64:
		copy(tensor.Bytes(values), raw)
	case tensor.I32:
		ints := make([]int32, n)
		copy(tensor.Bytes(ints), raw)
		for i, v := range ints {
			values[i] = float64(v)
		}
	default:
		wide := make([]float32, n)
		tensor.DecodeF32(wide, raw, d)
		for i, v := range wide {
			values[i] = float64(v)
		}
	}
	return values
}

// rounded returns values as the type d holds them.
func rounded(values []float64, d tensor.DType) []float64 {
	return decode(encode(values, d), len(values), d)
}

// unit returns the rounding unit of d: half the distance from 1 to the next
// number.
func unit(d tensor.DType) float64 {
	if d == tensor.F64 {
		return 0x1p-53
	}
	return 0x1p-24
}

// gamma is Higham's γ_k = k·u/(1-k·u): the largest relative error of a sum of
// products of k terms in any order (Accuracy and Stability of Numerical
// Algorithms, 2002, section 3.1).
func gamma(k int, u float64) float64 { return float64(k) * u / (1 - float64(k)*u) }

// walk bounds the relative error of a sum of n terms whose rounding errors are
// independent: a random walk of n steps, with a factor and a constant for a few
// further roundings.
func walk(n int) float64 { return 16 + 2*math.Sqrt(float64(n)) }

// product returns the number of elements of a shape.
func product(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// sizes are lengths around the widths of vectors and blocks.
func sizes() []int {
	return []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 130, 257, 1000}
}

// named formats a case's name.
func named(format string, args ...any) string { return fmt.Sprintf(format, args...) }
