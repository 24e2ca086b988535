// with math rows fault
// Softmax, what is built on it, and the place of the largest element: rows [N V], one block
// a row, V up to the size of a vocabulary. A row is read twice at most: once for the largest
// number and the sum of exponentials relative to it, which each thread brings along together,
// and once for the result.

#define INFINITE __int_as_float(0x7f800000)

// e^x - 1 for x ≤ 0, without losing the digits of a small x.
DEVICE float exp_less_one(float x) {
	if (x < -0.34f) {
		return exp_f32(x) - 1.0f;
	}
	float q = fmaf(0.0013813880505040288f, x, 0.008369063027203083f); // the series of exp_f32
	q = fmaf(q, x, 0.041668422520160675f);
	q = fmaf(q, x, 0.166665181517601f);
	q = fmaf(q, x, 0.4999999403953552f);
	return fmaf(q, x * x, x);
}

// log Σ e^x of a row = top + log(sum). As one number a large top would lose the rest.
struct LogSum {
	float top, sum;
};

// The LogSum of a row, to all threads. NaN and +Inf make sum NaN; of nothing but -Inf top
// is -Inf and sum 0.
DEVICE LogSum log_sum(const float *x, u32 n, bool wide) {
	float top = -INFINITE, sum = 0;
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, n, wide, -INFINITE);
		float most = fmaxf(fmaxf(q.v[0], q.v[1]), fmaxf(q.v[2], q.v[3]));
		if (most > top) {
			sum *= exp_f32(top - most);
			top = most;
		}
		float shift = top == -INFINITE ? 0 : top; // e^-Inf is 0, e^(Inf-Inf) is not
		sum += (exp_f32(q.v[0] - shift) + exp_f32(q.v[1] - shift)) + (exp_f32(q.v[2] - shift) + exp_f32(q.v[3] - shift));
	}
	LogSum s;
	s.top = block_max(top);
	if (top < s.top) {
		sum *= exp_f32(top - s.top);
	}
	s.sum = block_sum(sum);
	return s;
}

// y = e^(x-max) / Σ e^(x-max). y may be x.
KERNEL __launch_bounds__(1024) lamina_softmax(float *y, const float *x, u32 n) {
	y += (u64)blockIdx.x * n;
	x += (u64)blockIdx.x * n;
	bool wide = is_wide(x) && is_wide(y);
	LogSum s = log_sum(x, n, wide);
	float scale = 1.0f / s.sum;
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, n, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			q.v[k] = exp_f32(q.v[k] - s.top) * scale;
		}
		write_quad(y, i, n, wide, q);
	}
}

// dX = y·(dY - Σ dY·y). dX may be dY.
KERNEL __launch_bounds__(1024) lamina_softmax_backward(float *dx, const float *dy, const float *y, u32 n) {
	dx += (u64)blockIdx.x * n;
	dy += (u64)blockIdx.x * n;
	y += (u64)blockIdx.x * n;
	bool wide = is_wide(dx) && is_wide(dy) && is_wide(y);
	float sum = 0;
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad g = read_quad(dy, i, n, wide, 0), p = read_quad(y, i, n, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			sum = fmaf(g.v[k], p.v[k], sum);
		}
	}
	sum = block_sum(sum);
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad g = read_quad(dy, i, n, wide, 0), p = read_quad(y, i, n, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			g.v[k] = p.v[k] * (g.v[k] - sum);
		}
		write_quad(dx, i, n, wide, g);
	}
}

// y = x - log Σ e^x, in two steps: see LogSum. y may be x.
KERNEL __launch_bounds__(1024) lamina_log_softmax(float *y, const float *x, u32 n) {
	y += (u64)blockIdx.x * n;
	x += (u64)blockIdx.x * n;
	bool wide = is_wide(x) && is_wide(y);
	LogSum s = log_sum(x, n, wide);
	float rest = logf(s.sum);
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, n, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			q.v[k] = (q.v[k] - s.top) - rest;
		}
		write_quad(y, i, n, wide, q);
	}
}

// dX = dY - e^y·Σ dY. dX may be dY.
KERNEL __launch_bounds__(1024) lamina_log_softmax_backward(float *dx, const float *dy, const float *y, u32 n) {
	dx += (u64)blockIdx.x * n;
	dy += (u64)blockIdx.x * n;
	y += (u64)blockIdx.x * n;
	bool wide = is_wide(dx) && is_wide(dy) && is_wide(y);
	float sum = 0;
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad g = read_quad(dy, i, n, wide, 0);
		sum += (g.v[0] + g.v[1]) + (g.v[2] + g.v[3]);
	}
	sum = block_sum(sum);
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad g = read_quad(dy, i, n, wide, 0), logs = read_quad(y, i, n, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			g.v[k] = fmaf(-exp_f32(logs.v[k]), sum, g.v[k]);
		}
		write_quad(dx, i, n, wide, g);
	}
}

// lse[r] = log Σ_v e^x[r,v], loss[r] = lse[r] - x[r,targets[r]]. Of a target outside [0, v)
// the numbers are NaN, and fault has it.
KERNEL __launch_bounds__(1024) lamina_cross_entropy(float *loss, float *lse, const float *x, const i32 *targets, Fault *fault, u32 v) {
	u64 row = blockIdx.x;
	x += row * v;
	i32 id = targets[row];
	bool bad = !names_row(fault, FAULT_CROSS_ENTROPY, blockIdx.x, id, v, threadIdx.x == 0);
	LogSum s = log_sum(x, v, is_wide(x));
	if (threadIdx.x == 0) {
		float rest = logf(s.sum), none = __int_as_float(0x7fffffff);
		lse[row] = bad ? none : s.top + rest;
		loss[row] = bad ? none : (s.top - x[id]) + rest; // the difference first: see LogSum
	}
}

// The loss, and dx[r,v] = (e^x[r,v]/Σ e^x[r] - [v = targets[r]])·dloss[r]. dx may be x.
KERNEL __launch_bounds__(1024) lamina_cross_entropy_grad(float *loss, float *dx, const float *x, const i32 *targets,
		const float *dloss, Fault *fault, u32 v) {
	u64 row = blockIdx.x;
	dx += row * v;
	x += row * v;
	i32 id = targets[row];
	bool bad = !names_row(fault, FAULT_CROSS_ENTROPY_GRAD, blockIdx.x, id, v, threadIdx.x == 0), wide = is_wide(x) && is_wide(dx);
	float none = __int_as_float(0x7fffffff), target = bad ? none : x[id]; // before it is overwritten
	LogSum s = log_sum(x, v, wide);
	float cost = (s.top - target) + logf(s.sum), g = dloss[row], scale = bad ? none : g / s.sum;
	if (threadIdx.x == 0) {
		loss[row] = cost;
	}
	for (u32 i = 4 * threadIdx.x; i < v; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, v, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			q.v[k] = exp_f32(q.v[k] - s.top) * scale;
			if (i + k == (u32)id) {
				q.v[k] = exp_less_one(-cost) * g; // p - 1 would lose the digits of a p close to 1
			}
		}
		write_quad(dx, i, v, wide, q);
	}
}

// A number and its place; of equal numbers the first is the better, and any is better than
// none, which has the last place of all.
struct Best {
	float top;
	u32 place;
};

// The best of a warp, to all of it.
DEVICE Best warp_best(Best b) {
#pragma unroll
	for (u32 m = 16; m > 0; m /= 2) {
		float top = __shfl_xor_sync(0xffffffffu, b.top, m);
		u32 place = __shfl_xor_sync(0xffffffffu, b.place, m);
		if (top > b.top || (top == b.top && place < b.place)) {
			b.top = top;
			b.place = place;
		}
	}
	return b;
}

// ids[r] = the place of the first largest number of row r; NaN never wins, and a row of NaN
// only gives 0.
KERNEL __launch_bounds__(1024) lamina_arg_max(i32 *ids, const float *x, u32 n) {
	__shared__ float tops[MOST_WARPS];
	__shared__ u32 places[MOST_WARPS];
	x += (u64)blockIdx.x * n;
	bool wide = is_wide(x);
	const u32 nowhere = 0xffffffffu;
	Best best = {-INFINITE, nowhere};
	for (u32 i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, n, wide, __int_as_float(0x7fffffff));
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			if (q.v[k] > best.top || (best.place == nowhere && q.v[k] == q.v[k])) {
				best.top = q.v[k];
				best.place = i + k;
			}
		}
	}
	best = warp_best(best);
	if (threadIdx.x % 32 == 0) {
		tops[threadIdx.x / 32] = best.top;
		places[threadIdx.x / 32] = best.place;
	}
	__syncthreads();
	if (threadIdx.x < 32) {
		bool there = threadIdx.x < blockDim.x / 32;
		best.top = there ? tops[threadIdx.x] : -INFINITE;
		best.place = there ? places[threadIdx.x] : nowhere;
		best = warp_best(best);
		if (threadIdx.x == 0) {
			ids[blockIdx.x] = best.place == nowhere ? 0 : (i32)best.place;
		}
	}
}
