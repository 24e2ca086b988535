// Matrix products in BF16 where no library does them, on tensor cores (mma.sync m16n8k16):
//
//	D = (op(A)·op(B) + C) + Bias
//
// A and B are BF16, stored as those of lamina_product; D, C, Bias and the sums are F32.
// Every element is one sum that goes up k, DEPTH at a time, whatever the shape.

// A block makes SIDE x SIDE of D; each of its warps, two by two, HALF x HALF of it, in tiles
// of 16 x 8. Rows of a tile in shared memory are DEPTH + PAD numbers apart, which keeps the
// pairs that a warp reads at once in banks of their own.
enum { SIDE = 64, HALF = 32, DEPTH = 32, PAD = 8, THREADS = 128 };

// tile[i][l] = element (first + i, from + l) of an operand of `outer` rows in the sense of D
// and k inner indices, 0 beyond. Stored with the inner index along a row, or, if across,
// along a column.
DEVICE void load_tile(u16 (*tile)[DEPTH + PAD], const u16 *x, bool across, u32 first, u32 from, u32 outer, u32 k, u32 ld) {
#pragma unroll 8
	for (u32 step = 0; step < SIDE * DEPTH / THREADS; step++) {
		u32 at = step * THREADS + threadIdx.x;
		u32 i = across ? at % SIDE : at / DEPTH, l = across ? at / SIDE : at % DEPTH;
		u16 v = 0;
		if (first + i < outer && from + l < k) {
			u64 row = across ? from + l : first + i;
			v = x[row * ld + (across ? first + i : from + l)];
		}
		tile[i][l] = v;
	}
}

// Two neighbours of a row.
DEVICE u32 pair(const u16 (*tile)[DEPTH + PAD], u32 i, u32 l) { return *reinterpret_cast<const u32 *>(&tile[i][l]); }

// d += a·b, with the fragments of a 16 x 16 tile a, by rows, and a 16 x 8 tile b, by columns.
DEVICE void multiply(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
	asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Bias and C may be 0. flags: 1 trans_a, 2 trans_b. Blocks go along the columns of D first.
KERNEL __launch_bounds__(THREADS) lamina_product_bf16(float *d, const u16 *a, const u16 *b, const float *c, const float *bias,
	u32 m, u32 n, u32 k, u32 lda, u32 ldb, u32 ldc, u32 flags) {
	__shared__ __align__(16) u16 tile_a[SIDE][DEPTH + PAD], tile_b[SIDE][DEPTH + PAD];
	u32 across = (n + SIDE - 1) / SIDE;
	u32 row = blockIdx.x / across * SIDE, column = blockIdx.x % across * SIDE;
	u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, member = lane % 4;
	u32 my_row = warp / 2 * HALF, my_column = warp % 2 * HALF;
	float sums[HALF / 16][HALF / 8][4] = {};
	for (u32 from = 0; from < k; from += DEPTH) {
		load_tile(tile_a, a, flags & 1, row, from, m, k, lda);
		load_tile(tile_b, b, !(flags & 2), column, from, n, k, ldb);
		__syncthreads();
#pragma unroll
		for (u32 l = 2 * member; l < DEPTH; l += 16) {
			u32 right[HALF / 8][2];
#pragma unroll
			for (u32 j = 0; j < HALF / 8; j++) {
				u32 i = my_column + 8 * j + group;
				right[j][0] = pair(tile_b, i, l), right[j][1] = pair(tile_b, i, l + 8);
			}
#pragma unroll
			for (u32 i = 0; i < HALF / 16; i++) {
				u32 r = my_row + 16 * i + group;
				u32 left[4] = {pair(tile_a, r, l), pair(tile_a, r + 8, l), pair(tile_a, r, l + 8), pair(tile_a, r + 8, l + 8)};
#pragma unroll
				for (u32 j = 0; j < HALF / 8; j++) {
					multiply(sums[i][j], left, right[j]);
				}
			}
		}
		__syncthreads();
	}
#pragma unroll
	for (u32 e = 0; e < HALF / 16 * HALF / 8 * 4; e++) {
		u32 i = e / (HALF / 8 * 4), j = e / 4 % (HALF / 8), q = e % 4;
		u32 r = row + my_row + 16 * i + group + q / 2 * 8, s = column + my_column + 8 * j + 2 * member + q % 2;
		if (r < m && s < n) {
			u64 at = (u64)r * ldc + s;
			float sum = c ? sums[i][j][q] + c[at] : sums[i][j][q];
			d[at] = bias ? sum + bias[s] : sum;
		}
	}
}
