//go:build !noasm

package simd

// dropParams are the operands of dropNEON.
type dropParams struct {
	places           [4]uint32 // the lower halves of the counters of four blocks
	count, steps     uint32    // the upper half of all, and how far counters go
	stream0, stream1 uint32
	seed0, seed1     uint32
	mul0, mul1       uint32 // constants of Philox4x32
	weyl0, weyl1     uint32
	threshold        uint32
	scale            float32
}

//go:noescape
func dropNEON(dst, x *float32, runs int, p *dropParams)

// dropVector takes whole dropWords.
func dropVector(dst, x []float32, seed, stream, counter uint64, threshold uint32, scale float32) {
	low := uint32(counter)
	p := dropParams{
		places: [4]uint32{low, low + 1, low + 2, low + 3}, count: uint32(counter >> 32), steps: 4,
		stream0: uint32(stream), stream1: uint32(stream >> 32), seed0: uint32(seed), seed1: uint32(seed >> 32),
		mul0: 0xD2511F53, mul1: 0xCD9E8D57, weyl0: 0x9E3779B9, weyl1: 0xBB67AE85,
		threshold: threshold, scale: scale,
	}
	dropNEON(&dst[0], &x[0], len(dst)/dropWords, &p)
}
