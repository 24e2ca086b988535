//go:build !noasm

package simd

// The assembly takes whole runs of 16; the Go twin does the rest.
const neonRun = 16

//go:noescape
func addNEON(dst, x, y *float32, runs int)

//go:noescape
func subNEON(dst, x, y *float32, runs int)

//go:noescape
func mulNEON(dst, x, y *float32, runs int)

//go:noescape
func axpyNEON(dst, x *float32, runs int, a float32)

//go:noescape
func scaleNEON(dst, x *float32, runs int, a float32)

// dotNEON and sumNEON leave the sums of four lanes.
//
//go:noescape
func dotNEON(lanes *[4]float32, x, y *float32, runs int)

//go:noescape
func sumNEON(lanes *[4]float32, x *float32, runs int)

func addVector(dst, x, y []float32) {
	runs := len(dst) / neonRun
	if runs > 0 {
		addNEON(&dst[0], &x[0], &y[0], runs)
	}
	n := runs * neonRun
	addGeneric(dst[n:], x[n:], y[n:])
}

func subVector(dst, x, y []float32) {
	runs := len(dst) / neonRun
	if runs > 0 {
		subNEON(&dst[0], &x[0], &y[0], runs)
	}
	n := runs * neonRun
	subGeneric(dst[n:], x[n:], y[n:])
}

func mulVector(dst, x, y []float32) {
	runs := len(dst) / neonRun
	if runs > 0 {
		mulNEON(&dst[0], &x[0], &y[0], runs)
	}
	n := runs * neonRun
	mulGeneric(dst[n:], x[n:], y[n:])
}

func axpyVector(dst, x []float32, a float32) {
	runs := len(dst) / neonRun
	if runs > 0 {
		axpyNEON(&dst[0], &x[0], runs, a)
	}
	n := runs * neonRun
	axpyGeneric(dst[n:], x[n:], a)
}

func scaleVector(dst, x []float32, a float32) {
	runs := len(dst) / neonRun
	if runs > 0 {
		scaleNEON(&dst[0], &x[0], runs, a)
	}
	n := runs * neonRun
	scaleGeneric(dst[n:], x[n:], a)
}

func dotVector(x, y []float32) float32 {
	runs := len(x) / neonRun
	if runs == 0 {
		return dotGeneric(x, y)
	}
	var s [4]float32
	dotNEON(&s, &x[0], &y[0], runs)
	n := runs * neonRun
	return (s[0] + s[1]) + (s[2] + s[3]) + dotGeneric(x[n:], y[n:])
}

func sumVector(x []float32) float32 {
	runs := len(x) / neonRun
	if runs == 0 {
		return sumGeneric(x)
	}
	var s [4]float32
	sumNEON(&s, &x[0], runs)
	return (s[0] + s[1]) + (s[2] + s[3]) + sumGeneric(x[runs*neonRun:])
}
