// kernels.Reduce. Numbers are read once, 4 bytes each, and folded in float64, which rounds
// each sum once; the order of a sum depends on the lengths of the folded axes alone.

enum { SUM, MAX };

// What is folded so far, and one more. A NaN stays in a maximum.
template <u32 OP> DEVICE double fold(double a, double b) {
	if (OP == SUM) {
		return a + b;
	}
	return a != a ? a : b != b ? b : fmax(a, b);
}

template <u32 OP> DEVICE double nothing() { return OP == SUM ? 0.0 : __longlong_as_double(0xfff0000000000000); }

// The warp's 32 values folded, in all its threads: distance 16 first, then 8, 4, 2, 1.
template <u32 OP> DEVICE double fold_warp(double v) {
#pragma unroll
	for (u32 d = 16; d > 0; d /= 2) {
		v = fold<OP>(v, __shfl_xor_sync(0xffffffff, v, d));
	}
	return v;
}

#define REDUCE_THREADS 256
#define REDUCE_WARPS (REDUCE_THREADS / 32)

// Axes of x that alternate between kept and folded: two of each at most, sizes and steps,
// the inner one last. One that is not there has size 1.
struct Fold {
	u64 kept[2], kept_step[2];
	u64 folded[2], folded_step[2];
};

// Every THREADS-th of the elements [from, to) of output o, beginning with first.
template <u32 OP, u32 THREADS> DEVICE double fold_stride(const float *x, const Fold &g, u64 o, u32 first, u64 from, u64 to) {
	x += o / g.kept[1] * g.kept_step[0] + o % g.kept[1] * g.kept_step[1];
	double v = nothing<OP>();
	if (g.folded[0] == 1) {
#pragma unroll 4
		for (u64 e = from + first; e < to; e += THREADS) {
			v = fold<OP>(v, x[e * g.folded_step[1]]);
		}
		return v;
	}
	for (u64 e = from + first; e < to; e += THREADS) {
		v = fold<OP>(v, x[e / g.folded[1] * g.folded_step[0] + e % g.folded[1] * g.folded_step[1]]);
	}
	return v;
}

// A warp for each output: for few elements.
KERNEL __launch_bounds__(REDUCE_THREADS) lamina_reduce_few(float *y, const float *x, u64 outputs, u64 each, Fold g, u32 op) {
	u64 o = thread_index() / 32;
	if (o >= outputs) {
		return;
	}
	u32 lane = threadIdx.x % 32;
	double v;
	if (op == SUM) {
		v = fold_warp<SUM>(fold_stride<SUM, 32>(x, g, o, lane, 0, each));
	} else {
		v = fold_warp<MAX>(fold_stride<MAX, 32>(x, g, o, lane, 0, each));
	}
	if (lane == 0) {
		y[o] = (float)v;
	}
}

// A block folds elements [part·length, part·length+length) of output o, block o·parts+part.
template <u32 OP> DEVICE void reduce_part(float *y, double *partial, const float *x, u64 each, u64 length, u32 parts, const Fold &g) {
	__shared__ double warps[REDUCE_WARPS];
	u64 o = blockIdx.x / parts, from = blockIdx.x % parts * length;
	u64 to = from + length < each ? from + length : each;
	double v = fold_warp<OP>(fold_stride<OP, REDUCE_THREADS>(x, g, o, threadIdx.x, from, to));
	if (threadIdx.x % 32 == 0) {
		warps[threadIdx.x / 32] = v;
	}
	__syncthreads();
	if (threadIdx.x > 0) {
		return;
	}
	for (u32 w = 1; w < REDUCE_WARPS; w++) {
		v = fold<OP>(v, warps[w]);
	}
	if (parts == 1) {
		y[o] = (float)v;
	} else {
		partial[blockIdx.x] = v;
	}
}

// A block for each output, or for each of its parts; partial is [outputs parts].
KERNEL __launch_bounds__(REDUCE_THREADS)
lamina_reduce(float *y, double *partial, const float *x, u64 each, u64 length, u32 parts, Fold g, u32 op) {
	if (op == SUM) {
		reduce_part<SUM>(y, partial, x, each, length, parts, g);
	} else {
		reduce_part<MAX>(y, partial, x, each, length, parts, g);
	}
}

// A block folds rows [part·length, part·length+length) of 32 columns of matrix o of x
// [outer rows cols]; thread t those of column t%32 that are t/32 behind a multiple of 8.
template <u32 OP>
DEVICE void reduce_columns(float *y, double *partial, const float *x, u32 rows, u32 cols, u32 length, u32 parts) {
	__shared__ double lanes[REDUCE_WARPS][32];
	u32 wide = (cols + 31) / 32, b = blockIdx.x;
	u32 column = b % wide * 32 + threadIdx.x % 32, lane = threadIdx.x / 32;
	u64 o = b / wide / parts;
	u32 part = b / wide % parts, from = part * length;
	u32 to = rows - from < length ? rows : from + length;
	x += o * rows * cols + column;
	double v = nothing<OP>();
	if (column < cols) {
#pragma unroll 4
		for (u32 r = from + lane; r < to; r += REDUCE_WARPS) {
			v = fold<OP>(v, x[(u64)r * cols]);
		}
	}
	lanes[lane][threadIdx.x % 32] = v;
	__syncthreads();
	if (lane > 0 || column >= cols) {
		return;
	}
	for (u32 w = 1; w < REDUCE_WARPS; w++) {
		v = fold<OP>(v, lanes[w][threadIdx.x]);
	}
	if (parts == 1) {
		y[o * cols + column] = (float)v;
	} else {
		partial[(o * parts + part) * cols + column] = v;
	}
}

// Columns of matrices: the gradient of a bias. partial is [outer parts cols].
KERNEL __launch_bounds__(REDUCE_THREADS)
lamina_reduce_columns(float *y, double *partial, const float *x, u32 rows, u32 cols, u32 length, u32 parts, u32 op) {
	if (op == SUM) {
		reduce_columns<SUM>(y, partial, x, rows, cols, length, parts);
	} else {
		reduce_columns<MAX>(y, partial, x, rows, cols, length, parts);
	}
}

template <u32 OP> DEVICE double fold_parts(const double *partial, u32 cols, u32 parts, u32 lane) {
	double v = nothing<OP>();
	for (u32 p = lane; p < parts; p += 32) {
		v = fold<OP>(v, partial[(u64)p * cols]);
	}
	return fold_warp<OP>(v);
}

// y = the parts of each output together, partial being [outer parts cols]; a warp for each
// of outer·cols outputs.
KERNEL __launch_bounds__(REDUCE_THREADS) lamina_reduce_parts(float *y, const double *partial, u64 outputs, u32 cols, u32 parts, u32 op) {
	u64 o = thread_index() / 32;
	if (o >= outputs) {
		return;
	}
	u32 lane = threadIdx.x % 32;
	partial += o / cols * parts * cols + o % cols;
	double v = op == SUM ? fold_parts<SUM>(partial, cols, parts, lane) : fold_parts<MAX>(partial, cols, parts, lane);
	if (lane == 0) {
		y[o] = (float)v;
	}
}
