package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// affine returns gain and bias of a normalisation as F32 in one buffer of s,
// widened, ones and zeros where there are none.
func (s *scratch) affine(gain, bias tensor.Tensor, d int) (g, b []float32) {
	buf := s.floats(2 * d)
	g, b = buf[:d], buf[d:]
	if gain.IsNone() {
		fill(g, 1)
	} else {
		simd.Decode(g, tensor.HostBytes(gain), gain.DType())
	}
	if bias.IsNone() {
		clear(b)
	} else {
		simd.Decode(b, tensor.HostBytes(bias), bias.DType())
	}
	return g, b
}

// LayerNorm implements kernels.Backend.
func (be *Backend) LayerNorm(a kernels.NormArgs) {
	mustF32("LayerNorm", a.Y)
	be.norm(a, true)
}

// RMSNorm implements kernels.Backend.
func (be *Backend) RMSNorm(a kernels.NormArgs) {
	mustF32("RMSNorm", a.Y)
	be.norm(a, false)
}

// norm is LayerNorm if centred, else RMSNorm: the same with a mean of 0. Mean
// and variance are two passes in float64.
func (be *Backend) norm(a kernels.NormArgs, centred bool) {
	y, x, d := f32(a.Y), f32(a.X), a.X.Cols()
	means, rstds, eps := f32(a.Mean), f32(a.Rstd), a.Eps
	s := be.scratch.get()
	gain, bias := s.affine(a.Gain, a.Bias, d)
	be.eachRow(a.X.Rows(), d, cheap*4, func(r int) {
		row, mean := x[r*d:(r+1)*d], 0.0
		if centred {
			mean = simd.SumF64(row) / float64(d)
		}
		rstd := 1 / math.Sqrt(simd.SumSquaresF64(row, mean)/float64(d)+eps)
		simd.Affine(y[r*d:(r+1)*d], row, float32(mean), float32(rstd), gain, bias)
		if means != nil {
			means[r] = float32(mean)
		}
		if rstds != nil {
			rstds[r] = float32(rstd)
		}
	})
	be.scratch.put(s)
}

// LayerNormBackward implements kernels.Backend.
func (be *Backend) LayerNormBackward(a kernels.NormGrads) {
	mustF32("LayerNormBackward", a.X)
	be.normBackward(a)
}

// RMSNormBackward implements kernels.Backend.
func (be *Backend) RMSNormBackward(a kernels.NormGrads) {
	mustF32("RMSNormBackward", a.X)
	be.normBackward(a)
}

// normBackward serves both norms: RMSNorm has no Mean, so its rows are not
// centred and the mean of the gradient does not enter. A chunk is one partial
// sum's rows.
func (be *Backend) normBackward(a kernels.NormGrads) {
	rows, d := a.X.Rows(), a.X.Cols()
	x, dY, dX := f32(a.X), f32(a.DY), f32(a.DX)
	means, rstds := f32(a.Mean), f32(a.Rstd)
	dGain, dBias := f32(a.DGain), f32(a.DBias)
	summed, backward := dGain != nil || dBias != nil, simd.NormBackward
	if a.Accumulate {
		backward = simd.NormBackwardAdd
	}
	s, t := be.scratch.get(), be.scratch.get()
	gain, _ := s.affine(a.Gain, tensor.Tensor{}, d)
	group := partialRows(rows)
	parts := t.partials(ceilDiv(rows, group), 2*d)
	be.each(rows*d*cheap*4, parts.n, func(chunk int) {
		part := parts.row(chunk)
		if summed {
			clear(part)
		}
		for r := chunk * group; r < min((chunk+1)*group, rows); r++ {
			dy, row, mean, rstd := dY[r*d:(r+1)*d], x[r*d:(r+1)*d], float32(0), rstds[r]
			if means != nil {
				mean = means[r]
			}
			if summed {
				simd.NormAccumulate(part[:d], part[d:], dy, row, mean, rstd)
			}
			if dX == nil {
				continue
			}
			g, gx := simd.NormSums(dy, row, gain, mean, rstd)
			if means == nil {
				g = 0
			}
			backward(dX[r*d:(r+1)*d], dy, row, gain, mean, rstd, g/float32(d), gx/float32(d))
		}
	})
	for i := range parts.n {
		if dGain != nil {
			simd.AddTo(dGain, parts.row(i)[:d])
		}
		if dBias != nil {
			simd.AddTo(dBias, parts.row(i)[d:])
		}
	}
	be.scratch.put(t)
	be.scratch.put(s)
}
