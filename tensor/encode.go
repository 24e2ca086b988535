package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
)

// EncodeF32 writes src to dst in the storage type d: F32, F16 and BF16 round to
// nearest even (NaN stays NaN, too large becomes Inf); Q8_0, Q4_0 and Q4_K become the
// bytes of ggml's reference (ggml-quants.c: quantize_row_q8_0_ref, _q4_0_ref and
// _q4_K_ref), each of its operations rounded to float32, none fused. dst must be
// exactly d.Bytes(len(src)) long.
//
// A block with a number that is not finite, or too large for its F16 scale, says
// nothing; [EncodeRows] refuses it.
func EncodeF32(dst []byte, src []float32, d DType) {
	checkCodec("EncodeF32", len(src), len(dst), d)
	switch d {
	case F32:
		for i, x := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(x))
		}
	case F16:
		for i, x := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(x))
		}
	case BF16:
		for i, x := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToBF16(x))
		}
	case Q8_0, Q4_0, Q4_K:
		n, size := d.BlockLen(), d.BlockBytes()
		for len(src) > 0 {
			encodeBlock(dst[:size], src[:n], d)
			dst, src = dst[size:], src[n:]
		}
	default:
		panic(fmt.Sprintf("tensor: EncodeF32: cannot write %s", d))
	}
}

// EncodeRows returns the storage of src, rows [N width], as d: what [EncodeF32] writes.
// For values from outside it has errors, of one line, that name row, element and remedy:
// rows that are no whole blocks of d, numbers that are not finite, and blocks too large
// for a scale in F16.
//
// What [DecodeF32] makes of it is x' with, for the scale d of a block of Q8_0 or Q4_0,
//
//	|x - x'| ≤ |d|/2 + 2⁻¹¹·max|x|
//	|x - x'| ≤ |d| + 2⁻¹¹·max|x| for |x| > 7.5·|d| in Q4_0
//
// where |d| is at least 2⁻¹⁴, the least normal F16 (smaller steps are multiples of 2⁻²⁴);
// and 0 for x = 0. Of a run of 32 in Q4_K x' is the nearest of its 16 values; they are
// fitted by least squares with weights sqrt(mean x²) + |x|, and may leave out extremes.
func EncodeRows(src []float32, width int, d DType) ([]byte, error) {
	if width < 1 || len(src)%width != 0 {
		panic(fmt.Sprintf("tensor: EncodeRows: %d elements, want rows of %d", len(src), width))
	}
	if n := d.BlockLen(); width%n != 0 {
		remedy := "keep the type it has"
		if small := Q8_0.BlockLen(); n > small && width%small == 0 {
			remedy = fmt.Sprintf("take Q8_0 or Q4_0, of blocks of %d", small)
		}
		return nil, fmt.Errorf("tensor: rows of %d elements are no whole blocks of %s, which has %d in one: %s", width, d, n, remedy)
	}
	for i, x := range src {
		if x-x != 0 {
			return nil, fmt.Errorf("tensor: element %d of row %d is %v: want finite numbers for %s", i%width, i/width, x, d)
		}
	}
	dst := make([]byte, d.Bytes(len(src)))
	EncodeF32(dst, src, d)
	if !d.IsBlock() {
		return dst, nil
	}
	n, size := d.BlockLen(), d.BlockBytes()
	for i := range len(src) / n {
		scale := dst[i*size:]
		if !finiteF16(scale) || d == Q4_K && !finiteF16(scale[2:]) {
			return nil, fmt.Errorf("tensor: elements %d to %d of row %d are too large for %s, whose scales are F16: keep the type they have", i*n%width, i*n%width+n-1, i*n/width, d)
		}
	}
	return dst, nil
}

func finiteF16(b []byte) bool { return binary.LittleEndian.Uint16(b)&0x7c00 != 0x7c00 }

// encodeBlock writes one block.
func encodeBlock(b []byte, src []float32, d DType) {
	switch d {
	case Q8_0:
		encodeQ8_0(b, (*[32]float32)(src))
	case Q4_0:
		encodeQ4_0(b, (*[32]float32)(src))
	case Q4_K:
		encodeQ4_K(b, (*[256]float32)(src))
	}
}

// encodeQ8_0 stores d = max|x|/127 as F16 and q = round(x/d), where q is taken
// with the unrounded d and halves go away from zero, as ggml does. NaN becomes
// 0 and ±Inf ±127: a block with either has no finite scale.
func encodeQ8_0(b []byte, src *[32]float32) {
	var top float32
	for _, x := range src {
		top = max(top, float32(math.Abs(float64(x))))
	}
	d := top / 127
	var inv float32
	if d != 0 {
		inv = 1 / d
	}
	binary.LittleEndian.PutUint16(b, F32ToF16(d))
	for j, x := range src {
		q := math.Round(float64(x * inv))
		switch {
		case q != q:
			q = 0
		case q > 127:
			q = 127
		case q < -127:
			q = -127
		}
		b[2+j] = byte(int8(q))
	}
}

// encodeQ4_0 stores d = m/-8 as F16, m the first of the numbers of largest magnitude,
// and q = min(15, ⌊x/d + 8.5⌋), taken with the unrounded d: m itself has code 0, and what
// is as large on the other side 15 for want of a 16. NaN becomes 8, the code of 0.
func encodeQ4_0(b []byte, src *[32]float32) {
	var top, m float32
	for _, x := range src {
		if a := float32(math.Abs(float64(x))); a > top {
			top, m = a, x
		}
	}
	d := m / -8
	var inv float32
	if d != 0 {
		inv = 1 / d
	}
	binary.LittleEndian.PutUint16(b, F32ToF16(d))
	code := func(x float32) byte {
		switch q := float32(x*inv) + 8.5; {
		case q != q:
			return 8
		case q >= 15:
			return 15
		case q < 0:
			return 0
		default:
			return byte(q)
		}
	}
	for j := range 16 {
		b[2+j] = code(src[j]) | code(src[j+16])<<4
	}
}
