package kerneltest

import (
	"strings"
	"testing"

	"lamina/kernels"
)

// unitBF16 is how far rounding to BF16, whose significands have 8 bits, moves a
// number at most, relative to it.
const unitBF16 = 0x1p-8

// boundInBF16 bounds a product whose operands are rounded to BF16 before n terms
// are summed in arithmetic of unit u, relative to Σ|a||b| + |bias| + |c|: the
// rounded terms differ by (1+2^-8)² - 1, and their sum, no larger than (1+2^-8)²,
// has γ_{n+2} on top.
func boundInBF16(n int, u float64) float64 {
	const grown = (1 + unitBF16) * (1 + unitBF16)
	return grown - 1 + grown*gamma(n+2, u)
}

// RunBF16 holds the products of a backend that rounds their operands to BF16
// against the contracts of package kernels: all of them, but for the wider bound.
func RunBF16(t *testing.T, be kernels.Backend, opts Options) {
	s := newSuite(be, opts)
	s.bf16 = true
	for _, r := range productRows {
		if !strings.HasPrefix(r.name, "MatVec") && opts.has(r.name) {
			t.Run(r.name, func(t *testing.T) { r.run(s, t) })
		}
	}
}
