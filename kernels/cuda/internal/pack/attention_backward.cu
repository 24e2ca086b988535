// with attention gradient
//
// Gradients of attention without prefixes, in two kernels. The first has a block for each
// tile of stacked queries. It goes through the keys that they see once for what the softmax
// of a row needs, and once more for the gradient of the queries:
//
//	shift = max score;  inverse = 1/Σ e^(scale·(score - shift));  mean = Σ p·dp
//	p = e^(scale·(score - shift))·inverse;  dp = dO·v;  ds = factor·p·(dp - mean)
//	dQ = Σ ds·k
//
// where factor is the call's Scale. It keeps shift, inverse and mean of every row and head
// for the second, which has a block for each tile of keys and key head, and goes through
// the stacked queries that see them:
//
//	dK = Σ ds·q;  dV = Σ p·dO
//
// Both compute scores, p and dp by the same operations in the same order, so that they are
// the same numbers. Shared memory: R·16 rows of two operands, 64 rows of the other side, one
// operand after the other, and a tile of p or ds: 82 KB at width 80, 77 KB at 128.

extern __shared__ float4 shared[];

// Rows of a thread in the first kernel.
template <u32 R> struct Queries {
	Softmax is[R];
	float slope[R];
	u32 sees[R];     // keys
	u32 most, least; // keys of the warp's last and first row; 0 if it has none
};

template <u32 R> DEVICE void begin(Queries<R> &rows, const Heads &h, const QueryRows &q, u32 g) {
	u32 last = q.all - 1;
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		u32 at = min(q.from + threadIdx.x / 16 * R + i, last);
		u32 t = at / q.group;
		rows.sees[i] = t + 1;
		rows.slope[i] = h.slope(g * q.group + at - t * q.group);
		rows.is[i].shift = MINUS_INFINITY;
		rows.is[i].inverse = rows.is[i].mean = rows.is[i].unused = 0.0f;
	}
	u32 from = q.from + threadIdx.x / 32 * 2 * R;
	rows.least = rows.most = 0;
	if (from <= last) {
		rows.least = from / q.group + 1;
		rows.most = min(from + 2 * R - 1, last) / q.group + 1;
	}
}

// Takes maximum, Σ e and Σ e·dp, which stand in shift, inverse and mean, through the keys
// from k0 on.
template <u32 R>
DEVICE void gather(Queries<R> &rows, float (&s)[R][4], const float (&dp)[R][4], const Heads &h, u32 k0) {
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		i32 sees = (i32)(rows.sees[i] - k0);
		float top = rows.is[i].shift, sum = 0.0f, mean = 0.0f;
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			i32 key = threadIdx.x % 16 + 16 * j;
			s[i][j] = h.value(s[i][j], rows.slope[i], key + 1 - sees);
			if (key < sees) {
				top = fmaxf(top, s[i][j]);
			}
		}
		top = row_max(top);
		float shift = top == MINUS_INFINITY ? 0.0f : top;
		float shrink = exp_down(h.scale * (rows.is[i].shift - shift));
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			if ((i32)(threadIdx.x % 16 + 16 * j) < sees) {
				float e = exp_down(h.scale * (s[i][j] - shift));
				sum += e;
				mean = fmaf(e, dp[i][j], mean);
			}
		}
		rows.is[i].inverse = fmaf(rows.is[i].inverse, shrink, row_sum(sum));
		rows.is[i].mean = fmaf(rows.is[i].mean, shrink, row_sum(mean));
		rows.is[i].shift = top;
	}
}

// Makes of sums what they are the sums of, and keeps it, once, for the second kernel.
template <u32 R> DEVICE void settle(Queries<R> &rows, Softmax *kept, const Segment &seg, const QueryRows &q, u32 heads, u32 g) {
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		Softmax &is = rows.is[i];
		is.shift = is.shift == MINUS_INFINITY ? 0.0f : is.shift;
		is.inverse = 1.0f / is.inverse;
		is.mean *= is.inverse;
		u32 at = q.from + threadIdx.x / 16 * R + i;
		if (threadIdx.x % 16 == 0 && blockIdx.z == 0 && at < q.all) {
			u32 t = at / q.group;
			kept[(u64)(seg.start + t) * heads + g * q.group + at - t * q.group] = is;
		}
	}
}

// Writes ds of the rows with the keys from k0 on to p.
template <u32 R>
DEVICE void slopes(float *p, const Queries<R> &rows, const float (&s)[R][4], const float (&dp)[R][4], const Heads &h, float factor, u32 k0) {
	p += threadIdx.x / 16 * R * P_LD + threadIdx.x % 16;
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		i32 sees = (i32)(rows.sees[i] - k0);
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			i32 key = threadIdx.x % 16 + 16 * j;
			float w = probability(rows.is[i], h.value(s[i][j], rows.slope[i], key + 1 - sees), h.scale);
			p[i * P_LD + 16 * j] = key < sees ? factor * (w * (dp[i][j] - rows.is[i].mean)) : 0.0f;
		}
	}
}

template <u32 D, u32 R, bool WIDE>
DEVICE void query_gradient(float *d_q, Softmax *kept, const Operands &x, const Heads &h, float factor, u32 n, const Segments &s) {
	float *own_q = (float *)shared, *own_d = own_q + 16 * R * (D + 4);
	float *other = own_d + 16 * R * (D + 4), *p = other + OTHER * (D + 4);
	const Segment &seg = s.at[segment_of(s, n, blockIdx.x)];
	u32 g = blockIdx.y, chunk = blockIdx.z * D, width = h.width;
	QueryRows q = query_rows(x.q, seg, h, g), d = query_rows(x.d_out, seg, h, g), results = query_rows(d_q, seg, h, g);
	KeyRows k = key_rows(x.k, 0, seg, h, g), v = key_rows(x.v, 0, seg, h, g);
	// The last rows, which see the most keys, come first.
	u32 tiles = (q.all + 16 * R - 1) / (16 * R);
	q.from = d.from = results.from = (tiles - 1 - (blockIdx.x - seg.tile)) * 16 * R;
	if (!WIDE) {
		load_tile<D, 16 * R>(own_q, q, 0, width);
		load_tile<D, 16 * R>(own_d, d, 0, width);
	}
	Queries<R> rows;
	begin<R>(rows, h, q, g);
	u32 all = min(q.from + 16 * R - 1, q.all - 1) / q.group + 1;
	float scores[R][4], dp[R][4], o[R][D / 16];
	clear(o);
#pragma unroll 1
	for (u32 pass = 0; pass < 2; pass++) {
#pragma unroll 1
		for (u32 k0 = 0; k0 < all; k0 += OTHER) {
			bool busy = k0 < rows.most;
			k.from = v.from = k0;
			product<D, R, WIDE>(dp, own_d, other, d, v, width, busy);
			product<D, R, WIDE>(scores, own_q, other, q, k, width, busy);
			if (pass == 0) {
				if (busy) {
					gather<R>(rows, scores, dp, h, k0);
				}
				continue;
			}
			if (busy) {
				slopes<R>(p, rows, scores, dp, h, factor, k0);
			}
			__syncthreads();
			if (WIDE) {
				load_tile<D, OTHER>(other, k, chunk, width);
				__syncthreads();
			}
			if (busy) {
				outer<D, R>(o, p, other, keys_seen<R>(rows.sees, k0), 0, min(rows.most - k0, (u32)OTHER), rows.least >= k0 + OTHER);
			}
		}
		if (pass == 0) {
			settle<R>(rows, kept, seg, q, h.heads, g);
		}
	}
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		float *y = results(threadIdx.x / 16 * R + i);
		if (y) {
			store_row<D>(y, o[i], 1.0f, chunk, width, results.wide);
		}
	}
}

// What a thread of the second kernel knows of its four stacked queries of a tile.
struct Four {
	Softmax is[4];
	float slope[4];
	i32 t[4]; // places in the segment
};

DEVICE void load_four(Four &f, const Softmax *kept, const Segment &seg, const QueryRows &q, const Heads &h, u32 g) {
#pragma unroll
	for (u32 j = 0; j < 4; j++) {
		u32 at = min(q.from + threadIdx.x % 16 + 16 * j, q.all - 1);
		u32 t = at / q.group, head = g * q.group + at - t * q.group;
		f.is[j] = kept[(u64)(seg.start + t) * h.heads + head];
		f.slope[j] = h.slope(head);
		f.t[j] = t;
	}
}

template <u32 R> DEVICE void write_tile(float *p, const float (&x)[R][4]) {
	p += threadIdx.x / 16 * R * P_LD + threadIdx.x % 16;
#pragma unroll
	for (u32 i = 0; i < R; i++) {
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			p[i * P_LD + 16 * j] = x[i][j];
		}
	}
}

template <u32 D, u32 R, bool WIDE>
DEVICE void key_gradients(float *d_k, float *d_v, const Softmax *kept, const Operands &x, const Heads &h, float factor, u32 n, const Segments &s) {
	float *own_k = (float *)shared, *own_v = own_k + 16 * R * (D + 4);
	float *other = own_v + 16 * R * (D + 4), *p = other + OTHER * (D + 4);
	const Segment &seg = s.at[segment_of(s, n, blockIdx.x)];
	u32 g = blockIdx.y, chunk = blockIdx.z * D, width = h.width;
	QueryRows q = query_rows(x.q, seg, h, g), d = query_rows(x.d_out, seg, h, g);
	KeyRows k = key_rows(x.k, 0, seg, h, g), v = key_rows(x.v, 0, seg, h, g);
	k.from = v.from = (blockIdx.x - seg.tile) * 16 * R;
	if (!WIDE) {
		load_tile<D, 16 * R>(own_k, k, 0, width);
		load_tile<D, 16 * R>(own_v, v, 0, width);
	}
	// The thread's first key, and the warp's first and last.
	u32 key = k.from + threadIdx.x / 16 * R, first = k.from + threadIdx.x / 32 * 2 * R;
	u32 last = min(first + 2 * R, seg.len) - 1;
	float dk[R][D / 16], dv[R][D / 16], ds[R][4], w[R][4];
	clear(dk);
	clear(dv);
	for (u32 r0 = k.from * q.group / OTHER * OTHER; r0 < q.all; r0 += OTHER) {
		q.from = d.from = r0;
		bool busy = first < seg.len && first * q.group < r0 + OTHER;
		product<D, R, WIDE>(ds, own_v, other, v, d, width, busy);
		product<D, R, WIDE>(w, own_k, other, k, q, width, busy);
		Range<R> sees;
		if (busy) {
			Four f;
			load_four(f, kept, seg, q, h, g);
#pragma unroll
			for (u32 i = 0; i < R; i++) {
				sees.low[i] = (i32)((key + i) * q.group - r0);
				sees.high[i] = (i32)(q.all - r0);
#pragma unroll
				for (u32 j = 0; j < 4; j++) {
					i32 row = threadIdx.x % 16 + 16 * j;
					bool seen = row >= sees.low[i] && row < sees.high[i];
					float value = h.value(w[i][j], f.slope[j], (i32)(key + i) - f.t[j]);
					float e = probability(f.is[j], value, h.scale);
					ds[i][j] = seen ? factor * (e * (ds[i][j] - f.is[j].mean)) : 0.0f;
					w[i][j] = seen ? e : 0.0f;
				}
			}
			write_tile<R>(p, ds);
		}
		u32 low = first * q.group > r0 ? (first * q.group - r0) & ~3u : 0, high = min(q.all - r0, (u32)OTHER);
		bool whole = last * q.group <= r0 && high == OTHER;
		__syncthreads();
		if (WIDE) {
			load_tile<D, OTHER>(other, q, chunk, width);
			__syncthreads();
		}
		if (busy) {
			outer<D, R>(dk, p, other, sees, low, high, whole);
		}
		__syncthreads();
		load_tile<D, OTHER>(other, d, chunk, width);
		if (busy) {
			write_tile<R>(p, w);
		}
		__syncthreads();
		if (busy) {
			outer<D, R>(dv, p, other, sees, low, high, whole);
		}
	}
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		if (key + i < seg.len) {
			u64 at = (seg.start + key + i) * h.k_stride() + (u64)g * width;
			store_row<D>(d_k + at, dk[i], 1.0f, chunk, width, is_wide(d_k, width));
			store_row<D>(d_v + at, dv[i], 1.0f, chunk, width, is_wide(d_v, width));
		}
	}
}

#define ATTENTION_BACKWARD(D, R, NAME, WIDE)                                                                           \
	KERNEL __launch_bounds__(THREADS, 2) lamina_attention_queries_##NAME(float *d_q, void *kept, const float *d_out,   \
		const float *q, const float *k, const float *v, const float *slopes, u32 heads, u32 kv_heads, u32 width,       \
		u32 segments, float scale, float sign, float factor, const __grid_constant__ Segments s) {                     \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		Operands x = {q, k, v, d_out};                                                                                 \
		query_gradient<D, R, WIDE>(d_q, (Softmax *)kept, x, h, factor, segments, s);                                   \
	}                                                                                                                  \
	KERNEL __launch_bounds__(THREADS, 2) lamina_attention_keys_##NAME(float *d_k, float *d_v, const void *kept,        \
		const float *d_out, const float *q, const float *k, const float *v, const float *slopes, u32 heads,            \
		u32 kv_heads, u32 width, u32 segments, float scale, float sign, float factor,                                  \
		const __grid_constant__ Segments s) {                                                                          \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		Operands x = {q, k, v, d_out};                                                                                 \
		key_gradients<D, R, WIDE>(d_k, d_v, (const Softmax *)kept, x, h, factor, segments, s);                         \
	}

ATTENTION_BACKWARD(16, 4, 16, false)
ATTENTION_BACKWARD(64, 4, 64, false)
ATTENTION_BACKWARD(80, 4, 80, false)
ATTENTION_BACKWARD(96, 2, 96, false)
ATTENTION_BACKWARD(128, 2, 128, false)
ATTENTION_BACKWARD(128, 2, wide, true)
