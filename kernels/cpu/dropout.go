package cpu

import (
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/tensor"
)

// Dropout implements kernels.Backend.
func (be *Backend) Dropout(a kernels.DropoutArgs) {
	mustF32("Dropout", a.Y)
	out, in, rows, cols := f32(a.Y), f32(a.X), tensor.HostInts(a.Rows), a.Y.Cols()
	random, threshold, scale := philox.New(a.Seed, a.Stream), a.Threshold(), float32(1/(1-a.P))
	be.eachRow(a.Y.Rows(), cols, expensive, func(r int) {
		first := kernels.DropoutCounter(rows[2*r], rows[2*r+1], 0)
		dropRow(out[r*cols:(r+1)*cols], in[r*cols:(r+1)*cols], random, first, threshold, scale)
	})
}

// dropRow draws one block of four words for every four columns.
func dropRow(dst, x []float32, random philox.Rand, counter, threshold uint64, scale float32) {
	for len(x) > 0 {
		words := random.At(counter)
		n := min(len(x), len(words))
		for i, v := range x[:n] {
			if uint64(words[i]) < threshold {
				v = 0
			} else {
				v *= scale
			}
			dst[i] = v
		}
		dst, x = dst[n:], x[n:]
		counter++
	}
}
