//go:build noasm || (!amd64 && !arm64)

package simd

// Without assembly for a machine the vector versions are the Go twins.

func expSumVector(dst, x []float32, shift float32) float32 { return expSumGeneric(dst, x, shift) }
func sumExpVector(x []float32, shift float32) float32      { return sumExpGeneric(x, shift) }
func sigmoidVector(dst, x []float32)                       { sigmoidGeneric(dst, x) }
func siluVector(dst, x []float32)                          { siluGeneric(dst, x) }
func siluBackwardVector(dst, dy, x []float32)              { siluBackwardGeneric(dst, dy, x) }
func tanhVector(dst, x []float32)                          { tanhGeneric(dst, x) }
