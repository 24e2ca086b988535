package simd

import "math"

// Sums run in four lanes, element i in lane i%4: fixed, and fast enough in
// plain Go.

func dotGeneric(x, y []float32) float32 {
	var s [4]float32
	for len(x) >= 4 && len(y) >= 4 {
		s[0] += x[0] * y[0]
		s[1] += x[1] * y[1]
		s[2] += x[2] * y[2]
		s[3] += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i := range x {
		s[i] += x[i] * y[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumGeneric(x []float32) float32 {
	var s [4]float32
	for len(x) >= 4 {
		s[0] += x[0]
		s[1] += x[1]
		s[2] += x[2]
		s[3] += x[3]
		x = x[4:]
	}
	for i := range x {
		s[i] += x[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumF64Generic(x []float32) float64 {
	var s [4]float64
	for i, v := range x {
		s[i&3] += float64(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumSquaresF64Generic(x []float32, mean float64) float64 {
	var s [4]float64
	for i, v := range x {
		d := float64(v) - mean
		s[i&3] += d * d
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func maxGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func axpyGeneric(dst, x []float32, a float32) {
	for i, v := range x {
		dst[i] += float32(a * v)
	}
}

func scaleGeneric(dst, x []float32, a float32) {
	for i, v := range x {
		dst[i] = a * v
	}
}

func addGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

func subGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] - y[i]
	}
}

func mulGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] * y[i]
	}
}

// affineGeneric rounds after every operation, by the conversions, so that
// levels agree to the bit.
func affineGeneric(dst, x []float32, mean, rstd float32, gain, bias []float32) {
	for i, v := range x {
		v = float32(float32(v-mean) * rstd)
		if gain != nil {
			v *= gain[i]
		}
		if bias != nil {
			v = float32(v) + bias[i]
		}
		dst[i] = v
	}
}

func reluGeneric(dst, x []float32) {
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		dst[i] = v
	}
}

func reluBackwardGeneric(dst, dy, x []float32) {
	for i, v := range x {
		if v <= 0 {
			dst[i] = 0
		} else {
			dst[i] = dy[i]
		}
	}
}
