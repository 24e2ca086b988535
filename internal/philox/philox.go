// Package philox gives random numbers by counter: the number at a place is a
// function of (seed, stream, place) and of nothing else, so it does not depend
// on how many workers run, in which order they ask, or what was drawn before.
//
//	r := philox.New(42, philox.Stream(step, place, op))
//	keep := r.Float32(element) >= rate // the same on every machine
//
//	s := philox.New(42, shuffle).Sequence()
//	for i := range order {
//		order[i] = s.Intn(n)
//	}
//
// The generator is Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel
// Random Numbers: As Easy as 1, 2, 3" (SC 2011): ten rounds over a 128-bit
// counter with a 64-bit key. The key is the seed; the upper half of the counter
// is the stream and the lower half the place, so streams never overlap.
//
// It knows nothing of tensors or layers. It is not for cryptography.
package philox

import "math"

// Round constants of Philox4x32 (SC 2011, table 2 and section 3.3): two odd
// multipliers found by the authors' search, and the Weyl increments of the key
// (golden ratio and sqrt(3)-1, in 0.32 fixed point).
const (
	mul0   = 0xD2511F53
	mul1   = 0xCD9E8D57
	weyl0  = 0x9E3779B9
	weyl1  = 0xBB67AE85
	rounds = 10
)

// Rand is one stream of random numbers. It is a value without state: copying
// it is free and calls never change it. The zero value is seed 0, stream 0.
type Rand struct {
	seed, stream uint64
}

// New returns the stream numbered stream of a seed.
func New(seed, stream uint64) Rand { return Rand{seed, stream} }

// Stream packs a training step, a place in the decoder and an operation's
// number at that place into one stream number. Different arguments give
// different streams as long as place and op are below 65,536; it panics where
// they are not.
func Stream(step uint32, place, op int) uint64 {
	if place < 0 || place > math.MaxUint16 || op < 0 || op > math.MaxUint16 {
		panic("philox: Stream: place and op must be in [0, 65536)")
	}
	return uint64(step)<<32 | uint64(place)<<16 | uint64(op)
}

// At returns the block of four random words at a counter.
func (r Rand) At(counter uint64) [4]uint32 {
	return block(
		[4]uint32{uint32(counter), uint32(counter >> 32), uint32(r.stream), uint32(r.stream >> 32)},
		[2]uint32{uint32(r.seed), uint32(r.seed >> 32)},
	)
}

// block is Philox4x32-10: ten rounds of two 32×32→64 bit products, the key
// bumped before every round but the first.
func block(x [4]uint32, k [2]uint32) [4]uint32 {
	for i := range rounds {
		if i > 0 {
			k[0] += weyl0
			k[1] += weyl1
		}
		p0 := uint64(mul0) * uint64(x[0])
		p1 := uint64(mul1) * uint64(x[2])
		x = [4]uint32{
			uint32(p1>>32) ^ x[1] ^ k[0], uint32(p1),
			uint32(p0>>32) ^ x[3] ^ k[1], uint32(p0),
		}
	}
	return x
}

// Uint32 returns random word i of the stream: word i mod 4 of block i/4.
func (r Rand) Uint32(i uint64) uint32 { return r.At(i / 4)[i%4] }

// Float32 returns element i of a uniform stream over [0, 1): the upper 24 bits
// of Uint32(i) times 2⁻²⁴, so that every value is exact.
func (r Rand) Float32(i uint64) float32 { return unit(r.Uint32(i)) }

// unit maps a word to [0, 1). Filling slices block by block goes through
// [Rand.At] and this same mapping; see [Rand.FillUniform].
func unit(w uint32) float32 { return float32(w>>8) * 0x1p-24 }

// Normal returns element i of a stream of independent standard normal
// deviates, by the Box–Muller transform of float64 uniforms. Words 0 and 1 of a
// block give elements 0 and 1, words 2 and 3 give elements 2 and 3.
func (r Rand) Normal(i uint64) float64 {
	w := r.At(i / 4)
	j := i % 4 &^ 1
	cos, sin := normalPair(w[j], w[j+1])
	if i%2 == 0 {
		return cos
	}
	return sin
}

// normalPair is Box and Muller (1958): sqrt(-2 ln u)·(cos 2πv, sin 2πv) with u
// in (0, 1], which keeps the logarithm finite, and v in [0, 1).
func normalPair(a, b uint32) (x, y float64) {
	u := (float64(a) + 1) * 0x1p-32
	radius := math.Sqrt(-2 * math.Log(u))
	sin, cos := math.Sincos(2 * math.Pi * float64(b) * 0x1p-32)
	return radius * cos, radius * sin
}

// FillUniform sets dst[i] to Float32(first+i): four elements per block.
func (r Rand) FillUniform(dst []float32, first uint64) {
	for i := 0; i < len(dst); {
		at := first + uint64(i)
		w := r.At(at / 4)
		for j := at % 4; j < 4 && i < len(dst); j++ {
			dst[i] = unit(w[j])
			i++
		}
	}
}

// FillNormal sets dst[i] to mean + std·Normal(first+i), rounded to float32.
func (r Rand) FillNormal(dst []float32, first uint64, mean, std float64) {
	for i := 0; i < len(dst); {
		at := first + uint64(i)
		w := r.At(at / 4)
		var n [4]float64
		n[0], n[1] = normalPair(w[0], w[1])
		n[2], n[3] = normalPair(w[2], w[3])
		for j := at % 4; j < 4 && i < len(dst); j++ {
			// The conversion keeps the product from being fused with the sum,
			// which would differ between architectures.
			dst[i] = float32(mean + float64(std*n[j]))
			i++
		}
	}
}

// Perm returns a uniformly random permutation of 0..n-1, from the start of the
// stream.
func (r Rand) Perm(n int) []int { return r.Sequence().Perm(n) }

// Sequence returns a reader of the stream's words from the start.
func (r Rand) Sequence() *Sequence { return &Sequence{rand: r} }
