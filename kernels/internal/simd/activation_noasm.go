//go:build noasm || (!amd64 && !arm64)

package simd

// Without assembly for a machine the vector versions are the Go twins.

func geluVector(dst, x []float32)                 { geluGeneric(dst, x) }
func geluBackwardVector(dst, dy, x []float32)     { geluBackwardGeneric(dst, dy, x) }
func geluTanhVector(dst, x []float32)             { geluTanhGeneric(dst, x) }
func geluTanhBackwardVector(dst, dy, x []float32) { geluTanhBackwardGeneric(dst, dy, x) }
func siluMulVector(dst, gate, up []float32)       { siluMulGeneric(dst, gate, up) }

func logisticSlopeVector(dst, dy, x []float32, k, c float32) {
	logisticSlopeGeneric(dst, dy, x, k, c)
}

func siluMulBackwardVector(dGate, dUp, dy, gate, up []float32) {
	siluMulBackwardGeneric(dGate, dUp, dy, gate, up)
}

func expScaledVector(dst, x []float32, shift, scale float32) {
	expScaledGeneric(dst, x, shift, scale)
}
