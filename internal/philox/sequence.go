package philox

import (
	"fmt"
	"math/bits"
)

// Sequence reads a stream's words one after the other, for draws that need a
// number of words not known beforehand. It is not for concurrent use.
type Sequence struct {
	rand Rand
	next uint64
	buf  [4]uint32
}

// Uint32 returns the next word.
func (s *Sequence) Uint32() uint32 {
	if s.next%4 == 0 {
		s.buf = s.rand.At(s.next / 4)
	}
	w := s.buf[s.next%4]
	s.next++
	return w
}

// Uint64 returns the next two words, the first one in the lower half.
func (s *Sequence) Uint64() uint64 {
	lo := uint64(s.Uint32())
	return lo | uint64(s.Uint32())<<32
}

// Float32 returns the next uniform number in [0, 1), a multiple of 2⁻²⁴.
func (s *Sequence) Float32() float32 { return unit(s.Uint32()) }

// Float64 returns the next uniform number in [0, 1), a multiple of 2⁻⁵³; it
// takes two words.
func (s *Sequence) Float64() float64 { return float64(s.Uint64()>>11) * 0x1p-53 }

// Normal returns the next standard normal deviate. It takes two words and drops
// the second one of the pair, so that the number of words read is fixed.
func (s *Sequence) Normal() float64 {
	a := s.Uint32()
	x, _ := normalPair(a, s.Uint32())
	return x
}

// Intn returns a uniform number in [0, n) without bias: Lemire, "Fast Random
// Integer Generation in an Interval" (2019), which redraws when the low half of
// the product falls into the incomplete interval. It panics if n < 1.
func (s *Sequence) Intn(n int) int {
	if n < 1 {
		panic(fmt.Sprintf("philox: Intn: n must be positive: %d", n))
	}
	bound := uint64(n)
	hi, lo := bits.Mul64(s.Uint64(), bound)
	if lo < bound {
		for threshold := -bound % bound; lo < threshold; {
			hi, lo = bits.Mul64(s.Uint64(), bound)
		}
	}
	return int(hi)
}

// Perm returns a uniformly random permutation of 0..n-1 (Fisher and Yates, from
// the end). It panics if n < 0.
func (s *Sequence) Perm(n int) []int {
	if n < 0 {
		panic(fmt.Sprintf("philox: Perm: n must not be negative: %d", n))
	}
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.Intn(i + 1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}
