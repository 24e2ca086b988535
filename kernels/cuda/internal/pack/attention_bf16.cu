// with attention mma
//
// Attention forward as in attention.cu, with products of BF16 numbers on tensor cores: q, k,
// v and the exponentials are rounded to BF16; scores, maxima, sums and results are F32. A
// block has 64 stacked rows of queries. Shared memory: 64 rows each of queries, keys and
// values; 52 KB at width 128.

extern __shared__ uint4 shared[];

// State of a thread's two rows.
template <u32 D> struct Rows {
	float top[2], sum[2], slope[2]; // largest score and sum so far
	u32 sees[2];                    // keys, from position 0
	float o[D / 8][4];
	u32 most; // keys that the warp's last row sees; 0 if it has no rows
};

template <u32 D> DEVICE void begin(Rows<D> &rows, const Heads &h, const QueryRows &q, u32 prefix, u32 g) {
	u32 last = q.all - 1, from = q.from + threadIdx.x / 32 * 16;
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		u32 at = min(q.from + mma_row(i), last), t = at / q.group;
		rows.sees[i] = prefix + t + 1;
		rows.slope[i] = h.slope(g * q.group + at - t * q.group);
		rows.top[i] = MINUS_INFINITY;
		rows.sum[i] = 0.0f;
	}
	clear(rows.o);
	rows.most = from <= last ? prefix + min(from + 15, last) / q.group + 1 : 0;
}

// Turns products with the keys from k0 on into exponentials, of the rows' maxima so far.
template <u32 D> DEVICE void softmax(Rows<D> &rows, float (&s)[OTHER / 8][4], const Heads &h, u32 k0) {
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		i32 sees = (i32)(rows.sees[i] - k0);
		float top = rows.top[i], sum = 0.0f;
#pragma unroll
		for (u32 e = 0; e < OTHER / 4; e++) {
			i32 key = mma_column(e / 2, e % 2);
			float &x = s[e / 2][2 * i + e % 2];
			x = h.value(x, rows.slope[i], key + 1 - sees);
			if (key < sees) {
				top = fmaxf(top, x);
			}
		}
		top = quad_max(top);
		float shift = top == MINUS_INFINITY ? 0.0f : top;
		float shrink = exp_down(h.scale * (rows.top[i] - shift));
#pragma unroll
		for (u32 e = 0; e < OTHER / 4; e++) {
			float &x = s[e / 2][2 * i + e % 2];
			x = (i32)mma_column(e / 2, e % 2) < sees ? exp_down(h.scale * (x - shift)) : 0.0f;
			sum += x;
		}
		rows.sum[i] = fmaf(rows.sum[i], shrink, quad_sum(sum));
		rows.top[i] = top;
#pragma unroll
		for (u32 n = 0; n < D / 8; n++) {
			rows.o[n][2 * i] *= shrink;
			rows.o[n][2 * i + 1] *= shrink;
		}
	}
}

template <u32 D>
DEVICE void attend(float *out, const float *q, const float *k, const float *v, const Heads &h, u32 n, const Segments &s) {
	bf16 *own = (bf16 *)shared, *tile_k = own + MMA_ROWS * (D + 8), *tile_v = tile_k + OTHER * (D + 8);
	const Segment &seg = s.at[segment_of(s, n, blockIdx.x)];
	u32 g = blockIdx.y;
	QueryRows queries = query_rows(q, seg, h, g), results = query_rows(out, seg, h, g);
	KeyRows keys = key_rows(k, seg.prefix_k, seg, h, g), values = key_rows(v, seg.prefix_v, seg, h, g);
	// The last rows, which see the most keys, come first.
	u32 tiles = (queries.all + MMA_ROWS - 1) / MMA_ROWS;
	queries.from = results.from = (tiles - 1 - (blockIdx.x - seg.tile)) * MMA_ROWS;
	load_rounded<D, MMA_ROWS>(own, queries, h.width);
	Rows<D> rows;
	begin<D>(rows, h, queries, seg.prefix, g);
	u32 least = seg.prefix + queries.from / queries.group + 1; // keys that the block's first row sees
	u32 all = seg.prefix + min(queries.from + MMA_ROWS - 1, queries.all - 1) / queries.group + 1;
	for (u32 k0 = 0; k0 < all; k0 += OTHER) {
		keys.from = values.from = k0;
		__syncthreads();
		load_rounded<D, OTHER>(tile_k, keys, h.width);
		bool sick = __syncthreads_or(load_rounded<D, OTHER>(tile_v, values, h.width));
		// Zero times a sick value would reach the rows that do not see it.
		bool healed = sick && k0 + OTHER > least;
		if (healed) {
			heal<D, OTHER>(tile_v);
			__syncthreads();
		}
		if (k0 >= rows.most) {
			continue;
		}
		float p[OTHER / 8][4];
		products<D, OTHER>(p, own, tile_k);
		softmax<D>(rows, p, h, k0);
		add_product<D, OTHER>(rows.o, p, tile_v);
		if (healed) {
			add_sick<D, OTHER>(rows.o, values, keys_seen<2>(rows.sees, k0), h.width, false);
		}
	}
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		float *y = results(mma_row(i));
		if (y) {
			store_rows<D>(y, rows.o, i, 1.0f / rows.sum[i], h.width);
		}
	}
}

#define ATTENTION_BF16(D, BLOCKS)                                                                                         \
	KERNEL __launch_bounds__(MMA_THREADS, BLOCKS) lamina_attention_bf16_##D(float *out, const float *q, const float *k, \
		const float *v, const float *slopes, u32 heads, u32 kv_heads, u32 width, u32 segments, float scale,            \
		float sign, const __grid_constant__ Segments s) {                                                              \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		attend<D>(out, q, k, v, h, segments, s);                                                                       \
	}

ATTENTION_BF16(16, 3)
ATTENTION_BF16(64, 3)
ATTENTION_BF16(80, 3)
ATTENTION_BF16(96, 3)
ATTENTION_BF16(128, 2)
