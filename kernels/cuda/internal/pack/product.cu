// Matrix products where no library does them, in F32:
//
//	D = (op(A)·op(B) + C) + Bias
//
// op(A) [m k] is stored [m k], or [k m] with trans_a; op(B) [k n] is stored [k n], or
// [n k] with trans_b; C and D are [m n], and may be one; rows of each lie lda, ldb, ldc
// elements apart. Every element is one sum in the order of k, whatever the shape.

// A block makes SIDE x SIDE of C with THREADS threads, a thread 4 x 4 of it, DEPTH inner
// indices at a time. PAD keeps the columns of a tile apart in the banks.
enum { SIDE = 64, DEPTH = 16, PAD = 4, THREADS = 256, EACH = 4 };

// tile[d][i] = element (first + i, from + d) of an operand of `outer` rows in the sense of
// C and k inner indices, 0 beyond. Stored with the inner index along a row, or, if
// across, along a column.
DEVICE void load_tile(float (*tile)[SIDE + PAD], const float *x, bool across, u32 first, u32 from, u32 outer, u32 k, u32 ld) {
#pragma unroll
	for (u32 step = 0; step < SIDE * DEPTH / THREADS; step++) {
		u32 at = step * THREADS + threadIdx.x;
		u32 i = across ? at % SIDE : at / DEPTH;
		u32 d = across ? at / SIDE : at % DEPTH;
		float v = 0.0f;
		if (first + i < outer && from + d < k) {
			u64 row = across ? from + d : first + i;
			v = x[row * ld + (across ? first + i : from + d)];
		}
		tile[d][i] = v;
	}
}

// Bias and C may be 0. flags: 1 trans_a, 2 trans_b. Blocks go along the columns of D first.
KERNEL __launch_bounds__(THREADS) lamina_product(float *d, const float *a, const float *b, const float *c, const float *bias,
	u32 m, u32 n, u32 k, u32 lda, u32 ldb, u32 ldc, u32 flags) {
	__shared__ __align__(16) float tile_a[DEPTH][SIDE + PAD], tile_b[DEPTH][SIDE + PAD];
	u32 across = (n + SIDE - 1) / SIDE;
	u32 row = blockIdx.x / across * SIDE, column = blockIdx.x % across * SIDE;
	u32 my_row = threadIdx.x / (SIDE / EACH) * EACH, my_column = threadIdx.x % (SIDE / EACH) * EACH;
	float sums[EACH][EACH] = {};
	for (u32 from = 0; from < k; from += DEPTH) {
		load_tile(tile_a, a, flags & 1, row, from, m, k, lda);
		load_tile(tile_b, b, !(flags & 2), column, from, n, k, ldb);
		__syncthreads();
#pragma unroll
		for (u32 l = 0; l < DEPTH; l++) {
			float4 x = *(const float4 *)&tile_a[l][my_row], y = *(const float4 *)&tile_b[l][my_column];
			float left[EACH] = {x.x, x.y, x.z, x.w}, right[EACH] = {y.x, y.y, y.z, y.w};
#pragma unroll
			for (u32 i = 0; i < EACH; i++) {
#pragma unroll
				for (u32 j = 0; j < EACH; j++) {
					sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
				}
			}
		}
		__syncthreads();
	}
#pragma unroll
	for (u32 i = 0; i < EACH; i++) {
#pragma unroll
		for (u32 j = 0; j < EACH; j++) {
			u32 r = row + my_row + i, s = column + my_column + j;
			if (r < m && s < n) {
				u64 at = (u64)r * ldc + s;
				float sum = c ? sums[i][j] + c[at] : sums[i][j];
				d[at] = bias ? sum + bias[s] : sum;
			}
		}
	}
}
