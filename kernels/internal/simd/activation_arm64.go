//go:build !noasm

package simd

//go:noescape
func geluNEON(dst, x *float32, runs int)

//go:noescape
func geluBackwardNEON(dst, dy, x *float32, runs int)

//go:noescape
func geluTanhNEON(dst, x *float32, runs int)

//go:noescape
func geluTanhBackwardNEON(dst, dy, x *float32, runs int)

//go:noescape
func logisticSlopeNEON(dst, dy, x *float32, runs int, k, c float32)

//go:noescape
func siluMulNEON(dst, gate, up *float32, runs int)

//go:noescape
func siluMulBackwardNEON(dGate, dUp, dy, gate, up *float32, runs int)

func geluVector(dst, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		geluNEON(&dst[0], &x[0], n/neonFour)
	}
	geluGeneric(dst[n:], x[n:])
}

func geluBackwardVector(dst, dy, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		geluBackwardNEON(&dst[0], &dy[0], &x[0], n/neonFour)
	}
	geluBackwardGeneric(dst[n:], dy[n:], x[n:])
}

func geluTanhVector(dst, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		geluTanhNEON(&dst[0], &x[0], n/neonFour)
	}
	geluTanhGeneric(dst[n:], x[n:])
}

func geluTanhBackwardVector(dst, dy, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		geluTanhBackwardNEON(&dst[0], &dy[0], &x[0], n/neonFour)
	}
	geluTanhBackwardGeneric(dst[n:], dy[n:], x[n:])
}

func logisticSlopeVector(dst, dy, x []float32, k, c float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		logisticSlopeNEON(&dst[0], &dy[0], &x[0], n/neonFour, k, c)
	}
	logisticSlopeGeneric(dst[n:], dy[n:], x[n:], k, c)
}

func siluMulVector(dst, gate, up []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		siluMulNEON(&dst[0], &gate[0], &up[0], n/neonFour)
	}
	siluMulGeneric(dst[n:], gate[n:], up[n:])
}

func siluMulBackwardVector(dGate, dUp, dy, gate, up []float32) {
	n := len(dGate) &^ (neonFour - 1)
	if n > 0 {
		siluMulBackwardNEON(&dGate[0], &dUp[0], &dy[0], &gate[0], &up[0], n/neonFour)
	}
	siluMulBackwardGeneric(dGate[n:], dUp[n:], dy[n:], gate[n:], up[n:])
}
