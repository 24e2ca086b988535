package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// SumSquares implements kernels.Backend.
func (be *Backend) SumSquares(sum, x tensor.Tensor) {
	mustF32("SumSquares", x)
	in := f32(x)
	s := be.scratch.get()
	parts := s.sums64(ceilDiv(len(in), sumLen))
	be.eachPiece(len(in), sumLen, cheap, func(from, to int) {
		parts[from/sumLen] = simd.SumSquaresF64(in[from:to], 0)
	})
	total := tensor.HostFloats[float64](sum)
	for _, v := range parts {
		total[0] += v
	}
	be.scratch.put(s)
}

// ClipCoefficient implements kernels.Backend.
func (be *Backend) ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64) {
	mustF32("ClipCoefficient", coef)
	norm := math.Sqrt(tensor.HostFloats[float64](sum)[0])
	f32(coef)[0] = float32(min(1, maxNorm/(norm+1e-6))) // NaN stays
}

// AdamW implements kernels.Backend.
func (be *Backend) AdamW(a kernels.AdamWArgs) {
	mustF32("AdamW", a.W)
	w, grad, m, v := f32(a.W), f32(a.Grad), f32(a.M), f32(a.V)
	step := adamWStep(a)
	be.eachRun(len(w), cheap, func(from, to int) {
		simd.AdamW(w[from:to], grad[from:to], m[from:to], v[from:to], &step)
		if a.ZeroGrad { // while it is in the second-level cache
			clear(grad[from:to])
		}
	})
}

func adamWStep(a kernels.AdamWArgs) simd.AdamWStep {
	coef := float32(1)
	if !a.Coef.IsNone() {
		coef = f32(a.Coef)[0]
	}
	t := float64(a.Step)
	return simd.AdamWStep{
		Coef:       coef,
		Decay:      float32(1 - a.LR*a.WeightDecay),
		Beta2:      float32(a.Beta2),
		Rest1:      float32(1 - a.Beta1),
		Rest2:      float32(1 - a.Beta2),
		Size:       float32(a.LR / (1 - math.Pow(a.Beta1, t))),
		Correction: float32(1 / math.Sqrt(1-math.Pow(a.Beta2, t))),
		Eps:        float32(a.Eps),
	}
}
