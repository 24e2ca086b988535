package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Dropout implements kernels.Backend. Columns 4·b to 4·b+3 of a row take the four
// words at its counter plus b, which stays below the position's bits.
func (be *Backend) Dropout(a kernels.DropoutArgs) {
	mustF32("Dropout", a.Y)
	out, in, rows, cols := f32(a.Y), f32(a.X), tensor.HostInts(a.Rows), a.Y.Cols()
	seed, stream, threshold, scale := a.Seed, a.Stream, a.Threshold(), float32(1/(1-a.P))
	if threshold > math.MaxUint32 {
		be.Fill(a.Y, 0)
		return
	}
	be.eachRow(a.Y.Rows(), cols, expensive, func(r int) {
		counter := kernels.DropoutCounter(rows[2*r], rows[2*r+1], 0)
		simd.Drop(out[r*cols:(r+1)*cols], in[r*cols:(r+1)*cols], seed, stream, counter, uint32(threshold), scale)
	})
}
