// with rows
// What a similarity of layers is made of: states pooled to one vector a sample, and centred
// Gram matrices of those. Sums are float64, in the order and with the roundings of package
// measure on the host (a product is rounded before it is added), so that the same states give
// the same bits there and here.

// norms[t] = Σ x[t]², one block a token.
KERNEL __launch_bounds__(1024) lamina_token_norms(double *norms, const float *x, u32 d) {
	x += (u64)blockIdx.x * d;
	bool wide = is_wide(x);
	double sum = 0;
	for (u32 i = 4 * threadIdx.x; i < d; i += 4 * blockDim.x) {
		Quad q = read_quad(x, i, d, wide, 0);
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			sum = fma((double)q.v[k], (double)q.v[k], sum);
		}
	}
	sum = block_sum(sum);
	if (threadIdx.x == 0) {
		norms[blockIdx.x] = sum;
	}
}

// A sample's tokens.
struct Run {
	u32 start, count;
};

// out[s] = the largest of the norms of a sample's tokens, and their sum. One warp a sample.
KERNEL __launch_bounds__(32) lamina_sample_norms(double *out, const double *norms, const Run *runs) {
	Run run = runs[blockIdx.x];
	norms += run.start;
	double most = 0, sum = 0;
	for (u32 t = threadIdx.x; t < run.count; t += 32) {
		most = fmax(most, norms[t]);
		sum += norms[t];
	}
#pragma unroll
	for (u32 m = 16; m > 0; m /= 2) {
		most = fmax(most, __shfl_xor_sync(0xffffffffu, most, m));
		sum += __shfl_xor_sync(0xffffffffu, sum, m);
	}
	if (threadIdx.x == 0) {
		out[2 * blockIdx.x] = most;
		out[2 * blockIdx.x + 1] = sum;
	}
}

// The numbers of kernels.Pooling.
enum { POOL_MEAN, POOL_POSITIONS, POOL_LAST, POOL_MAX, POOL_MIN };

// Feature col of a token, divided by the token's root mean square where norms are given; a
// token of zeros stays one.
DEVICE float token_value(const float *x, const double *norms, u32 t, u32 col, u32 d) {
	float v = x[(u64)t * d + col];
	if (norms == 0) {
		return v;
	}
	double rms = sqrt(norms[t] / d);
	return rms == 0 ? 0 : (float)((double)v / rms);
}

// y[s] = one vector of a sample's tokens [N d] from the skip-th on: a mean, weighted by 1 or by
// 1, 2, …, the last one, or the largest or smallest of each feature, where NaN wins. Blocks
// (s, c) of 128 features, one a thread, that goes through the tokens in order.
KERNEL __launch_bounds__(128) lamina_pool(float *y, const float *x, const double *norms, const Run *runs, u32 d, u32 kind, u32 skip) {
	u32 col = blockIdx.y * 128 + threadIdx.x;
	if (col >= d) {
		return;
	}
	Run run = runs[blockIdx.x];
	u32 first = run.start + skip, last = run.start + run.count;
	double sum = 0, total = 0;
	float best = token_value(x, norms, kind == POOL_LAST ? last - 1 : first, col, d);
	for (u32 t = first; t < last && kind != POOL_LAST; t++) {
		float v = token_value(x, norms, t, col, d);
		if (kind == POOL_MEAN || kind == POOL_POSITIONS) {
			double weight = kind == POOL_MEAN ? 1.0 : (double)(t - first + 1);
			total += weight;
			sum = __dadd_rn(sum, __dmul_rn(weight, (double)v));
		} else if (v != v || best != best) {
			best = __int_as_float(0x7fffffff);
		} else {
			best = kind == POOL_MAX ? fmaxf(best, v) : fminf(best, v);
		}
	}
	y[(u64)blockIdx.x * d + col] = kind == POOL_MEAN || kind == POOL_POSITIONS ? (float)(sum / total) : best;
}

// means[j] = Σ_i x[i,j]/n, a feature a thread.
KERNEL __launch_bounds__(128) lamina_feature_means(double *means, const float *x, u32 n, u32 d) {
	u32 col = blockIdx.x * 128 + threadIdx.x;
	if (col >= d) {
		return;
	}
	double sum = 0;
#pragma unroll 4
	for (u32 i = 0; i < n; i++) {
		sum += (double)x[(u64)i * d + col];
	}
	means[col] = sum / n;
}

// A block has GRAM_TILE² elements of the matrix, a thread four of them; features come
// GRAM_STEP at a time through shared memory, and are summed up GRAM_RUN at a time before they
// enter the element.
#define GRAM_TILE 32
#define GRAM_STEP 32
#define GRAM_RUN 256

// Fills tile [GRAM_TILE, GRAM_STEP] with centred features of the samples from row on; zeros
// beyond the last sample and feature.
DEVICE void gram_load(double (*tile)[GRAM_STEP + 1], const float *x, const double *means, u32 row, u32 col, u32 n, u32 d) {
	for (u32 i = threadIdx.x; i < GRAM_TILE * GRAM_STEP; i += 256) {
		u32 r = i / GRAM_STEP, c = i % GRAM_STEP;
		tile[r][c] = row + r < n && col + c < d ? (double)x[(u64)(row + r) * d + col + c] - means[col + c] : 0;
	}
}

// k = X̃·X̃ᵀ [n n], X̃ being x [n d] less the means of its features. Blocks (j, i) with j ≤ i
// have work: the matrix is symmetric.
KERNEL __launch_bounds__(256) lamina_gram(double *k, const float *x, const double *means, u32 n, u32 d) {
	__shared__ double a[GRAM_TILE][GRAM_STEP + 1], b[GRAM_TILE][GRAM_STEP + 1];
	if (blockIdx.x > blockIdx.y) {
		return;
	}
	const u32 half = GRAM_TILE / 2;
	u32 row = blockIdx.y * GRAM_TILE, col = blockIdx.x * GRAM_TILE, ty = threadIdx.x / half, tx = threadIdx.x % half;
	double all[2][2] = {}, run[2][2] = {};
	for (u32 from = 0; from < d; from += GRAM_STEP) {
		__syncthreads();
		gram_load(a, x, means, row, from, n, d);
		gram_load(b, x, means, col, from, n, d);
		__syncthreads();
#pragma unroll 8
		for (u32 t = 0; t < GRAM_STEP; t++) {
#pragma unroll
			for (u32 e = 0; e < 4; e++) {
				u32 p = e / 2, q = e % 2;
				run[p][q] = __dadd_rn(run[p][q], __dmul_rn(a[ty + p * half][t], b[tx + q * half][t]));
			}
		}
		if ((from + GRAM_STEP) % GRAM_RUN == 0 || from + GRAM_STEP >= d) {
#pragma unroll
			for (u32 e = 0; e < 4; e++) {
				all[e / 2][e % 2] = __dadd_rn(all[e / 2][e % 2], run[e / 2][e % 2]);
				run[e / 2][e % 2] = 0;
			}
		}
	}
#pragma unroll
	for (u32 e = 0; e < 4; e++) {
		u32 i = row + ty + e / 2 * half, j = col + tx + e % 2 * half;
		if (i < n && j <= i) { // of a tile on the diagonal the lower half
			k[(u64)i * n + j] = all[e / 2][e % 2];
			k[(u64)j * n + i] = all[e / 2][e % 2];
		}
	}
}
