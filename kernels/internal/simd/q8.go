package simd

import (
	"encoding/binary"
	"math"
	"slices"

	"lamina/tensor"
)

// q8Block is how many neighbours share a scale when activations are rounded to 8
// bits, whatever blocks the weight has.
const q8Block = 32

// A block is rounded if its largest magnitude lies between these, or is 0: then no
// product of scales is a denormal number, no sum overflows, and there is no NaN.
const (
	q8Least = 0x1p-80
	q8Most  = 0x1p100
)

// RoundQ8 rounds blocks of 32 numbers to 8 bits:
//
//	d[b] = max/127         max = the largest |x| of block b
//	q[p] = x[p]·(127/max)  to nearest even, so that x[p] ≈ d[b]·q[p]; 0 where max is 0
//	sums[8b+l] = Σ q[32b+4l+t] for t < 4
//
// It reports whether every block is one that may be rounded: its max is 0 or lies
// between 2^-80 and 2^100. If not, what it wrote is of no use.
//
// The rounded number is off by at most max/254·(1+2^-14): half a unit of q, and the
// rounding errors of the two quotients and the product.
func RoundQ8(q []int8, d []float32, sums []int32, x []float32) bool {
	blocks := len(x) / q8Block
	q, d, sums = q[:len(x)], d[:blocks], sums[:8*blocks]
	if len(x)%q8Block != 0 {
		panic("simd: RoundQ8: not whole blocks")
	}
	if blocks == 0 {
		return true
	}
	if level != Generic {
		return roundQ8Vector(q, d, sums, x)
	}
	return roundQ8Generic(q, d, sums, x)
}

func roundQ8Generic(q []int8, d []float32, sums []int32, x []float32) bool {
	fit := true
	for b := range d {
		x, q, sums := x[q8Block*b:][:q8Block], q[q8Block*b:][:q8Block], sums[8*b:][:8]
		top := float32(0)
		for _, v := range x {
			if v = float32(math.Abs(float64(v))); !(v <= top) {
				top = v
			}
			fit = fit && v == v
		}
		fit = fit && (top == 0 || top >= q8Least && top <= q8Most)
		inverse := float32(0)
		if top != 0 {
			inverse = 127 / top
		}
		d[b] = top / 127
		clear(sums)
		for p, v := range x {
			y := math.RoundToEven(float64(v * inverse))
			if y != y || math.Abs(y) > 127 { // only where the block does not fit
				y = 0
			}
			q[p] = int8(y)
			sums[p/4] += int32(y)
		}
	}
	return fit
}

// UnroundQ8 writes the rounded numbers, each rounded once more to float32:
//
//	dst[p] = d[p/32]·q[p]
func UnroundQ8(dst []float32, q []int8, d []float32) {
	blocks := len(dst) / q8Block
	q, d = q[:len(dst)], d[:blocks]
	if len(dst)%q8Block != 0 {
		panic("simd: UnroundQ8: not whole blocks")
	}
	if level != Generic && blocks > 0 {
		unroundQ8Vector(dst, q, d)
		return
	}
	unroundQ8Generic(dst, q, d)
}

func unroundQ8Generic(dst []float32, q []int8, d []float32) {
	for p, v := range q {
		dst[p] = d[p/q8Block] * float32(v)
	}
}

// Q8 is a row of numbers rounded by [RoundQ8]. It keeps its memory.
type Q8 struct {
	Q    []int8
	D    []float32
	Sums []int32
}

// Round makes it the row x and reports whether that could be rounded.
func (r *Q8) Round(x []float32) bool {
	n := len(x)
	r.Q = slices.Grow(r.Q[:0], n)[:n]
	r.D = slices.Grow(r.D[:0], n/q8Block)[:n/q8Block]
	r.Sums = slices.Grow(r.Sums[:0], n/4)[:n/4]
	return RoundQ8(r.Q, r.D, r.Sums, x)
}

// q8Vector is a vector rounded to 8 bits, for [Vector.DotRows].
type q8Vector struct {
	Q8
	layout []byte // as the type's kernel takes it, nil to go by the Go loop
	memory []byte
}

// SetQ8 is [Vector.Set] for the product of x rounded to 8 bits with rows of a block type:
// DotRows then does, for blocks of 32 numbers with scales d and weights s·c+m, or -m,
//
//	y[i] += Σ_b (s·d)·(Σ c·q) + Σ_b m·(d·Σ q)
//
// where the inner sums are those of integers, and exact: over four, or twice four, or all
// elements of a block as dotQ8Generic has it, whose bits every level gives. If RoundQ8
// takes a block for one not to be rounded, x is taken as it is, as by Set.
func (v *Vector) SetQ8(x []float32, d tensor.DType) {
	v.Set(nil, d)
	if v.rounded = v.q8.Round(x); !v.rounded {
		v.Set(x, d)
		return
	}
	v.x = x
	v.q8.layout = nil
	switch {
	case len(x) == 0:
	case level == NEON:
		v.q8.arrangeRow()
	case level >= AVX2:
		v.q8.arrange(d)
	}
}

func (r *q8Vector) dotRows(y []float32, src []byte, d tensor.DType) {
	if r.layout != nil {
		if len(y) > 0 {
			dotRowsQ8Vector(y, r.layout, src, d, len(r.Q))
		}
		return
	}
	for i := range y {
		row := len(src) / len(y)
		y[i] += r.dotGeneric(src[i*row:][:row], d)
	}
}

// Bytes of the layouts of x: see q8dot_amd64.h.
const (
	q8PairBytes  = 128
	q8BytesBytes = 160
	q8RunsBytes  = 320
	q8SixBytes   = 576
)

// arrangeRow makes NEON's layout for all types: the codes, the scales, the scaled sums.
func (r *q8Vector) arrangeRow() {
	n, blocks := len(r.Q), len(r.D)
	dst := r.reserve(n + 8*blocks)
	copy(dst, tensor.Bytes(r.Q))
	for b, d := range r.D {
		putFloat(dst[n:], b, d)
		putFloat(dst[n+4*blocks:], b, r.scaledSum(b))
	}
}

// arrange makes the layout for the type's kernel.
func (r *q8Vector) arrange(d tensor.DType) {
	n := len(r.Q)
	switch d {
	case tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1:
		r.arrangePairs(r.reserve((n+32)/64*q8PairBytes), q8Offset(d))
	case tensor.Q8_0:
		r.arrangeBytes(r.reserve((n+32)/64*q8BytesBytes), 128) // a signed byte is one too large by that
	case tensor.Q4_K, tensor.Q5_K:
		r.arrangeRuns(r.reserve(n / 256 * q8RunsBytes))
	case tensor.Q6_K:
		r.arrangeSix(r.reserve(n/256*q8SixBytes), q8Offset(d))
	}
}

// q8Offset is what codes of type d, as they are stored, are too large by.
func q8Offset(d tensor.DType) int32 {
	switch d {
	case tensor.Q4_0:
		return 8
	case tensor.Q5_0:
		return 16
	case tensor.Q6_K:
		return 32
	}
	return 0
}

func (r *q8Vector) reserve(n int) []byte {
	r.memory = slices.Grow(r.memory[:0], n)[:n]
	r.layout = r.memory
	return r.layout
}

func putFloat(dst []byte, lane int, v float32) {
	binary.LittleEndian.PutUint32(dst[4*lane:], math.Float32bits(v))
}

func putInt(dst []byte, lane int, v int32) { binary.LittleEndian.PutUint32(dst[4*lane:], uint32(v)) }

// sum returns the sum of the codes of block b.
func (r *Q8) sum(b int) (sum int32) {
	for _, v := range (*[8]int32)(r.Sums[8*b:]) {
		sum += v
	}
	return sum
}

// scaledSum returns d·Σq of block b.
func (r *q8Vector) scaledSum(b int) float32 { return r.D[b] * float32(r.sum(b)) }

func (r *q8Vector) arrangePairs(dst []byte, offset int32) {
	clear(dst[len(dst)-q8PairBytes:])
	q := tensor.Bytes(r.Q)
	for b := range r.D {
		to, half := dst[b/2*q8PairBytes:][:q8PairBytes], b%2
		copy(to[16*half:], q[32*b:32*b+16])
		copy(to[32+16*half:], q[32*b+16:32*b+32])
		for i := range 2 {
			putFloat(to[64+16*half:], 2*i, r.D[b])
			putFloat(to[64+16*half:], 2*i+1, r.scaledSum(b))
		}
		sums := (*[8]int32)(r.Sums[8*b:])
		for l := range 4 {
			putInt(to[96+16*half:], l, -offset*(sums[l]+sums[l+4]))
		}
	}
}

func (r *q8Vector) arrangeBytes(dst []byte, offset int32) {
	q := tensor.Bytes(r.Q)
	for b := range r.D {
		to, half := dst[b/2*q8BytesBytes:][:q8BytesBytes], b%2
		copy(to[32*half:], q[32*b:32*b+32])
		for l, sum := range (*[8]int32)(r.Sums[8*b:]) {
			putInt(to[64+32*half:], l, -offset*sum)
		}
		putFloat(to[128:], half, r.D[b])
	}
}

func (r *q8Vector) arrangeRuns(dst []byte) {
	q := tensor.Bytes(r.Q)
	for b := range r.D {
		to, run := dst[b/8*q8RunsBytes:][:q8RunsBytes], b%8
		copy(to[32*run:], q[32*b:32*b+32])
		putFloat(to[256:], run, r.D[b])
		putFloat(to[288:], run, -r.scaledSum(b))
	}
}

func (r *q8Vector) arrangeSix(dst []byte, offset int32) {
	q := tensor.Bytes(r.Q)
	for b := range r.D {
		to, run := dst[b/8*q8SixBytes:][:q8SixBytes], b%8
		copy(to[32*run:], q[32*b:32*b+32])
		for l, sum := range (*[8]int32)(r.Sums[8*b:]) {
			putInt(to[256+32*run:], l, -offset*sum)
		}
		putFloat(to[512+8*run:], 0, r.D[b])
		putFloat(to[512+8*run:], 1, r.D[b])
	}
}
