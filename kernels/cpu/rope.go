package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// RoPE implements kernels.Backend.
func (be *Backend) RoPE(a kernels.RoPEArgs) {
	mustF32("RoPE", a.Y)
	y, x, cosines, sines := f32(a.Y), f32(a.X), f32(a.Cos), f32(a.Sin)
	half, width, d := a.Cos.Cols(), a.X.Cols(), a.HeadDim
	sign := float32(1)
	if a.Inverse {
		sign = -1
	}
	be.eachRow(a.X.Rows(), width, cheap*2, func(r int) {
		c, s := cosines[r*half:(r+1)*half], sines[r*half:(r+1)*half]
		for from := r * width; from < (r+1)*width; from += d {
			in, out := x[from:from+d], y[from:from+d]
			simd.Rotate(out[:half], out[half:], in, in[half:], c, s, sign)
			copy(out[2*half:], in[2*half:])
		}
	})
}
