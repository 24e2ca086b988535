// with math blocks weights matvec
// Products of few rows with a weight of a plain type.

MATVEC(lamina_matvec_f32_1, F32, 1, 1, 6)
MATVEC(lamina_matvec_f32_8, F32, 8, 2, 6)
MATVEC(lamina_matvec_f64_1, F64, 1, 1, 6)
MATVEC(lamina_matvec_f64_8, F64, 8, 2, 6)
MATVEC(lamina_matvec_f16_1, F16, 1, 1, 6)
MATVEC(lamina_matvec_f16_8, F16, 8, 2, 6)
MATVEC(lamina_matvec_bf16_1, BF16, 1, 1, 6)
MATVEC(lamina_matvec_bf16_8, BF16, 8, 2, 6)

// The same with W stored [k n]: a block has 32 columns, whose inner indices are dealt out
// to its warps, WARPS apart; a warp's sum goes up them, and the warps' are added in order.
enum { WARPS = 8 };

template <u32 TYPE, u32 ROWS>
DEVICE void matvec_in(const Products &all, const float *a, u32 m, u32 k) {
	__shared__ float parts[WARPS][ROWS][WARP];
	Product p = pick(all);
	u32 lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	u32 groups = (m + ROWS - 1) / ROWS, column = p.first / groups * WARP + lane;
	u32 first = p.first % groups * ROWS, rows = m - first;
	a += (u64)first * k;
	float sums[ROWS] = {};
	if (column < p.n) {
#pragma unroll 4
		for (u32 l = warp; l < k; l += WARPS) {
			float w = plain<TYPE>(p.w, (u64)l * p.n + column);
#pragma unroll
			for (u32 r = 0; r < ROWS; r++) {
				if (r < rows) {
					sums[r] = fmaf(a[(u64)r * k + l], w, sums[r]);
				}
			}
		}
	}
#pragma unroll
	for (u32 r = 0; r < ROWS; r++) {
		parts[warp][r][lane] = sums[r];
	}
	__syncthreads();
	if (warp >= ROWS || warp >= rows || column >= p.n) {
		return;
	}
	float sum = 0.0f;
#pragma unroll
	for (u32 i = 0; i < WARPS; i++) {
		sum += parts[i][warp][lane];
	}
	finish(p, sum, first + warp, column);
}

#define MATVEC_IN(name, type, rows)                                                                       \
	KERNEL __launch_bounds__(WARP *WARPS) name(const Products all, const float *a, u32 m, u32 k) { \
		matvec_in<type, rows>(all, a, m, k);                                                              \
	}

MATVEC_IN(lamina_matvec_in_f32_1, F32, 1)
MATVEC_IN(lamina_matvec_in_f32_8, F32, 8)
MATVEC_IN(lamina_matvec_in_f64_1, F64, 1)
MATVEC_IN(lamina_matvec_in_f64_8, F64, 8)
MATVEC_IN(lamina_matvec_in_f16_1, F16, 1)
MATVEC_IN(lamina_matvec_in_f16_8, F16, 8)
MATVEC_IN(lamina_matvec_in_bf16_1, BF16, 1)
MATVEC_IN(lamina_matvec_in_bf16_8, BF16, 8)
