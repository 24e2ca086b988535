package simd

import "math"

// The lower tail of the normal distribution is Φ(-z) = e^(-z²/2)·R(z) for z ≥ 0,
// where R, a scaled Mills ratio, is smooth: R(z) = t·P(t), t = 1/(1 + tailScale·z).
// The coefficients of P are a minimax fit of our own (relative error 4e-9 for z
// up to tailMax, beyond which Φ(-z) is 0 in float32).
const (
	tailScale = 0.3
	tailMax   = 14.5

	tail0 = 0.119686690062
	tail1 = 0.119571808881
	tail2 = 0.110235467658
	tail3 = 0.078389444165
	tail4 = 0.096157438468
	tail5 = -0.079424636796
	tail6 = 0.191785927059
	tail7 = -0.228214651938
	tail8 = 0.112436062817
	tail9 = -0.020623552107

	normalDensity0 = 0.3989422804014327 // 1/√(2π)
)

// Constants of GELUTanh: 2u = x·(geluLinear + geluCubic·x²). Beyond geluMax the
// derivative is 0 or 1 in float32.
const (
	geluLinear = 1.5957691216057308 // 2·√(2/π)
	geluCubic  = geluLinear * 0.044715
	geluMax    = 30

	// The argument of GELUTanh's exponential is found in two float32: beside what
	// they are rounded to stands what that loses. geluLinearHi is short enough that
	// its difference to any geluLinear + geluCubic·x² below 16 is exact.
	geluLinearHi = 1673285.0 / (1 << 20)
	geluCubicLo  = float32(geluCubic - float64(float32(geluCubic)))

	// Where e^-2u is infinite, and where the assembly takes it for 0.
	geluTanhMin = -10.1
	geluTanhMax = 10
)

// Below logisticMin, where e^-x is about to be infinite, σ is taken for 0 in
// derivatives: products with 1-σ = e^-x·σ would meet it.
const logisticMin = -88.7

// logisticMax is where the assembly takes e^-x for 0: 1 + e^-x is 1 long before.
const logisticMax = 87.3

// activationTable holds the constants of the assembly, in the order of its
// offsets; each fills a vector, so that instructions take it from memory.
var activationTable = replicated([...]float32{
	expMin, expMax, log2e, ln2Hi, ln2Lo, exp4, exp3, exp2, exp1, exp0, 1,
	expShift + 127,
	math.Float32frombits(1 << 31), math.Float32frombits(1<<31 - 1),
	tailMax, tailScale, tail9, tail8, tail7, tail6, tail5, tail4, tail3, tail2, tail1, tail0,
	normalDensity0, 0.5,
	geluLinear, geluCubic, 3 * geluCubic, -geluMax, geluMax, logisticMin,
	expShift, expLow, logisticMax, -expMax, expShift - 1,
	geluLinearHi, geluLinear - geluLinearHi, geluCubicLo, -0.5,
	geluTanhMin, geluTanhMax, expShift16, expSquare, expCube,
})

func replicated(values [48]float32) (table [48][8]float32) {
	for i, v := range values {
		for lane := range table[i] {
			table[i][lane] = v
		}
	}
	return table
}

// normalTail returns Φ(x) and e^(-x²/2).
func normalTail(x float32) (phi, e float32) {
	z := min(float32(math.Abs(float64(x))), tailMax)
	square := z * z
	// What z·z lost in rounding matters times z²/2 in e^(-z²/2).
	lost := float32(float64(z)*float64(z) - float64(square))
	e = float32(expOne(-0.5*square) * (1 - float32(0.5*lost)))
	t := 1 / (1 + float32(tailScale*z))
	p := float32(tail9)
	for _, c := range [...]float32{tail8, tail7, tail6, tail5, tail4, tail3, tail2, tail1, tail0} {
		p = float32(p*t) + c
	}
	q := float32(float32(p*t) * e)
	if math.Signbit(float64(x)) {
		return q, e
	}
	return 1 - q, e
}

func geluGeneric(dst, x []float32) {
	for i, v := range x {
		phi, _ := normalTail(v)
		dst[i] = v * phi
	}
}

func geluBackwardGeneric(dst, dy, x []float32) {
	for i, v := range x {
		phi, e := normalTail(v)
		dst[i] = dy[i] * (phi + float32(v*float32(normalDensity0*e)))
	}
}

func geluTanhGeneric(dst, x []float32) {
	for i, v := range x {
		a := float64(min(max(v, -geluMax), geluMax))
		u := float64(a * (geluLinear + float64(geluCubic*float64(a*a))))
		high := float32(u)
		e := float32(expOne(-high) * (1 - float32(u-float64(high))))
		dst[i] = v * (1 / (1 + e))
	}
}

func geluTanhBackwardGeneric(dst, dy, x []float32) {
	for i, v := range x {
		sick := v - v // NaN if v is infinite, which the bounds hide
		v = min(max(v, -geluMax), geluMax)
		square := v * v
		e, s := logisticTail(v * (geluLinear + float32(geluCubic*square)))
		slope := geluLinear + float32(3*geluCubic*square)
		dst[i] = dy[i] * (float32(s*(1+float32(float32(v*float32(e*s))*slope))) + sick)
	}
}

// logisticTail returns e = e^-x and σ(x) = 1/(1+e), or what stands for them below
// logisticMin.
func logisticTail(x float32) (e, s float32) {
	e = expOne(-max(x, logisticMin))
	if x < logisticMin {
		return e, 0
	}
	return e, 1 / (1 + e)
}

func logisticSlopeGeneric(dst, dy, x []float32, k, c float32) {
	for i, v := range x {
		e := expOne(-k * float32(math.Abs(float64(v))))
		s := 1 / (1 + e)
		dst[i] = dy[i] * float32(float32(c*e)*float32(s*s))
	}
}

func siluMulGeneric(dst, gate, up []float32) {
	for i, v := range gate {
		dst[i] = float32(v*sigmoidOne(v)) * up[i]
	}
}

func siluMulBackwardGeneric(dGate, dUp, dy, gate, up []float32) {
	for i, v := range gate {
		e, s := logisticTail(v)
		d := dy[i]
		dUp[i] = d * float32(v*s)
		slope := s * (1 + float32(v*float32(e*s)))
		dGate[i] = float32(d*up[i]) * slope
	}
}

func expScaledGeneric(dst, x []float32, shift, scale float32) {
	for i, v := range x {
		dst[i] = scale * expOne(v-shift)
	}
}
