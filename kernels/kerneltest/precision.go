package kerneltest

import (
	"strings"
	"testing"

	"lamina/kernels"
)

// unitBF16 is how far rounding to BF16, whose significands have 8 bits, moves a
// number at most, relative to it.
const unitBF16 = 0x1p-8

// rounding bounds what an arithmetic leaves out of a product of two numbers, relative to
// it, and what it adds to the roundings of a sum.
//
//   - bf16: both numbers are moved by u = 2⁻⁸, so that the product is by (1+u)² - 1;
//   - bf16x3: a second part is at most u of the number and leaves 2⁻¹⁷ of it, since the
//     first leaves a number that is smaller by 2⁸, or a power of two. Missing are a₂b₂,
//     at most u², and the two rests: 2⁻¹⁵, and products of rests;
//   - bf16x6: third parts are what the second leave, 2⁻¹⁷. Missing are a₂b₃ and a₃b₂, at
//     most 2⁻²⁵ each, and a₃b₃: 2⁻²⁴, as one rounding in F32.
//
// The last two hold for numbers of at least 2⁻¹⁰⁰; rests of smaller ones may be denormal,
// and count as zero.
func rounding(p kernels.Precision) (missing float64, passes int) {
	switch p {
	case kernels.PrecisionBF16:
		return (1+unitBF16)*(1+unitBF16) - 1, 1
	case kernels.PrecisionBF16x3:
		return 0x1p-15 * (1 + unitBF16), 3
	case kernels.PrecisionBF16x6:
		return 0x1p-24 * (1 + unitBF16), 6
	}
	return 0, 1
}

// boundOfSum bounds a sum of n products in arithmetic of unit u, with an addition before
// and one after, relative to Σ|a||b| + |bias| + |c|: what is missing, and the roundings of
// a sum in any order, of at most (1+2⁻⁸)² times as much; for arithmetics that are as good
// as F32 those that sums of normal deviates have.
func boundOfSum(p kernels.Precision, n int, u float64) float64 {
	missing, passes := rounding(p)
	sum := gamma(n+1+passes, u)
	if p != kernels.PrecisionBF16 {
		sum = min(sum, walk(n)*u)
	}
	if missing == 0 {
		return sum
	}
	return missing + (1+unitBF16)*(1+unitBF16)*sum
}

// RunProducts holds the products of a backend that computes them in another arithmetic
// than F32 against the contracts of package kernels: all of them, but for the bound.
func RunProducts(t *testing.T, be kernels.Backend, p kernels.Precision, opts Options) {
	defer lessCollection()()
	s := newSuite(be, opts)
	s.precision = p
	for _, r := range productRows {
		if !strings.HasPrefix(r.name, "MatVec") && opts.has(r.name) {
			t.Run(r.name, func(t *testing.T) { r.run(s, t) })
		}
	}
}
