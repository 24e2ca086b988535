//go:build amd64 && !noasm

package simd

// dropParams are the operands of dropAVX2, in the order of its offsets.
type dropParams struct {
	counter, stream, seed uint64
	threshold             uint32
	scale                 float32
}

//go:noescape
func dropAVX2(dst, x *float32, n int, p *dropParams)

// dropVector takes whole dropWords.
func dropVector(dst, x []float32, seed, stream, counter uint64, threshold uint32, scale float32) {
	p := dropParams{counter, stream, seed, threshold, scale}
	dropAVX2(&dst[0], &x[0], len(dst), &p)
}
