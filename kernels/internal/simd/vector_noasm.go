//go:build noasm || (!amd64 && !arm64)

package simd

// Without assembly for a machine the vector versions are the Go twins.

func sumF64Vector(x []float32) float64                      { return sumF64Generic(x) }
func sumSquaresF64Vector(x []float32, mean float64) float64 { return sumSquaresF64Generic(x, mean) }
func maxVector(x []float32) float32                         { return maxGeneric(x) }
func reluVector(dst, x []float32)                           { reluGeneric(dst, x) }
func reluBackwardVector(dst, dy, x []float32)               { reluBackwardGeneric(dst, dy, x) }
func adamWVector(w, grad, m, v []float32, s *AdamWStep)     { adamWGeneric(w, grad, m, v, s) }

func affineVector(dst, x []float32, mean, rstd float32, gain, bias []float32) {
	affineGeneric(dst, x, mean, rstd, gain, bias)
}
