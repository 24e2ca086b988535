// Attention on tensor cores: what its BF16 kernels share, behind attention.cuh.
//
// A block has 4 warps, and a warp 16 rows of the block's own side. Operands are F32 in memory
// and rounded to BF16, nearest even, on their way to shared memory; products are m16n8k16
// with sums in F32. A thread has two rows of the warp's, lane/4 and lane/4 + 8; of eight
// columns it has 2·(lane mod 4) and the next one:
//
//	c[0], c[1]: the first row's;  c[2], c[3]: the second row's
//
// Rows of a tile are D+8 numbers apart, so that ldmatrix meets no bank twice.

#define MMA_THREADS 128
#define MMA_ROWS 64 // of a block's own side

typedef u16 bf16;

// Two numbers rounded to BF16, low in the lower half.
DEVICE u32 pair_bf16(float low, float high) {
	u32 r;
	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
	return r;
}

DEVICE u32 shared_address(const void *p) { return (u32)__cvta_generic_to_shared(p); }

// Four 8×8 matrices, whose rows stand where lanes 8·i … 8·i+7 say.
DEVICE void load_matrices(u32 (&r)[4], const bf16 *p) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
		: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(p)) : "memory");
}

DEVICE void load_transposed(u32 (&r)[4], const bf16 *p) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
		: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(p)) : "memory");
}

// c += a·b, a [16 16], b [16 8].
DEVICE void multiply_add(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
	asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
		: "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Whether a number is NaN, infinite, or becomes so in BF16.
DEVICE bool is_sick(float x) { return !(fabsf(x) < 3.3961775e38f); }

// Copies N rows of width ≤ D columns to tile, rounded, with 0 behind the last column and row,
// and returns whether the thread met a sick number.
template <u32 D, u32 N, typename Rows> DEVICE bool load_rounded(bf16 *tile, const Rows &rows, u32 width) {
	bool sick = false;
	if (rows.wide) {
#pragma unroll 2
		for (u32 n = 0; n < N * (D / 4); n += MMA_THREADS) { // a multiple of it
			u32 e = n + threadIdx.x, r = e / (D / 4), c = e % (D / 4) * 4;
			const float *x = rows(r);
			float4 v = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
			if (x && c < width) {
				v = *(const float4 *)(x + c);
			}
			sick |= is_sick(v.x) || is_sick(v.y) || is_sick(v.z) || is_sick(v.w);
			*(uint2 *)(tile + r * (D + 8) + c) = make_uint2(pair_bf16(v.x, v.y), pair_bf16(v.z, v.w));
		}
		return sick;
	}
#pragma unroll 1
	for (u32 n = 0; n < N * (D / 2); n += MMA_THREADS) {
		u32 e = n + threadIdx.x, r = e / (D / 2), c = e % (D / 2) * 2;
		const float *x = rows(r);
		float low = x && c < width ? x[c] : 0.0f, high = x && c + 1 < width ? x[c + 1] : 0.0f;
		sick |= is_sick(low) || is_sick(high);
		*(u32 *)(tile + r * (D + 8) + c) = pair_bf16(low, high);
	}
	return sick;
}

// Puts 0 for the sick numbers of a tile.
template <u32 D, u32 N> DEVICE void heal(bf16 *tile) {
#pragma unroll 1
	for (u32 e = threadIdx.x; e < N * D; e += MMA_THREADS) {
		bf16 *x = tile + e / D * (D + 8) + e % D;
		if ((*x & 0x7f80) == 0x7f80) {
			*x = 0;
		}
	}
}

// s = the products of the warp's 16 rows in a with N rows in b.
template <u32 D, u32 N> DEVICE void products(float (&s)[N / 8][4], const bf16 *a, const bf16 *b) {
	u32 lane = threadIdx.x % 32;
	a += (threadIdx.x / 32 * 16 + lane % 16) * (D + 8) + lane / 16 * 8;
	b += (lane / 16 * 8 + lane % 8) * (D + 8) + lane / 8 % 2 * 8;
	clear(s);
#pragma unroll
	for (u32 c = 0; c < D; c += 16) {
		u32 x[4];
		load_matrices(x, a + c);
#pragma unroll
		for (u32 n = 0; n < N / 16; n++) {
			u32 y[4];
			load_matrices(y, b + n * 16 * (D + 8) + c);
			multiply_add(s[2 * n], x, y[0], y[1]);
			multiply_add(s[2 * n + 1], x, y[2], y[3]);
		}
	}
}

// o += p·b, p [16 N] of the warp as products has it, rounded; b [N D].
template <u32 D, u32 N> DEVICE void add_product(float (&o)[D / 8][4], const float (&p)[N / 8][4], const bf16 *b) {
	u32 lane = threadIdx.x % 32;
	b += lane % 16 * (D + 8) + lane / 16 * 8;
#pragma unroll
	for (u32 k = 0; k < N / 16; k++) {
		const float(&low)[4] = p[2 * k], (&high)[4] = p[2 * k + 1];
		u32 x[4] = {pair_bf16(low[0], low[1]), pair_bf16(low[2], low[3]), pair_bf16(high[0], high[1]), pair_bf16(high[2], high[3])};
#pragma unroll
		for (u32 n = 0; n < D / 16; n++) {
			u32 y[4];
			load_transposed(y, b + k * 16 * (D + 8) + n * 16);
			multiply_add(o[2 * n], x, y[0], y[1]);
			multiply_add(o[2 * n + 1], x, y[2], y[3]);
		}
	}
}

// The thread's own row i, 0 or 1, of the block's, and its column n of eight in a tile.
DEVICE u32 mma_row(u32 i) { return threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4 + 8 * i; }
DEVICE u32 mma_column(u32 block, u32 n) { return block * 8 + threadIdx.x % 4 * 2 + n; }

// Adds to o what healed numbers of the other side's N rows give to the thread's rows that see
// them, seen being Range's: the number itself, whose weight is not 0, or NaN where the weight
// may have either sign.
template <u32 D, u32 N, typename Rows>
DEVICE void add_sick(float (&o)[D / 8][4], const Rows &rows, const Range<2> &sees, u32 width, bool nan) {
#pragma unroll 1
	for (u32 j = 0; j < N; j++) {
		const float *x = rows(j);
#pragma unroll
		for (u32 e = 0; e < D / 4; e++) {
			u32 c = mma_column(e / 2, e % 2);
			if (x && c < width && is_sick(x[c])) {
				float v = nan ? __int_as_float(0x7fffffff) : x[c] * 2.0f;
#pragma unroll
				for (u32 i = 0; i < 2; i++) {
					if ((i32)j >= sees.low[i] && (i32)j < sees.high[i]) {
						o[e / 2][2 * i + e % 2] += v;
					}
				}
			}
		}
	}
}

// The largest, and the sum, over the 4 threads that share their rows.
DEVICE float quad_max(float x) {
	x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
	return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
}

DEVICE float quad_sum(float x) {
	x += __shfl_xor_sync(ALL_LANES, x, 2);
	return x + __shfl_xor_sync(ALL_LANES, x, 1);
}

// Writes factor·o of the thread's own row i to y.
template <u32 D> DEVICE void store_rows(float *y, const float (&o)[D / 8][4], u32 i, float factor, u32 width) {
#pragma unroll
	for (u32 e = 0; e < D / 4; e++) {
		u32 c = mma_column(e / 2, e % 2);
		if (c < width) {
			y[c] = o[e / 2][2 * i + e % 2] * factor;
		}
	}
}
