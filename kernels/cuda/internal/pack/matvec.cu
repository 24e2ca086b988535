// with math blocks weights matvec
// Products of few rows with a weight of a plain type.

MATVEC(lamina_matvec_f32_1, F32, 1, 1)
MATVEC(lamina_matvec_f32_4, F32, 4, 4)
MATVEC(lamina_matvec_f64_1, F64, 1, 1)
MATVEC(lamina_matvec_f64_4, F64, 4, 4)
MATVEC(lamina_matvec_f16_1, F16, 1, 1)
MATVEC(lamina_matvec_f16_4, F16, 4, 4)
MATVEC(lamina_matvec_bf16_1, BF16, 1, 1)
MATVEC(lamina_matvec_bf16_4, BF16, 4, 4)

// The same with W stored [k n]: a block has 32 columns, whose inner indices are dealt out
// to its warps, WARPS apart; a warp's sum goes up them, and the warps' are added in order.
enum { WARPS = 8 };

template <u32 TYPE, u32 ROWS>
DEVICE void matvec_in(float *c, const float *a, const u8 *b, const float *bias, const float *residual, u32 m, u32 n, u32 k, u32 func) {
	__shared__ float parts[WARPS][ROWS][WARP];
	u32 lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	u32 groups = (m + ROWS - 1) / ROWS, column = blockIdx.x / groups * WARP + lane;
	u32 first = blockIdx.x % groups * ROWS, rows = m - first;
	a += (u64)first * k;
	float sums[ROWS] = {};
	if (column < n) {
#pragma unroll 4
		for (u32 p = warp; p < k; p += WARPS) {
			float w = plain<TYPE>(b, (u64)p * n + column);
#pragma unroll
			for (u32 r = 0; r < ROWS; r++) {
				if (r < rows) {
					sums[r] = fmaf(a[(u64)r * k + p], w, sums[r]);
				}
			}
		}
	}
#pragma unroll
	for (u32 r = 0; r < ROWS; r++) {
		parts[warp][r][lane] = sums[r];
	}
	__syncthreads();
	if (warp >= ROWS || warp >= rows || column >= n) {
		return;
	}
	float sum = 0.0f;
#pragma unroll
	for (u32 i = 0; i < WARPS; i++) {
		sum += parts[i][warp][lane];
	}
	finish(c, sum, bias, residual, (u64)(first + warp) * n + column, column, func);
}

#define MATVEC_IN(name, type, rows)                                                                                           \
	KERNEL __launch_bounds__(WARP *WARPS) name(float *c, const float *a, const u8 *b, const float *bias, const float *residual, \
		u32 m, u32 n, u32 k, u32 func) {                                                                                          \
		matvec_in<type, rows>(c, a, b, bias, residual, m, n, k, func);                                                            \
	}

MATVEC_IN(lamina_matvec_in_f32_1, F32, 1)
MATVEC_IN(lamina_matvec_in_f32_4, F32, 4)
MATVEC_IN(lamina_matvec_in_f64_1, F64, 1)
MATVEC_IN(lamina_matvec_in_f64_4, F64, 4)
MATVEC_IN(lamina_matvec_in_f16_1, F16, 1)
MATVEC_IN(lamina_matvec_in_f16_4, F16, 4)
MATVEC_IN(lamina_matvec_in_bf16_1, BF16, 1)
MATVEC_IN(lamina_matvec_in_bf16_4, BF16, 4)
