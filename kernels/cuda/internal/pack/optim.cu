// with rows
// What a step of an optimiser is made of.

// How many elements one partial sum of a sum of squares covers: a part of the order of sums,
// which nothing but the number of elements decides.
#define SQUARES_RUN 16384

// parts[b] = Σ x² of the b-th run, in float64.
KERNEL __launch_bounds__(256) lamina_squares(double *parts, const float *x, u64 n) {
	u64 from = (u64)blockIdx.x * SQUARES_RUN;
	u32 count = (u32)min(n - from, (u64)SQUARES_RUN);
	x += from;
	bool wide = is_wide(x);
	double sum = 0;
	for (u32 i = 4 * threadIdx.x; i < count; i += 4 * 256) {
		Quad q = read_quad(x, i, count, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			sum = fma((double)q.v[k], (double)q.v[k], sum);
		}
	}
	sum = block_sum(sum);
	if (threadIdx.x == 0) {
		parts[blockIdx.x] = sum;
	}
}

// sum += Σ parts, in an order that their number decides. One block.
KERNEL __launch_bounds__(256) lamina_squares_sum(double *sum, const double *parts, u32 count) {
	double total = 0;
	for (u32 i = threadIdx.x; i < count; i += 256) {
		total += parts[i];
	}
	total = block_sum(total);
	if (threadIdx.x == 0) {
		sum[0] += total;
	}
}

// coef = min(1, maxNorm/(√sum + 1e-6)) in float64, rounded; NaN stays. One thread.
KERNEL __launch_bounds__(32) lamina_clip_coefficient(float *coef, const double *sum, double max_norm) {
	double c = max_norm / (sqrt(sum[0]) + 1e-6);
	coef[0] = (float)(c > 1 ? 1.0 : c);
}

// The constants of a step, as kernels/internal/simd has them.
struct AdamWStep {
	float decay;        // 1 - lr·weightDecay
	float beta2;
	float rest1, rest2; // 1-β1, 1-β2
	float size;         // lr/(1-β1^t)
	float correction;   // 1/√(1-β2^t)
	float eps;
	u32 zero;           // gradients become 0
};

// One step of AdamW, rounded after every operation, as on the host:
//
//	g = coef·grad;  m += rest1·(g - m);  v = beta2·v + (rest2·g)·g
//	w = decay·w - size·m/(√v·correction + eps)
//
// coef is a number on the device, 0 for 1. A thread has four elements.
KERNEL __launch_bounds__(256) lamina_adamw(float *w, float *grad, float *m, float *v, const float *coef, u64 n, AdamWStep s) {
	u64 first = 4 * thread_index();
	if (first >= n) {
		return;
	}
	w += first;
	grad += first;
	m += first;
	v += first;
	u32 count = (u32)min(n - first, (u64)4);
	bool wide = is_wide(w) && is_wide(grad) && is_wide(m) && is_wide(v);
	float scale = coef != 0 ? coef[0] : 1.0f;
	Quad qw = read_quad(w, 0, count, wide, 0), qg = read_quad(grad, 0, count, wide, 0);
	Quad qm = read_quad(m, 0, count, wide, 0), qv = read_quad(v, 0, count, wide, 0);
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		float g = __fmul_rn(scale, qg.v[k]);
		qm.v[k] = __fadd_rn(qm.v[k], __fmul_rn(s.rest1, __fsub_rn(g, qm.v[k])));
		qv.v[k] = __fadd_rn(__fmul_rn(s.beta2, qv.v[k]), __fmul_rn(__fmul_rn(s.rest2, g), g));
		float below = __fadd_rn(__fmul_rn(__fsqrt_rn(qv.v[k]), s.correction), s.eps);
		qw.v[k] = __fsub_rn(__fmul_rn(s.decay, qw.v[k]), __fdiv_rn(__fmul_rn(s.size, qm.v[k]), below));
		qg.v[k] = 0;
	}
	write_quad(w, 0, count, wide, qw);
	write_quad(m, 0, count, wide, qm);
	write_quad(v, 0, count, wide, qv);
	if (s.zero) {
		write_quad(grad, 0, count, wide, qg);
	}
}
