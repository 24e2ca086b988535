//go:build noasm || !amd64

package simd

// Without assembly for a machine the vector versions are the Go twins. Those
// that NEON has are in plain_noasm.go.

func sumF64Vector(x []float32) float64                      { return sumF64Generic(x) }
func sumSquaresF64Vector(x []float32, mean float64) float64 { return sumSquaresF64Generic(x, mean) }
func maxVector(x []float32) float32                         { return maxGeneric(x) }
func reluVector(dst, x []float32)                           { reluGeneric(dst, x) }
func reluBackwardVector(dst, dy, x []float32)               { reluBackwardGeneric(dst, dy, x) }
func expSumVector(dst, x []float32, shift float32) float32  { return expSumGeneric(dst, x, shift) }
func sumExpVector(x []float32, shift float32) float32       { return sumExpGeneric(x, shift) }
func sigmoidVector(dst, x []float32)                        { sigmoidGeneric(dst, x) }
func siluVector(dst, x []float32)                           { siluGeneric(dst, x) }
func siluBackwardVector(dst, dy, x []float32)               { siluBackwardGeneric(dst, dy, x) }
func tanhVector(dst, x []float32)                           { tanhGeneric(dst, x) }
func adamWVector(w, grad, m, v []float32, s *AdamWStep)     { adamWGeneric(w, grad, m, v, s) }

func affineVector(dst, x []float32, mean, rstd float32, gain, bias []float32) {
	affineGeneric(dst, x, mean, rstd, gain, bias)
}
