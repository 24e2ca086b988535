package simd

import "lamina/tensor"

// Vector is a vector x made ready to be multiplied with the rows of weights of
// one storage type: the product of decoding, straight from a file's bytes, without
// widening the weight to memory. The zero Vector is empty; it keeps its memory.
type Vector struct {
	x     []float32
	dtype tensor.DType
	// layout is x as the type's kernel takes it, nil to go by the Go loop.
	layout []float32
	memory []float32

	rounded bool // x is q8
	q8      q8Vector
}

// Set makes the vector that of x and rows stored as d. x must not change while
// it is in use.
//
// How DotRows sums, and so its bits, follows from the level, d and x alone.
func (v *Vector) Set(x []float32, d tensor.DType) {
	v.x, v.dtype, v.layout, v.rounded = x, d, nil, false
	if level != Generic && len(x) > 0 && len(x)%32 == 0 {
		v.arrange()
	}
}

// DotRows does y[i] += Σ_p x[p]·w[i,p] for rows w[i] of len(x) elements that lie in
// src one after the other, at any alignment.
//
// A block type's scales come last: Σ d·(Σ q·x) + Σ m·(Σ x), with the inner sums over
// the elements of one scale. So a sum's rounding errors are relative to
// Σ(|d·q|+|m|)·|x|.
func (v *Vector) DotRows(y []float32, src []byte) {
	row := v.dtype.Bytes(len(v.x))
	if len(src) != len(y)*row {
		panic("simd: DotRows: sizes differ")
	}
	if v.rounded {
		v.q8.dotRows(y, src, v.dtype)
		return
	}
	if v.layout != nil {
		if len(y) > 0 {
			dotRowsVector(y, v.layout, src, v.dtype, len(v.x))
		}
		return
	}
	for i := range y {
		y[i] += dotStored(v.x, src[i*row:][:row], v.dtype)
	}
}

// dotPiece is how many elements dotStored widens at a time: 4 KiB of floats.
const dotPiece = 1024

// dotStored returns Σ x[p]·w[p] for w stored as d, summed in pieces: what the
// kernels of DotRows compute but for the order of sums.
func dotStored(x []float32, src []byte, d tensor.DType) float32 {
	var wide [dotPiece]float32
	sum := float32(0)
	for len(x) > 0 {
		n := min(len(x), dotPiece)
		size := d.Bytes(n)
		Decode(wide[:n], src[:size], d)
		sum += Dot(x[:n], wide[:n])
		x, src = x[n:], src[size:]
	}
	return sum
}
