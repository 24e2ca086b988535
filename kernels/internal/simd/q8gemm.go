package simd

import (
	"math"
	"slices"

	"lamina/tensor"
)

// Operands of [GemmQ8] lie in panels of 16 rows of A, and of 16 columns of B, which are
// rows of the weight as stored: a record for each 32 inner indices, held as floats for
// their bits alone.
//
//	A, 192 floats: the bytes of 16 rows, 32 each; and for each row its scale d, d·Σq,
//	-128·Σq, and that of the first 16, the last two as integers
//	B, 160 floats: the bytes of 8 times 4 inner indices, of 16 columns each; and for
//	each column its scale and its minimum, or the scale of the second 16
const (
	Q8Tile      = 16  // rows and columns of a panel
	Q8LeftStep  = 192 // floats of a record of A
	Q8RightStep = 160
)

// PackQ8Left rounds x, as [RoundQ8] does, into one of the 16 rows of a panel of A, and
// reports whether it could. If not, the row is zeros.
func PackQ8Left(dst []float32, row int, x []float32) bool {
	blocks := len(x) / q8Block
	if len(x)%q8Block != 0 || row >= Q8Tile {
		panic("simd: PackQ8Left: no whole blocks, or no such row")
	}
	dst = dst[:blocks*Q8LeftStep]
	if blocks == 0 {
		return true
	}
	var fit bool
	if level >= AVX2 {
		fit = packQ8LeftVector(dst, row, x)
	} else {
		fit = packQ8LeftGeneric(dst, row, x)
	}
	if !fit {
		ClearQ8Left(dst, row)
	}
	return fit
}

// ClearQ8Left makes a row of a panel of A zeros.
func ClearQ8Left(dst []float32, row int) {
	for ; len(dst) >= Q8LeftStep; dst = dst[Q8LeftStep:] {
		clear(dst[8*row : 8*row+8])
		for i := range 4 {
			dst[128+16*i+row] = 0
		}
	}
}

func packQ8LeftGeneric(dst []float32, row int, x []float32) bool {
	var r Q8
	fit := r.Round(x)
	q := tensor.Bytes(r.Q)
	for b, d := range r.D {
		to := dst[b*Q8LeftStep:][:Q8LeftStep]
		copy(tensor.Bytes(to[8*row:8*row+8]), q[32*b:32*b+32])
		first, sum := int32(0), r.sum(b)
		for _, v := range r.Sums[8*b : 8*b+4] {
			first += v
		}
		to[128+row], to[144+row] = d, float32(d*float32(sum))
		to[160+row], to[176+row] = math.Float32frombits(uint32(-128*sum)), math.Float32frombits(uint32(-128*first))
	}
	return fit
}

// Q8Codes keeps what packing a weight takes.
type Q8Codes struct {
	codes          []int8
	scales, minima []float32
}

// Pack writes a panel of B: n ≤ 16 rows of a weight of block type d, stride bytes apart,
// blocks times 32 elements of each from src on, which are whole blocks of d. Missing rows
// are zeros. Codes have their signs for tiles of bytes, else 128 is added to them.
func (s *Q8Codes) Pack(dst []float32, src []byte, stride, n, blocks int, d tensor.DType) {
	width := blocks * q8Block
	size := d.Bytes(width)
	dst = dst[:blocks*Q8RightStep]
	if blocks == 0 || n == 0 {
		return
	}
	_ = src[(n-1)*stride+size-1]
	s.codes = slices.Grow(s.codes[:0], Q8Tile*width)[:Q8Tile*width]
	s.scales = slices.Grow(s.scales[:0], Q8Tile*blocks)[:Q8Tile*blocks]
	s.minima = slices.Grow(s.minima[:0], Q8Tile*blocks)[:Q8Tile*blocks]
	clear(s.codes[n*width:])
	clear(s.scales[n*blocks:])
	clear(s.minima[n*blocks:])
	if d == tensor.Q4_0 || d == tensor.Q5_0 || d == tensor.Q8_0 {
		clear(s.minima)
	}
	for i := range n {
		takeApart(s.codes[i*width:][:width], s.scales[i*blocks:][:blocks], s.minima[i*blocks:][:blocks], src[i*stride:][:size], d)
	}
	const flip = 128 // what multiplies takes these bytes without a sign
	if level == AVX512 {
		interleaveQ8Vector(dst, s.codes, width, flip)
	} else {
		interleaveQ8Generic(dst, s.codes, width, flip)
	}
	Transpose(dst[128:], Q8RightStep, s.scales, blocks, Q8Tile, blocks)
	Transpose(dst[144:], Q8RightStep, s.minima, blocks, Q8Tile, blocks)
}

// takeApart writes the codes of a row with their signs, and of each 32 the scale and the
// minimum, or the scale of the second 16.
func takeApart(codes []int8, scales, minima []float32, src []byte, d tensor.DType) {
	if level >= AVX2 {
		takeApartVector(codes, scales, minima, src, d)
		return
	}
	takeApartGeneric(codes, scales, minima, src, d)
}

func takeApartGeneric(codes []int8, scales, minima []float32, src []byte, d tensor.DType) {
	var block [q8Block]int32
	parts := d.BlockLen() / q8Block
	for b := range scales {
		first, second, minimum := q8Codes(&block, src[b/parts*d.BlockBytes():][:d.BlockBytes()], d, b%parts)
		for p, c := range block {
			codes[b*q8Block+p] = int8(c)
		}
		scales[b] = first
		switch d {
		case tensor.Q6_K:
			minima[b] = second
		case tensor.Q4_K, tensor.Q5_K:
			minima[b] = 0 - minimum
		case tensor.Q4_1, tensor.Q5_1:
			minima[b] = minimum
		}
	}
}

func interleaveQ8Generic(dst []float32, codes []int8, width int, flip uint8) {
	for b := 0; b < width; b += q8Block {
		to := tensor.Bytes(dst[b/q8Block*Q8RightStep:][:128])
		for i := range Q8Tile {
			for p, c := range codes[i*width+b:][:q8Block] {
				to[p/4*64+4*i+p%4] = uint8(c) ^ flip
			}
		}
	}
}

// GemmQ8 multiplies panels of 16 rows of A, step floats apart, by a panel of 16 columns of B:
//
//	c[i·ldc+j] (+)= Σ_b (Σ code·q)·scale·d + minimum·(d·Σq)   i < 16·panels, j < 16
//
// for the block type d of the weight: the sum of integers, exact, is multiplied by the
// column's scale, then by the row's and added to c in one rounding; then comes the
// minimum times the row's scaled sum, in one rounding. Of Q6_K the sum is two, of 16
// elements each, whose products with their scales are added in one rounding.
func GemmQ8(c []float32, ldc int, a, b []float32, blocks, panels, step int, d tensor.DType, add bool) {
	if panels == 0 {
		return
	}
	_, _, _ = c[(panels*Q8Tile-1)*ldc+Q8Tile-1], b[:blocks*Q8RightStep], a[:(panels-1)*step+blocks*Q8LeftStep]
	switch {
	case blocks == 0:
		if !add {
			for i := range panels * Q8Tile {
				clear(c[i*ldc:][:Q8Tile])
			}
		}
	case Has(DotInt8):
		gemmQ8Vector(c, ldc, a, b, blocks, panels, step, d, add)
	default:
		gemmQ8Generic(c, ldc, a, b, blocks, panels, step, d, add)
	}
}

func gemmQ8Generic(c []float32, ldc int, a, b []float32, blocks, panels, step int, d tensor.DType, add bool) {
	for i := range panels * Q8Tile {
		row := c[i*ldc:][:Q8Tile]
		if !add {
			clear(row)
		}
		for k := range blocks {
			gemmQ8Block(row, a[i/Q8Tile*step+k*Q8LeftStep:][:Q8LeftStep], i%Q8Tile, b[k*Q8RightStep:][:Q8RightStep], d)
		}
	}
}

// gemmQ8Block adds a block of 32 inner indices to a row.
func gemmQ8Block(row, a []float32, i int, b []float32, d tensor.DType) {
	q, codes := tensor.Bytes(a[8*i:8*i+8]), tensor.Bytes(b[:128])
	for j := range row {
		var sums [2]int32
		for p, v := range q {
			code := codes[p/4*64+4*j+p%4] ^ 128
			sums[p/16] += int32(int8(v)) * int32(int8(code))
		}
		scale, second := b[128+j], b[144+j]
		product := float32(float32(sums[0]+sums[1]) * scale)
		if d == tensor.Q6_K {
			product = fma32(float32(sums[1]), second, float32(float32(sums[0])*scale))
		}
		row[j] = fma32(product, a[128+i], row[j])
		switch d {
		case tensor.Q4_1, tensor.Q5_1, tensor.Q4_K, tensor.Q5_K:
			row[j] = fma32(second, a[144+i], row[j])
		}
	}
}
