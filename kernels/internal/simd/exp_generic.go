package simd

import "math"

// Constants of e^x = 2ⁿ·e^r, n = round(x·log2 e), r = x - n·ln 2, |r| ≤ ln 2/2,
// and e^r = 1 + r + r²·q(r). The coefficients of q are a minimax fit of our own
// (relative error 3e-9); ln 2 stands in two pieces, the first of which has few
// enough bits that n·ln2Hi is exact.
const (
	log2e = 1.4426950216293335
	ln2Hi = 0.693359375
	ln2Lo = -0.00021219444170128554

	exp0 = 0.4999999403953552
	exp1 = 0.166665181517601
	exp2 = 0.041668422520160675
	exp3 = 0.008369063027203083
	exp4 = 0.0013813880505040288

	// Beyond these e^x is 0 and +Inf in float32.
	expMin = -104
	expMax = 89

	// expLow is the logarithm of the smallest normal number. expShift, 1.5·2²³
	// and the bias of an exponent, is for sums that are to lose their fraction.
	expLow   = -87.33654
	expShift = 12582912 + 127
)

// Constants of AVX-512's exponentials: e^r = 1 + r·(1 + r·(square + r·cube)) for
// |r| ≤ ln 2/32, with a minimax fit of our own (relative error 2e-9). expShift16 is
// large enough to leave a sum with it nothing below sixteenths.
const (
	expSquare  = 0.5000162124633789
	expCube    = 0.16666720807552338
	expShift16 = 786432
)

// Here and in all twins conversions keep a product from being fused with a sum, which Go
// does on arm64 even if the product has a name.
func expOne(x float32) float32 {
	x = min(max(x, expMin), expMax)
	n := float32(math.RoundToEven(float64(x * log2e)))
	r := float32(x-float32(n*ln2Hi)) - float32(n*ln2Lo)
	q := float32(exp4)
	q = float32(q*r) + exp3
	q = float32(q*r) + exp2
	q = float32(q*r) + exp1
	q = float32(q*r) + exp0
	y := float32(float32(q*float32(r*r))+r) + 1
	// 2ⁿ in two factors reaches every float32, denormals and Inf included.
	k := int32(n)
	return float32(y * pow2(k>>1) * pow2(k-k>>1))
}

func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

func expSumGeneric(dst, x []float32, shift float32) float32 {
	var s [4]float32
	for i, v := range x {
		e := expOne(v - shift)
		dst[i] = e
		s[i&3] += e
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumExpGeneric(x []float32, shift float32) float32 {
	var s [4]float32
	for i, v := range x {
		s[i&3] += expOne(v - shift)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sigmoidOne(x float32) float32 { return 1 / (1 + expOne(-x)) }

func sigmoidGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = sigmoidOne(v)
	}
}

func siluGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = v * sigmoidOne(v)
	}
}

func siluBackwardGeneric(dst, dy, x []float32) {
	for i, v := range x {
		s := sigmoidOne(v)
		dst[i] = float32(dy[i]*s) * (1 + float32(v*(1-s)))
	}
}

// Below tanhSmall, where (1 - e^-2|x|)/(1 + e^-2|x|) would lose digits, tanh x is
// x + x³·t(x²) with a minimax t of our own (relative error 5e-9).
const (
	tanhSmall = 0.625

	tanh0 = -0.33333277702331543
	tanh1 = 0.13331331312656403
	tanh2 = -0.05373000726103783
	tanh3 = 0.02060617506504059
	tanh4 = -0.0056669763289391994
)

func tanhOne(x float32) float32 {
	a := float32(math.Abs(float64(x)))
	if a >= tanhSmall {
		e := expOne(-a - a)
		return float32(math.Copysign(float64((1-e)*(1/(1+e))), float64(x)))
	}
	u := x * x
	t := float32(tanh4)
	t = float32(t*u) + tanh3
	t = float32(t*u) + tanh2
	t = float32(t*u) + tanh1
	t = float32(t*u) + tanh0
	return float32(float32(t*u)*x) + x
}

func tanhGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = tanhOne(v)
	}
}
