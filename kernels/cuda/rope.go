package cuda

import "lamina/kernels"

const ropeThreads = 256

// RoPE implements kernels.Backend: a block has a row.
func (be *Backend) RoPE(a kernels.RoPEArgs) {
	mustF32("RoPE", a.Y)
	sign := float32(1)
	if a.Inverse {
		sign = -1
	}
	l := be.start("lamina_rope")
	l.tensor(a.Y)
	l.tensor(a.X)
	l.tensor(a.Cos)
	l.tensor(a.Sin)
	l.u32(a.X.Cols() / a.HeadDim)
	l.u32(a.HeadDim)
	l.u32(a.Cos.Cols())
	l.f32(sign)
	l.launch(a.X.Rows(), ropeThreads)
}
