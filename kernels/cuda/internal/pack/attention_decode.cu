// with attention
//
// Attention of one query row a segment. A sequence's keys go in chunks of 128 from position
// 0 on. A block has a chunk and up to 16 of the query heads that read one key head, so that
// keys and values are read from memory once for all of them; it leaves, for each head,
//
//	top = max score;  sum = Σ e^(scale·(score - top));  o = Σ e^(scale·(score - top))·v
//
// and a second kernel joins the chunks in their order. Bits depend on a sequence's own length
// alone. Memory-bound: 8·width bytes a position and key head. For scores 8 threads have a
// key, 16 bytes each at a time; for the sum of values LANES threads have 4 columns each.

#define CHUNK 128
#define HEADS 16 // of a block
#define BATCH 8  // heads whose sums a thread has at once

extern __shared__ float4 shared[];

// Columns [c, c+4) of a row of width columns, 0 behind the last.
DEVICE float4 load4(const float *x, u32 c, u32 width, bool wide) {
	float4 y = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
	if (wide) {
		return c < width ? *(const float4 *)(x + c) : y;
	}
	if (c < width) {
		y.x = x[c];
	}
	if (c + 1 < width) {
		y.y = x[c + 1];
	}
	if (c + 2 < width) {
		y.z = x[c + 2];
	}
	if (c + 3 < width) {
		y.w = x[c + 3];
	}
	return y;
}

// What a block has to do.
struct Work {
	const float *q;  // the block's first head
	KeyRows k, v;    // from the chunk's first key on
	u32 n, heads;    // keys and query heads
	u32 first;       // of the query heads
	u64 slot;        // of its results: chunk·heads + head
	i32 distance;    // of its first key from the query
};

DEVICE Work work_of(const float *q, const float *k, const float *v, const Heads &h, const Segment &seg) {
	Work w;
	u32 g = blockIdx.y, chunk = blockIdx.x - seg.tile, at = chunk * CHUNK;
	w.k = key_rows(k, seg.prefix_k, seg, h, g);
	w.v = key_rows(v, seg.prefix_v, seg, h, g);
	w.k.from = w.v.from = at;
	w.n = min(w.k.all - at, (u32)CHUNK);
	w.first = g * h.group() + blockIdx.z * HEADS;
	w.heads = min(h.group() - blockIdx.z * HEADS, (u32)HEADS);
	w.q = q + seg.start * h.q_stride() + (u64)w.first * h.width;
	w.slot = (u64)blockIdx.x * h.heads + w.first;
	w.distance = (i32)(at - seg.prefix);
	return w;
}

// scores[head][key] = what the head gives to the key, before the scale. N is the width in
// steps of 32 columns, 0 if that is not known to be small: then queries come from memory.
template <u32 N> DEVICE void score(float *scores, const float *queries, const Work &w, const Heads &h) {
	const u32 steps = N ? N : 1;
	u32 lane = threadIdx.x % 8 * 4, width = h.width, chunks = N ? 1 : (width + 31) / 32;
	for (u32 key = threadIdx.x / 8; key < CHUNK; key += THREADS / 8) {
		const float *row = w.k(min(key, w.n - 1));
		float4 k[steps];
		if (N && w.k.wide) {
#pragma unroll
			for (u32 i = 0; i < steps; i++) {
				k[i] = load4(row, lane + 32 * i, width, true);
			}
		} else if (N) {
#pragma unroll
			for (u32 i = 0; i < steps; i++) {
				k[i] = load4(row, lane + 32 * i, width, false);
			}
		}
		for (u32 head = 0; head < w.heads; head++) {
			float sum = 0.0f;
			for (u32 c = 0; c < chunks; c++) {
#pragma unroll
				for (u32 i = 0; i < steps; i++) {
					float4 q;
					if (N) {
						q = *(const float4 *)(queries + head * 32 * N + lane + 32 * i);
					} else {
						k[i] = load4(row, lane + 32 * c, width, w.k.wide);
						q = load4(w.q + (u64)head * width, lane + 32 * c, width, is_wide(w.q, width));
					}
					sum = fmaf(q.x, k[i].x, sum);
					sum = fmaf(q.y, k[i].y, sum);
					sum = fmaf(q.z, k[i].z, sum);
					sum = fmaf(q.w, k[i].w, sum);
				}
			}
#pragma unroll
			for (u32 step = 4; step > 0; step /= 2) {
				sum += __shfl_xor_sync(ALL_LANES, sum, step);
			}
			if (threadIdx.x % 8 == 0) {
				scores[head * CHUNK + key] = h.value(sum, h.slope(w.first + head), w.distance + (i32)key);
			}
		}
	}
}

// Turns scores into exponentials, a warp a head, and writes top and sum.
DEVICE void exponentials(float *scores, float2 *sums, const Work &w, const Heads &h) {
	u32 lane = threadIdx.x % 32;
	for (u32 head = threadIdx.x / 32; head < w.heads; head += THREADS / 32) {
		float *row = scores + head * CHUNK, top = MINUS_INFINITY, sum = 0.0f;
		for (u32 key = lane; key < w.n; key += 32) {
			top = fmaxf(top, row[key]);
		}
#pragma unroll
		for (u32 step = 16; step > 0; step /= 2) {
			top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, step));
		}
		float shift = top == MINUS_INFINITY ? 0.0f : top;
		for (u32 key = lane; key < w.n; key += 32) {
			float e = exp_down(h.scale * (row[key] - shift));
			row[key] = e;
			sum += e;
		}
#pragma unroll
		for (u32 step = 16; step > 0; step /= 2) {
			sum += __shfl_xor_sync(ALL_LANES, sum, step);
		}
		if (lane == 0) {
			sums[w.slot + head] = make_float2(top, sum);
		}
	}
}

// sum[i] += p·v, p = weights[i·CHUNK], for i < n.
DEVICE void add(float4 (&sum)[BATCH], float4 v, const float *weights, u32 n) {
#pragma unroll
	for (u32 i = 0; i < BATCH; i++) {
		if (i < n) {
			float p = weights[i * CHUNK];
			sum[i].x = fmaf(p, v.x, sum[i].x);
			sum[i].y = fmaf(p, v.y, sum[i].y);
			sum[i].z = fmaf(p, v.z, sum[i].z);
			sum[i].w = fmaf(p, v.w, sum[i].w);
		}
	}
}

// o of heads [from, from+n), columns [column, column+4·LANES): every LANES threads go through
// each THREADS/LANES-th key, and their sums, in room, are added in order.
template <u32 LANES>
DEVICE void weigh(float *o, float4 *room, const float *weights, const Work &w, u32 from, u32 n, u32 column, u32 width) {
	const u32 groups = THREADS / LANES;
	u32 c = column + threadIdx.x % LANES * 4;
	float4 sum[BATCH];
#pragma unroll
	for (u32 i = 0; i < BATCH; i++) {
		sum[i] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
	}
	__syncthreads(); // weights are there, and room is free
	weights += from * CHUNK;
	if (w.v.wide) {
#pragma unroll 4
		for (u32 key = threadIdx.x / LANES; key < w.n; key += groups) {
			add(sum, load4(w.v(key), c, width, true), weights + key, n);
		}
	} else {
#pragma unroll 1
		for (u32 key = threadIdx.x / LANES; key < w.n; key += groups) {
			add(sum, load4(w.v(key), c, width, false), weights + key, n);
		}
	}
#pragma unroll
	for (u32 i = 0; i < BATCH; i++) {
		if (i < n) {
			room[i * THREADS + threadIdx.x] = sum[i];
		}
	}
	__syncthreads();
	for (u32 e = threadIdx.x; e < n * 4 * LANES; e += THREADS) {
		u32 head = e / (4 * LANES), at = column + e % (4 * LANES);
		const float *x = (const float *)(room + head * THREADS) + e % (4 * LANES);
		float total = x[0];
		for (u32 i = 1; i < groups; i++) {
			total += x[i * 4 * LANES];
		}
		if (at < width) {
			o[(u64)(from + head) * width + at] = total;
		}
	}
}

// Shared memory: scores [HEADS CHUNK], queries [HEADS 32·N], sums of BATCH heads; less where
// there are fewer heads.
template <u32 N, u32 LANES>
DEVICE void decode(float *o, float2 *sums, const float *q, const float *k, const float *v, const Heads &h, u32 n, const Segments &s) {
	Work w = work_of(q, k, v, h, s.at[segment_of(s, n, blockIdx.x)]);
	u32 most = min(h.group(), (u32)HEADS);
	float *scores = (float *)shared, *queries = scores + most * CHUNK;
	float4 *room = (float4 *)(queries + most * 32 * N);
	if (N) {
		for (u32 e = threadIdx.x; e < w.heads * 32 * N; e += THREADS) {
			u32 head = e / (32 * N), c = e % (32 * N);
			queries[e] = c < h.width ? w.q[(u64)head * h.width + c] : 0.0f;
		}
		__syncthreads();
	}
	score<N>(scores, queries, w, h);
	__syncthreads();
	exponentials(scores, sums, w, h);
	for (u32 from = 0; from < w.heads; from += BATCH) {
		for (u32 column = 0; column < h.width; column += 4 * LANES) {
			weigh<LANES>(o + w.slot * h.width, room, scores, w, from, min(w.heads - from, (u32)BATCH), column, h.width);
		}
	}
}

#define DECODE(NAME, N, LANES)                                                                                         \
	KERNEL __launch_bounds__(THREADS, 3) lamina_attention_decode_##NAME(float *o, void *sums, const float *q,          \
		const float *k, const float *v, const float *slopes, u32 heads, u32 kv_heads, u32 width, u32 segments,         \
		float scale, float sign, const __grid_constant__ Segments s) {                                                 \
		Heads h = {slopes, heads, kv_heads, width, scale, sign};                                                       \
		decode<N, LANES>(o, (float2 *)sums, q, k, v, h, segments, s);                                                  \
	}

DECODE(32, 1, 8)
DECODE(64, 2, 16)
DECODE(96, 3, 32)
DECODE(128, 4, 32)
DECODE(wide, 0, 32)

// Joins the chunks: out[head] = Σ o·f / Σ sum·f, f = e^(scale·(top - max top)). A block has a
// segment (blockIdx.y) and a head.
KERNEL __launch_bounds__(128) lamina_attention_join(float *out, const float *o, const void *sums, u32 heads, u32 width,
	float scale, const __grid_constant__ Segments s) {
	const Segment &seg = s.at[blockIdx.y];
	u32 head = blockIdx.x, chunks = (seg.prefix + seg.len + CHUNK - 1) / CHUNK;
	u64 slot = (u64)seg.tile * heads + head;
	const float2 *is = (const float2 *)sums + slot;
	float top = MINUS_INFINITY, sum = 0.0f;
	for (u32 i = 0; i < chunks; i++) {
		top = fmaxf(top, is[(u64)i * heads].x);
	}
	float shift = top == MINUS_INFINITY ? 0.0f : top;
	for (u32 i = 0; i < chunks; i++) {
		float2 x = is[(u64)i * heads];
		sum = fmaf(x.y, exp_down(scale * (x.x - shift)), sum);
	}
	float inverse = 1.0f / sum;
	for (u32 c = threadIdx.x; c < width; c += blockDim.x) {
		float total = 0.0f;
		for (u32 i = 0; i < chunks; i++) {
			u64 at = slot + (u64)i * heads;
			total = fmaf(o[at * width + c], exp_down(scale * (((const float2 *)sums)[at].x - shift)), total);
		}
		out[((u64)seg.start * heads + head) * width + c] = total * inverse;
	}
}
