package ref

import (
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// LayerNorm implements kernels.LayerNorm.
func (*Backend) LayerNorm(a kernels.NormArgs) {
	if isF64(a.X) {
		norm[float64](a, true)
	} else {
		norm[float32](a, true)
	}
}

// RMSNorm implements kernels.RMSNorm.
func (*Backend) RMSNorm(a kernels.NormArgs) {
	if isF64(a.X) {
		norm[float64](a, false)
	} else {
		norm[float32](a, false)
	}
}

// norm is LayerNorm if centred is set, else RMSNorm, which is the same with a
// mean of 0.
func norm[T real](a kernels.NormArgs, centred bool) {
	y, x, d := floats[T](a.Y), floats[T](a.X), a.X.Cols()
	gain, bias := weightVector[T](a.Gain), weightVector[T](a.Bias)
	means, rstds := floats[T](a.Mean), floats[T](a.Rstd)
	for r := range a.X.Rows() {
		row := x[r*d : (r+1)*d]
		mean, squares := 0.0, 0.0
		if centred {
			for _, v := range row {
				mean += float64(v)
			}
			mean /= float64(d)
		}
		for _, v := range row {
			c := float64(v) - mean
			squares += c * c
		}
		rstd := 1 / math.Sqrt(squares/float64(d)+a.Eps)
		for i, v := range row {
			out := (float64(v) - mean) * rstd
			if gain != nil {
				out *= float64(gain[i])
			}
			if bias != nil {
				out += float64(bias[i])
			}
			y[r*d+i] = T(out)
		}
		if means != nil {
			means[r] = T(mean)
		}
		if rstds != nil {
			rstds[r] = T(rstd)
		}
	}
}

// LayerNormBackward implements kernels.LayerNormBackward.
func (*Backend) LayerNormBackward(a kernels.NormGrads) {
	if isF64(a.X) {
		normBackward[float64](a)
	} else {
		normBackward[float32](a)
	}
}

// RMSNormBackward implements kernels.RMSNormBackward.
func (*Backend) RMSNormBackward(a kernels.NormGrads) {
	if isF64(a.X) {
		normBackward[float64](a)
	} else {
		normBackward[float32](a)
	}
}

// normBackward serves both norms: RMSNorm has no Mean, so its rows are not
// centred and the mean of the gradient does not enter.
func normBackward[T real](a kernels.NormGrads) {
	d := a.X.Cols()
	x, dY, gain := floats[T](a.X), floats[T](a.DY), weightVector[T](a.Gain)
	means, rstds := floats[T](a.Mean), floats[T](a.Rstd)
	dX := floats[T](a.DX)
	sumGain, sumBias := make([]float64, d), make([]float64, d)
	unit, g := make([]float64, d), make([]float64, d)
	for r := range a.X.Rows() {
		mean, rstd := 0.0, float64(rstds[r])
		if !a.Mean.IsNone() {
			mean = float64(means[r])
		}
		meanG, meanGX := 0.0, 0.0
		for i := range d {
			unit[i] = (float64(x[r*d+i]) - mean) * rstd
			g[i] = float64(dY[r*d+i])
			sumGain[i] += g[i] * unit[i]
			sumBias[i] += g[i]
			if gain != nil {
				g[i] *= float64(gain[i])
			}
			meanG += g[i] / float64(d)
			meanGX += g[i] * unit[i] / float64(d)
		}
		if a.Mean.IsNone() {
			meanG = 0
		}
		if dX != nil {
			for i := range d {
				v := rstd * (g[i] - meanG - unit[i]*meanGX)
				if a.Accumulate {
					v += float64(dX[r*d+i])
				}
				dX[r*d+i] = T(v)
			}
		}
	}
	addTo[T](a.DGain, sumGain)
	addTo[T](a.DBias, sumBias)
}

// addTo adds sums to t, unless that is none.
func addTo[T real](t tensor.Tensor, sums []float64) {
	out := floats[T](t)
	for i := range out {
		out[i] = T(float64(out[i]) + sums[i])
	}
}
