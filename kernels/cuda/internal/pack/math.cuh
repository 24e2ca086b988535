// The functions of kernels.Func and their derivatives, in float32.
//
// CUDA's own expf, tanhf and erff use approximations of the machine that flush small
// numbers to zero; these are sums and products that every machine rounds alike, so that a
// kernel gives the same bits on any GPU. The coefficients are those of kernels/internal/simd.
// NaN stays NaN. logf and sqrtf, which need no approximation, are CUDA's.

// The numbers of kernels.Func.
enum { IDENTITY, RELU, GELU, GELU_TANH, SILU, TANH, SIGMOID, EXP, LOG, SQRT, SQUARE, NEG };

// 2ⁿ for -126 ≤ n ≤ 127.
DEVICE float power_of_two(i32 n) { return __int_as_float((n + 127) << 23); }

// e^x within 2 units in the last place, denormal results included; 0 below -104, infinite
// above 88.73. x = n·ln 2 + r with n whole and |r| ≤ ln 2/2; e^r = 1 + r + r²·q(r); 2ⁿ in
// two factors reaches every float32. About 16 instructions, none on the special unit.
DEVICE float exp_f32(float x) {
	x = x < -104.0f ? -104.0f : x; // not fmaxf, which drops NaN
	x = x > 89.0f ? 89.0f : x;
	const float shift = 12582912.0f; // 1.5·2²³: a sum with it has no fraction
	float t = fmaf(x, 1.4426950216293335f, shift);
	i32 n = __float_as_int(t) - 0x4b400000;
	float whole = t - shift;
	float r = fmaf(whole, -0.693359375f, x);
	r = fmaf(whole, 0.00021219444170128554f, r);
	float q = fmaf(0.0013813880505040288f, r, 0.008369063027203083f);
	q = fmaf(q, r, 0.041668422520160675f);
	q = fmaf(q, r, 0.166665181517601f);
	q = fmaf(q, r, 0.4999999403953552f);
	float y = fmaf(q, r * r, r) + 1.0f;
	return y * power_of_two(n >> 1) * power_of_two(n - (n >> 1));
}

// The logistic function by e = e^-|x| and r = 1/(1+e), neither of which overflows:
// σ(x) = r for x ≥ 0 and e·r below; σ(x)·σ(-x) = e·r².
struct Logistic {
	float sigma; // σ(x)
	float slope; // σ'(x)
};

DEVICE Logistic logistic(float x) {
	float e = exp_f32(-fabsf(x)), r = 1.0f / (1.0f + e);
	Logistic l;
	l.sigma = (x < 0.0f ? e : 1.0f) * r;
	l.slope = e * r * r;
	return l;
}

// tanh x within 4 units in the last place. Below 0.625, where (1-e)/(1+e), e = e^-2|x|,
// would lose digits, it is x + x³·t(x²).
DEVICE float tanh_f32(float x) {
	float a = fabsf(x), y;
	if (a >= 0.625f) {
		float e = exp_f32(-2.0f * a);
		y = (1.0f - e) * (1.0f / (1.0f + e));
	} else {
		float u = a * a;
		float t = fmaf(-0.0056669763289391994f, u, 0.02060617506504059f);
		t = fmaf(t, u, -0.05373000726103783f);
		t = fmaf(t, u, 0.13331331312656403f);
		t = fmaf(t, u, -0.33333277702331543f);
		y = fmaf(t * u, a, a);
	}
	return copysignf(y, x);
}

// Φ(x), the normal distribution, and e^(-x²/2). The lower tail is
// Φ(-z) = e^(-z²/2)·t·P(t), t = 1/(1+0.3·z), z ≥ 0; it is 0 beyond 14.5.
struct Normal {
	float phi, bell;
};

DEVICE Normal normal(float x) {
	float z = fabsf(x);
	z = z > 14.5f ? 14.5f : z;
	float square = z * z;
	float e = exp_f32(-0.5f * square);
	// What z·z lost in rounding matters times z²/2 in e^(-z²/2).
	e = fmaf(e, -0.5f * fmaf(z, z, -square), e);
	float t = 1.0f / fmaf(0.3f, z, 1.0f);
	float p = fmaf(-0.020623552107f, t, 0.112436062817f);
	p = fmaf(p, t, -0.228214651938f);
	p = fmaf(p, t, 0.191785927059f);
	p = fmaf(p, t, -0.079424636796f);
	p = fmaf(p, t, 0.096157438468f);
	p = fmaf(p, t, 0.078389444165f);
	p = fmaf(p, t, 0.110235467658f);
	p = fmaf(p, t, 0.119571808881f);
	p = fmaf(p, t, 0.119686690062f);
	float q = p * t * e;
	Normal n;
	n.phi = x < 0.0f ? q : 1.0f - q;
	n.bell = e;
	return n;
}

// The tanh form of GELU is x·σ(x·(GELU_LINEAR + GELU_CUBIC·x²)): x·(1 + tanh(√(2/π)·(x +
// 0.044715·x³)))/2.
#define GELU_LINEAR 1.5957691216057308f // 2·√(2/π)
#define GELU_CUBIC 0.07135481627260025f // 0.044715 times that

DEVICE float gelu_tanh_slope(float x) {
	float sick = x - x; // NaN if x is infinite, which the bounds hide
	x = x < -30.0f ? -30.0f : x;
	x = x > 30.0f ? 30.0f : x;
	float square = x * x;
	Logistic l = logistic(x * fmaf(GELU_CUBIC, square, GELU_LINEAR));
	return fmaf(x * l.slope, fmaf(3.0f * GELU_CUBIC, square, GELU_LINEAR), l.sigma) + sick;
}

DEVICE float silu_slope(float x) {
	Logistic l = logistic(x);
	return fmaf(x, l.slope, l.sigma);
}

DEVICE float gelu_slope(float x) {
	Normal n = normal(x);
	return fmaf(x, 0.3989422804014327f * n.bell, n.phi); // 1/√(2π)
}

// f(x) for a constant or a number of kernels.Func that all threads share.
DEVICE float unary(u32 f, float x) {
	switch (f) {
	case RELU: return x <= 0.0f ? 0.0f : x; // NaN stays
	case GELU: return x * normal(x).phi;
	case GELU_TANH: return x * logistic(x * fmaf(GELU_CUBIC, x * x, GELU_LINEAR)).sigma;
	case SILU: return x * logistic(x).sigma;
	case TANH: return tanh_f32(x);
	case SIGMOID: return logistic(x).sigma;
	case EXP: return exp_f32(x);
	case LOG: return logf(x);
	case SQRT: return sqrtf(x);
	case SQUARE: return x * x;
	case NEG: return -x;
	}
	return x;
}

// g·f'(x): 0 where ReLU is 0, whatever g is.
DEVICE float unary_backward(u32 f, float g, float x) {
	switch (f) {
	case RELU: return x <= 0.0f ? 0.0f : g;
	case GELU: return g * gelu_slope(x);
	case GELU_TANH: return g * gelu_tanh_slope(x);
	case SILU: return g * silu_slope(x);
	case TANH: return g * (4.0f * logistic(2.0f * x).slope);
	case SIGMOID: return g * logistic(x).slope;
	case EXP: return g * exp_f32(x);
	case LOG: return g / x;
	case SQRT: return g * (0.5f / sqrtf(x));
	case SQUARE: return g * x + g * x; // 2·x may be infinite
	case NEG: return -g;
	}
	return g;
}
