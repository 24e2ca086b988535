// with attention
//
// Attention forward, as FlashAttention orders it (Dao et al., 2022): a block has 64 stacked
// rows of queries and goes through the keys that its last row sees, 64 at a time:
//
//	scores = q·kᵀ;  m = max so far;  p = e^(scale·(score - m))
//	sum = sum·shrink + Σ p;  o = o·shrink + p·v;  shrink = e^(scale·(m before - m))
//
// A row that sees nothing of a tile keeps all it has: its maximum stays, shrink is 1.
// Shared memory: 64 rows of queries, 64 of keys and then of values, 64·68 probabilities;
// 85 KB at width 128, two blocks a multiprocessor.

// y = v[0:n]: numbers that come as parameters, so that nothing is uploaded.
struct Numbers {
	float at[256];
};

KERNEL __launch_bounds__(256) lamina_attention_slopes(float *y, u32 n, const __grid_constant__ Numbers v) {
	if (threadIdx.x < n) {
		y[threadIdx.x] = v.at[threadIdx.x];
	}
}

extern __shared__ float4 shared[];

#define R 4 // rows of a thread

// State of a thread's rows.
template <u32 D> struct Rows {
	float top[R], sum[R], slope[R]; // largest score and sum so far
	u32 sees[R];                    // keys, from position 0
	float o[R][D / 16];
	u32 most, least; // of the warp's rows: keys of the last and of the first; 0 if it has none
};

// What is known of rows [first, …) of a segment before the first key.
template <u32 D> DEVICE void begin(Rows<D> &rows, const Heads &h, const QueryRows &q, u32 prefix, u32 g) {
	u32 last = q.all - 1;
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		u32 at = min(q.from + threadIdx.x / 16 * R + i, last);
		u32 t = at / q.group;
		rows.sees[i] = prefix + t + 1;
		rows.slope[i] = h.slope(g * q.group + at - t * q.group);
		rows.top[i] = MINUS_INFINITY;
		rows.sum[i] = 0.0f;
	}
	clear(rows.o);
	u32 from = q.from + threadIdx.x / 32 * 2 * R;
	rows.least = rows.most = 0;
	if (from <= last) {
		rows.least = prefix + from / q.group + 1;
		rows.most = prefix + min(from + 2 * R - 1, last) / q.group + 1;
	}
}

// Takes the rows through products s with the keys from k0 on: probabilities go to p.
template <u32 D> DEVICE void softmax(Rows<D> &rows, float (&s)[R][4], float *p, const Heads &h, u32 k0) {
	u32 tx = threadIdx.x % 16;
	p += threadIdx.x / 16 * R * P_LD + tx;
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		i32 sees = (i32)(rows.sees[i] - k0);
		float top = rows.top[i], sum = 0.0f;
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			i32 key = tx + 16 * j;
			s[i][j] = h.value(s[i][j], rows.slope[i], key + 1 - sees);
			if (key < sees) {
				top = fmaxf(top, s[i][j]);
			}
		}
		top = row_max(top);
		float shift = top == MINUS_INFINITY ? 0.0f : top;
		float shrink = exp_down(h.scale * (rows.top[i] - shift));
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			float e = (i32)(tx + 16 * j) < sees ? exp_down(h.scale * (s[i][j] - shift)) : 0.0f;
			sum += e;
			p[i * P_LD + 16 * j] = e;
		}
		rows.sum[i] = fmaf(rows.sum[i], shrink, row_sum(sum));
		rows.top[i] = top;
#pragma unroll
		for (u32 n = 0; n < D / 16; n++) {
			rows.o[i][n] *= shrink;
		}
	}
}

template <u32 D, bool WIDE>
DEVICE void attend(float *out, const float *q, const float *k, const float *v, const Heads &h, u32 n, const Segments &s) {
	float *own = (float *)shared, *other = own + 16 * R * (D + 4), *p = other + OTHER * (D + 4);
	const Segment &seg = s.at[segment_of(s, n, blockIdx.x)];
	u32 g = blockIdx.y, chunk = blockIdx.z * D, width = h.width;
	QueryRows queries = query_rows(q, seg, h, g), results = query_rows(out, seg, h, g);
	KeyRows keys = key_rows(k, seg.prefix_k, seg, h, g), values = key_rows(v, seg.prefix_v, seg, h, g);
	// The last rows, which see the most keys, come first.
	u32 tiles = (queries.all + 16 * R - 1) / (16 * R);
	queries.from = results.from = (tiles - 1 - (blockIdx.x - seg.tile)) * 16 * R;
	if (!WIDE) {
		load_tile<D, 16 * R>(own, queries, 0, width);
	}
	Rows<D> rows;
	begin<D>(rows, h, queries, seg.prefix, g);
	u32 all = seg.prefix + min(queries.from + 16 * R - 1, queries.all - 1) / queries.group + 1;
	for (u32 k0 = 0; k0 < all; k0 += OTHER) {
		bool busy = k0 < rows.most;
		keys.from = values.from = k0;
		float scores[R][4];
		product<D, R, WIDE>(scores, own, other, queries, keys, width, busy);
		__syncthreads();
		load_tile<D, OTHER>(other, values, chunk, width);
		if (busy) {
			softmax<D>(rows, scores, p, h, k0);
		}
		__syncthreads();
		if (busy) {
			outer<D, R>(rows.o, p, other, keys_seen<R>(rows.sees, k0), 0, min(rows.most - k0, (u32)OTHER), rows.least >= k0 + OTHER);
		}
	}
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		float *y = results(threadIdx.x / 16 * R + i);
		if (y) {
			store_row<D>(y, rows.o[i], 1.0f / rows.sum[i], chunk, width, results.wide);
		}
	}
}

#define ATTENTION(NAME, D, WIDE)                                                                                       \
	KERNEL __launch_bounds__(THREADS, 2) NAME(float *out, const float *q, const float *k, const float *v,              \
		const float *slopes, u32 heads, u32 kv_heads, u32 width, u32 segments, float scale, float sign,                \
		const __grid_constant__ Segments s) {                                                                          \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		attend<D, WIDE>(out, q, k, v, h, segments, s);                                                                 \
	}

ATTENTION(lamina_attention_16, 16, false)
ATTENTION(lamina_attention_64, 64, false)
ATTENTION(lamina_attention_80, 80, false)
ATTENTION(lamina_attention_96, 96, false)
ATTENTION(lamina_attention_128, 128, false)
ATTENTION(lamina_attention_wide, 128, true)
