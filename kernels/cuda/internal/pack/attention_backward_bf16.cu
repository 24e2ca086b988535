// with attention mma gradient
//
// Gradients of attention as in attention_backward.cu, with products of BF16 numbers on tensor
// cores: q, k, v, dO, p and ds are rounded to BF16; scores, dp, what is kept of a row's
// softmax and sums are F32. Shared memory: 64 rows each of a block's own two operands, and of
// the other side's two 64 rows in the first kernel, 32 in the second; 70 KB at width 128.

extern __shared__ uint4 shared[];

// Rows of a thread in the first kernel.
struct Queries {
	Softmax is[2];
	float slope[2];
	u32 sees[2]; // keys
	u32 most;    // keys that the warp's last row sees; 0 if it has no rows
};

DEVICE void begin(Queries &rows, const Heads &h, const QueryRows &q, u32 g) {
	u32 last = q.all - 1, from = q.from + threadIdx.x / 32 * 16;
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		u32 at = min(q.from + mma_row(i), last), t = at / q.group;
		rows.sees[i] = t + 1;
		rows.slope[i] = h.slope(g * q.group + at - t * q.group);
		rows.is[i].shift = MINUS_INFINITY;
		rows.is[i].inverse = rows.is[i].mean = rows.is[i].unused = 0.0f;
	}
	rows.most = from <= last ? min(from + 15, last) / q.group + 1 : 0;
}

// Takes maximum, Σ e and Σ e·dp, which stand in shift, inverse and mean, through the keys
// from k0 on.
template <u32 N>
DEVICE void gather(Queries &rows, float (&s)[N / 8][4], const float (&dp)[N / 8][4], const Heads &h, u32 k0) {
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		i32 sees = (i32)(rows.sees[i] - k0);
		float top = rows.is[i].shift, sum = 0.0f, mean = 0.0f;
#pragma unroll
		for (u32 e = 0; e < N / 4; e++) {
			i32 key = mma_column(e / 2, e % 2);
			float &x = s[e / 2][2 * i + e % 2];
			x = h.value(x, rows.slope[i], key + 1 - sees);
			if (key < sees) {
				top = fmaxf(top, x);
			}
		}
		top = quad_max(top);
		float shift = top == MINUS_INFINITY ? 0.0f : top;
		float shrink = exp_down(h.scale * (rows.is[i].shift - shift));
#pragma unroll
		for (u32 e = 0; e < N / 4; e++) {
			if ((i32)mma_column(e / 2, e % 2) < sees) {
				float w = exp_down(h.scale * (s[e / 2][2 * i + e % 2] - shift));
				sum += w;
				mean = fmaf(w, dp[e / 2][2 * i + e % 2], mean);
			}
		}
		rows.is[i].inverse = fmaf(rows.is[i].inverse, shrink, quad_sum(sum));
		rows.is[i].mean = fmaf(rows.is[i].mean, shrink, quad_sum(mean));
		rows.is[i].shift = top;
	}
}

// Makes of sums what they are the sums of, and keeps it for the second kernel.
DEVICE void settle(Queries &rows, Softmax *kept, const Segment &seg, const QueryRows &q, u32 heads, u32 g) {
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		Softmax &is = rows.is[i];
		is.shift = is.shift == MINUS_INFINITY ? 0.0f : is.shift;
		is.inverse = 1.0f / is.inverse;
		is.mean *= is.inverse;
		u32 at = q.from + mma_row(i), t = at / q.group;
		if (threadIdx.x % 4 == 0 && at < q.all) {
			kept[(u64)(seg.start + t) * heads + g * q.group + at - t * q.group] = is;
		}
	}
}

// Turns products with the keys from k0 on into ds.
template <u32 N>
DEVICE void slopes(float (&s)[N / 8][4], const float (&dp)[N / 8][4], const Queries &rows, const Heads &h, float factor, u32 k0) {
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		i32 sees = (i32)(rows.sees[i] - k0);
#pragma unroll
		for (u32 e = 0; e < N / 4; e++) {
			i32 key = mma_column(e / 2, e % 2);
			float &x = s[e / 2][2 * i + e % 2];
			float w = probability(rows.is[i], h.value(x, rows.slope[i], key + 1 - sees), h.scale);
			x = key < sees ? factor * (w * (dp[e / 2][2 * i + e % 2] - rows.is[i].mean)) : 0.0f;
		}
	}
}

template <u32 D, u32 N>
DEVICE void query_gradient(float *d_q, Softmax *kept, const Operands &x, const Heads &h, float factor, u32 n, const Segments &s) {
	bf16 *own_q = (bf16 *)shared, *own_d = own_q + MMA_ROWS * (D + 8);
	bf16 *tile_k = own_d + MMA_ROWS * (D + 8), *tile_v = tile_k + N * (D + 8);
	const Segment &seg = s.at[segment_of(s, n, blockIdx.x)];
	u32 g = blockIdx.y;
	QueryRows q = query_rows(x.q, seg, h, g), d = query_rows(x.d_out, seg, h, g), results = query_rows(d_q, seg, h, g);
	KeyRows k = key_rows(x.k, 0, seg, h, g), v = key_rows(x.v, 0, seg, h, g);
	// The last rows, which see the most keys, come first.
	u32 tiles = (q.all + MMA_ROWS - 1) / MMA_ROWS;
	q.from = d.from = results.from = (tiles - 1 - (blockIdx.x - seg.tile)) * MMA_ROWS;
	load_rounded<D, MMA_ROWS>(own_q, q, h.width);
	load_rounded<D, MMA_ROWS>(own_d, d, h.width);
	Queries rows;
	begin(rows, h, q, g);
	u32 least = q.from / q.group + 1; // keys that the block's first row sees
	u32 all = min(q.from + MMA_ROWS - 1, q.all - 1) / q.group + 1;
	float o[D / 8][4];
	clear(o);
#pragma unroll 1
	for (u32 pass = 0; pass < 2; pass++) {
#pragma unroll 1
		for (u32 k0 = 0; k0 < all; k0 += N) {
			bool busy = k0 < rows.most;
			k.from = v.from = k0;
			__syncthreads();
			load_rounded<D, N>(tile_v, v, h.width);
			bool sick = __syncthreads_or(load_rounded<D, N>(tile_k, k, h.width));
			float scores[N / 8][4], dp[N / 8][4];
			if (busy) {
				products<D, N>(dp, own_d, tile_v);
				products<D, N>(scores, own_q, tile_k);
			}
			if (pass == 0) {
				if (busy) {
					gather<N>(rows, scores, dp, h, k0);
				}
				continue;
			}
			// Zero times a sick key would reach the rows that do not see it.
			bool healed = sick && k0 + N > least;
			if (healed) {
				__syncthreads();
				heal<D, N>(tile_k);
				__syncthreads();
			}
			if (busy) {
				slopes<N>(scores, dp, rows, h, factor, k0);
				add_product<D, N>(o, scores, tile_k);
				if (healed) {
					add_sick<D, N>(o, k, keys_seen<2>(rows.sees, k0), h.width, true);
				}
			}
		}
		if (pass == 0) {
			settle(rows, kept, seg, q, h.heads, g);
		}
	}
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		float *y = results(mma_row(i));
		if (y) {
			store_rows<D>(y, o, i, 1.0f, h.width);
		}
	}
}

// Turns products of the thread's two keys with the stacked queries from q.from on, in p, and
// of their values with dO, in ds, into p and ds.
template <u32 N>
DEVICE void weigh(float (&p)[N / 8][4], float (&ds)[N / 8][4], const Softmax *kept, const Segment &seg, const QueryRows &q,
	const Heads &h, float factor, u32 g, u32 k0, const Range<2> &sees) {
#pragma unroll
	for (u32 e = 0; e < N / 4; e++) {
		i32 row = mma_column(e / 2, e % 2);
		u32 at = min(q.from + row, q.all - 1), t = at / q.group, head = g * q.group + at - t * q.group;
		Softmax is = kept[(u64)(seg.start + t) * h.heads + head];
		float slope = h.slope(head);
#pragma unroll
		for (u32 i = 0; i < 2; i++) {
			float &w = p[e / 2][2 * i + e % 2], &x = ds[e / 2][2 * i + e % 2];
			bool seen = row >= sees.low[i] && row < sees.high[i];
			w = probability(is, h.value(w, slope, (i32)(k0 + mma_row(i)) - (i32)t), h.scale);
			x = seen ? factor * (w * (x - is.mean)) : 0.0f;
			w = seen ? w : 0.0f;
		}
	}
}

template <u32 D, u32 N>
DEVICE void key_gradients(float *d_k, float *d_v, const Softmax *kept, const Operands &x, const Heads &h, float factor, u32 n, const Segments &s) {
	bf16 *own_k = (bf16 *)shared, *own_v = own_k + MMA_ROWS * (D + 8);
	bf16 *tile_q = own_v + MMA_ROWS * (D + 8), *tile_d = tile_q + N * (D + 8);
	const Segment &seg = s.at[segment_of(s, n, blockIdx.x)];
	u32 g = blockIdx.y;
	QueryRows q = query_rows(x.q, seg, h, g), d = query_rows(x.d_out, seg, h, g);
	KeyRows k = key_rows(x.k, 0, seg, h, g), v = key_rows(x.v, 0, seg, h, g);
	u32 k0 = (blockIdx.x - seg.tile) * MMA_ROWS, first = k0 + threadIdx.x / 32 * 16;
	k.from = v.from = k0;
	load_rounded<D, MMA_ROWS>(own_k, k, h.width);
	load_rounded<D, MMA_ROWS>(own_v, v, h.width);
	float dk[D / 8][4], dv[D / 8][4];
	clear(dk);
	clear(dv);
#pragma unroll 1
	for (u32 r0 = k0 * q.group / N * N; r0 < q.all; r0 += N) {
		q.from = d.from = r0;
		bool busy = first < seg.len && first * q.group < r0 + N;
		__syncthreads();
		bool sick = load_rounded<D, N>(tile_q, q, h.width);
		sick = __syncthreads_or(load_rounded<D, N>(tile_d, d, h.width) || sick);
		float p[N / 8][4], ds[N / 8][4];
		if (busy) {
			products<D, N>(ds, own_v, tile_d);
			products<D, N>(p, own_k, tile_q);
		}
		// Zero times a sick number would reach the keys that its row does not see.
		bool healed = sick && (k0 + MMA_ROWS - 1) * q.group > r0;
		if (healed) {
			__syncthreads();
			heal<D, N>(tile_q);
			heal<D, N>(tile_d);
			__syncthreads();
		}
		if (busy) {
			Range<2> sees;
#pragma unroll
			for (u32 i = 0; i < 2; i++) {
				sees.low[i] = (i32)((k0 + mma_row(i)) * q.group - r0);
				sees.high[i] = (i32)(q.all - r0);
			}
			weigh<N>(p, ds, kept, seg, q, h, factor, g, k0, sees);
			add_product<D, N>(dk, ds, tile_q);
			add_product<D, N>(dv, p, tile_d);
			if (healed) {
				add_sick<D, N>(dk, q, sees, h.width, true);
				add_sick<D, N>(dv, d, sees, h.width, false);
			}
		}
	}
#pragma unroll
	for (u32 i = 0; i < 2; i++) {
		u32 key = k0 + mma_row(i);
		if (key < seg.len) {
			u64 at = (seg.start + key) * h.k_stride() + (u64)g * h.width;
			store_rows<D>(d_k + at, dk, i, 1.0f, h.width);
			store_rows<D>(d_v + at, dv, i, 1.0f, h.width);
		}
	}
}

#define ATTENTION_BACKWARD_BF16(D)                                                                                     \
	KERNEL __launch_bounds__(MMA_THREADS, 2) lamina_attention_bf16_queries_##D(float *d_q, void *kept,                 \
		const float *d_out, const float *q, const float *k, const float *v, const float *slopes, u32 heads,            \
		u32 kv_heads, u32 width, u32 segments, float scale, float sign, float factor,                                  \
		const __grid_constant__ Segments s) {                                                                          \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		Operands x = {q, k, v, d_out};                                                                                 \
		query_gradient<D, OTHER>(d_q, (Softmax *)kept, x, h, factor, segments, s);                                     \
	}                                                                                                                  \
	KERNEL __launch_bounds__(MMA_THREADS, 2) lamina_attention_bf16_keys_##D(float *d_k, float *d_v, const void *kept,  \
		const float *d_out, const float *q, const float *k, const float *v, const float *slopes, u32 heads,            \
		u32 kv_heads, u32 width, u32 segments, float scale, float sign, float factor,                                  \
		const __grid_constant__ Segments s) {                                                                          \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		Operands x = {q, k, v, d_out};                                                                                 \
		key_gradients<D, 32>(d_k, d_v, (const Softmax *)kept, x, h, factor, segments, s);                              \
	}

ATTENTION_BACKWARD_BF16(16)
ATTENTION_BACKWARD_BF16(64)
ATTENTION_BACKWARD_BF16(80)
ATTENTION_BACKWARD_BF16(96)
ATTENTION_BACKWARD_BF16(128)
