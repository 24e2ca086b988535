package simd

import (
	"math"

	"github.com/klauspost/cpuid/v2"

	"lamina/tensor"
)

// Products in BF16 take their operands rounded to 8 significant bits, to nearest
// even, and sum in float32. A pair is two such numbers, the elements of inner
// index 2q and 2q+1, in the halves of one 32-bit word, the first in the lower one.
// Panels of pairs are held as []float32 for their bits alone: they have the
// layout of panels of floats with half the inner indices, so that what packs and
// moves floats packs and moves pairs.

// HasBF16 reports whether the active level has an instruction for products of
// pairs. Elsewhere [GemmBF16] is the Go twin, and a product of numbers that
// [RoundBF16] rounded is [Gemm]'s.
func HasBF16() bool { return Has(DotBF16) }

// FastBF16 reports whether that instruction beats [Gemm] on rounded numbers: two begin in
// a cycle on AMD's processors, one in two cycles on Intel's, where a cycle has two of F32's
// multiply-adds, so that pairs take twice the time. It is a rule and no measurement, for
// results follow it.
func FastBF16() bool { return HasBF16() && cpuid.CPU.VendorID != cpuid.Intel }

// RoundBF16 rounds x to BF16, in place; NaN becomes quiet.
//
//	x[i] = BF16(x[i])
func RoundBF16(x []float32) {
	done := 0
	if level != Generic {
		done = roundBF16Vector(x)
	}
	roundBF16Generic(x[done:])
}

func roundBF16Generic(x []float32) {
	for i, v := range x {
		x[i] = tensor.BF16ToF32(tensor.F32ToBF16(v))
	}
}

// leastRoundedToInfinity are the bits of the least float32 whose BF16 is infinite.
const leastRoundedToInfinity = 0x7f7f8000

// roundsToInfinity reports whether x is infinite or NaN, or its BF16 is.
func roundsToInfinity(x float32) bool {
	return math.Float32bits(x)&^(1<<31) >= leastRoundedToInfinity
}

// RoundBF16x2 rounds x to the sum of two BF16, in place:
//
//	x[i] = x₁ + x₂   x₁ = BF16(x[i])   x₂ = BF16(x[i] - x₁)
//
// A finite number whose BF16 is infinite is cut off to both instead of rounded.
func RoundBF16x2(x []float32) {
	done, largest := 0, uint32(leastRoundedToInfinity)
	if level != Generic {
		done, largest = roundBF16x2Vector(x)
	}
	if largest >= leastRoundedToInfinity { // those are left as they were
		for i, v := range x[:done] {
			if roundsToInfinity(v) {
				roundBF16x2Generic(x[i : i+1])
			}
		}
	}
	roundBF16x2Generic(x[done:])
}

func roundBF16x2Generic(x []float32) {
	for i, v := range x {
		if v-v != 0 {
			continue
		}
		half := tensor.F32ToBF16
		if roundsToInfinity(v) {
			half = func(v float32) uint16 { return uint16(math.Float32bits(v) >> 16) }
		}
		first := tensor.BF16ToF32(half(v))
		x[i] = first + tensor.BF16ToF32(half(v-first))
	}
}

// PairBF16 rounds a packed panel and puts its inner indices into pairs:
//
//	dst[q·width+i] = pair of src[2q·width+i], src[(2q+1)·width+i]   q < (k+1)/2
//
// The partner of the last of an odd number is zero. dst may be src, or lie before
// it in the same memory.
func PairBF16(dst, src []float32, width, k int) {
	dst, src = dst[:(k+1)/2*width], src[:k*width]
	if len(src) == 0 {
		return
	}
	if level == AVX512 {
		pairBF16Vector(dst, src, width, k)
		return
	}
	pairBF16Generic(dst, src, width, k)
}

func pairBF16Generic(dst, src []float32, width, k int) {
	for p := 0; p < k; p += 2 {
		for i := range width {
			pair := uint32(tensor.F32ToBF16(src[p*width+i]))
			if p+1 < k {
				pair |= uint32(tensor.F32ToBF16(src[(p+1)*width+i])) << 16
			}
			dst[p/2*width+i] = math.Float32frombits(pair)
		}
	}
}

// GemmBF16 is [Gemm] for k inner indices that are pairs:
//
//	c[i·ldc+j] (+)= Σ_q a[q·MR+i]₁·b[q·NR+j]₁ + a[q·MR+i]₀·b[q·NR+j]₀   q = 0..k-1
//
// The sum is rounded after every term, those of the second halves first. Products
// of two BF16 are exact in float32. Where there is an instruction, a denormal
// operand or sum counts as zero.
func GemmBF16(c []float32, ldc int, a, b []float32, k int, add bool) {
	t := &tiles[level]
	_ = c[(t.MR-1)*ldc+t.NR-1]
	a, b = a[:k*t.MR], b[:k*t.NR]
	if HasBF16() {
		gemmBF16Vector(c, ldc, a, b, k, add)
		return
	}
	gemmBF16Generic(c, ldc, a, b, k, add)
}

func gemmBF16Generic(c []float32, ldc int, a, b []float32, k int, add bool) {
	t := &tiles[level]
	halves := func(pair float32) (first, second float32) {
		w := math.Float32bits(pair)
		return math.Float32frombits(w << 16), math.Float32frombits(w &^ 0xffff)
	}
	for i := range t.MR {
		for j := range t.NR {
			var sum float32
			for q := range k {
				a0, a1 := halves(a[q*t.MR+i])
				b0, b1 := halves(b[q*t.NR+j])
				sum += a1 * b1
				sum += a0 * b0
			}
			if add {
				sum += c[i*ldc+j]
			}
			c[i*ldc+j] = sum
		}
	}
}
