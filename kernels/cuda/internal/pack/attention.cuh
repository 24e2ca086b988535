// What the kernels of attention share: segments, exponentials, and tiles in shared memory.
//
// A segment's query rows are stacked: stacked row r is head r mod group of the stream's row
// r / group, where group = heads / kv_heads query heads read one key head. A block holds
// rows of its own (stacked queries, or keys) in shared memory and goes through the other
// side's rows 64 at a time. Its 256 threads are 16 by 16: thread (ty, tx) has rows ty·R …
// ty·R+R-1 of its own side and rows tx, tx+16, tx+32, tx+48 of the other side, so that a
// warp has 2·R rows of its own, and skips what those do not see.
//
// Key tiles begin at absolute position 0, stacked rows at a segment's first: the order of a
// row's sums depends on its own place in its sequence alone.

#define THREADS 256
#define OTHER 64 // rows of the other side in a tile
#define P_LD 68  // floats between rows of a tile of probabilities
#define SEGMENTS 64
#define ALL_LANES 0xffffffffu
#define MINUS_INFINITY __int_as_float(0xff800000)

// Rows [start, start+len) of the stream, after prefix positions whose keys and values stand
// at prefix_k and prefix_v. tile is the number of its first tile (of its first chunk of
// keys, in decoding) in the launch.
struct Segment {
	const float *prefix_k, *prefix_v;
	u32 start, len, prefix, tile;
};

struct Segments {
	Segment at[SEGMENTS];
};

// The last of n segments whose first tile is not behind tile.
DEVICE u32 segment_of(const Segments &s, u32 n, u32 tile) {
	u32 low = 0, high = n;
	while (high - low > 1) {
		u32 middle = (low + high) / 2;
		if (s.at[middle].tile <= tile) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

// The heads of a call. A score is scale·(sign·q·k + slope·distance): scale is the size of
// the call's Scale, by which the slopes [heads], or null, are divided.
struct Heads {
	const float *slopes;
	u32 heads, kv_heads, width;
	float scale, sign;

	__device__ __forceinline__ u32 group() const { return heads / kv_heads; }
	__device__ __forceinline__ u64 q_stride() const { return (u64)heads * width; }
	__device__ __forceinline__ u64 k_stride() const { return (u64)kv_heads * width; }
	__device__ __forceinline__ float slope(u32 head) const { return slopes ? slopes[head] : 0.0f; }
	// What a product of query and key counts before the scale, distance being 0 or less.
	__device__ __forceinline__ float value(float product, float slope, i32 distance) const {
		return fmaf(slope, (float)distance, sign * product);
	}
};

// e^x for x ≤ 0, within 2 units in the last place; 0 below the normal numbers; NaN stays.
// x = n·ln 2 + r, e^r = 1 + r + r²·q(r), by products and sums that every machine rounds
// alike.
DEVICE float exp_down(float x) {
	const float shift = 12582912.0f; // 1.5·2²³: a sum with it has no fraction
	float t = fmaf(x, 1.4426950216293335f, shift);
	float whole = t - shift;
	float r = fmaf(whole, -0.693359375f, x);
	r = fmaf(whole, 0.00021219444170128554f, r);
	float q = fmaf(0.0013813880505040288f, r, 0.008369063027203083f);
	q = fmaf(q, r, 0.041668422520160675f);
	q = fmaf(q, r, 0.166665181517601f);
	q = fmaf(q, r, 0.4999999403953552f);
	float y = fmaf(q, r * r, r) + 1.0f;
	y *= __int_as_float((__float_as_int(t) - 0x4b400000 + 127) << 23);
	return x < -87.33654f ? 0.0f : y;
}

// The largest, and the sum, over the 16 threads that share their own rows.
DEVICE float row_max(float x) {
#pragma unroll
	for (u32 step = 8; step > 0; step /= 2) {
		x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
	}
	return x;
}

DEVICE float row_sum(float x) {
#pragma unroll
	for (u32 step = 8; step > 0; step /= 2) {
		x += __shfl_xor_sync(ALL_LANES, x, step);
	}
	return x;
}

// Whether rows of width floats that begin at x, at multiples of the width behind it, may be
// read by 16 bytes.
DEVICE bool is_wide(const void *x, u32 width) { return (width & 3) == 0 && ((u64)x & 15) == 0; }

// Where rows of a sequence's keys or values stand, for one key head, by absolute position:
// null behind the last.
struct KeyRows {
	const float *prefix, *own;
	u32 prefix_len, all, from; // from is the position of row 0
	u64 stride;
	bool wide; // every row may be read by 16 bytes

	__device__ __forceinline__ const float *operator()(u32 row) const {
		u32 at = from + row;
		if (at >= all) {
			return 0;
		}
		return at < prefix_len ? prefix + at * stride : own + (at - prefix_len) * stride;
	}
};

// Segment s of keys x, whose prefix stands at prefix, for key head g.
DEVICE KeyRows key_rows(const float *x, const float *prefix, const Segment &s, const Heads &h, u32 g) {
	KeyRows rows;
	rows.stride = h.k_stride();
	rows.prefix = prefix + (u64)g * h.width;
	rows.own = x + s.start * rows.stride + (u64)g * h.width;
	rows.prefix_len = s.prefix;
	rows.all = s.prefix + s.len;
	rows.from = 0;
	rows.wide = is_wide(x, h.width) && is_wide(prefix, h.width);
	return rows;
}

// Where stacked rows of queries, or of what has their shape, stand: null behind the last.
struct QueryRows {
	float *x; // the key head's first row
	u32 group, all, from, width;
	u64 stride;
	bool wide;

	__device__ __forceinline__ float *operator()(u32 row) const {
		u32 at = from + row;
		if (at >= all) {
			return 0;
		}
		u32 t = group == 1 ? at : at / group;
		return x + t * stride + (u64)(at - t * group) * width;
	}
};

DEVICE QueryRows query_rows(const float *x, const Segment &s, const Heads &h, u32 g) {
	QueryRows rows;
	rows.group = h.group();
	rows.width = h.width;
	rows.stride = h.q_stride();
	rows.all = s.len * rows.group;
	rows.from = 0;
	rows.wide = is_wide(x, h.width);
	rows.x = (float *)x + s.start * rows.stride + (u64)g * rows.group * h.width;
	return rows;
}

// Copies columns [chunk, chunk+D) of N rows of width columns to tile, with 0 behind the last
// column and row. The tile's rows are D+4 floats apart: eight threads that read 16 bytes of
// a row each meet in no bank.
template <u32 D, u32 N, typename Rows>
DEVICE void load_tile(float *tile, const Rows &rows, u32 chunk, u32 width) {
	if (rows.wide) {
#pragma unroll 2
		for (u32 n = 0; n < N * (D / 4); n += THREADS) { // a multiple of it
			u32 e = n + threadIdx.x, r = e / (D / 4), c = e % (D / 4) * 4;
			const float *x = rows(r);
			float4 y = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
			if (x && chunk + c < width) {
				y = *(const float4 *)(x + chunk + c);
			}
			*(float4 *)(tile + r * (D + 4) + c) = y;
		}
		return;
	}
#pragma unroll 1
	for (u32 n = 0; n < N * D; n += THREADS) {
		u32 e = n + threadIdx.x, r = e / D, c = e % D;
		const float *x = rows(r);
		tile[r * (D + 4) + c] = x && chunk + c < width ? x[chunk + c] : 0.0f;
	}
}

// s[i][j] += Σ_c a[row i of the thread's own][c]·b[tx + 16·j][c], c rising.
template <u32 D, u32 R>
DEVICE void dots(float (&s)[R][4], const float *a, const float *b) {
	a += threadIdx.x / 16 * R * (D + 4);
	b += threadIdx.x % 16 * (D + 4);
#pragma unroll 1
	for (u32 c = 0; c < D; c += 4) {
		float4 y[4];
#pragma unroll
		for (u32 j = 0; j < 4; j++) {
			y[j] = *(const float4 *)(b + 16 * j * (D + 4) + c);
		}
#pragma unroll
		for (u32 i = 0; i < R; i++) {
			float4 x = *(const float4 *)(a + i * (D + 4) + c);
#pragma unroll
			for (u32 j = 0; j < 4; j++) {
				s[i][j] = fmaf(x.x, y[j].x, s[i][j]);
				s[i][j] = fmaf(x.y, y[j].y, s[i][j]);
				s[i][j] = fmaf(x.z, y[j].z, s[i][j]);
				s[i][j] = fmaf(x.w, y[j].w, s[i][j]);
			}
		}
	}
}

template <u32 R, u32 N> DEVICE void clear(float (&x)[R][N]) {
#pragma unroll
	for (u32 i = 0; i < R; i++) {
#pragma unroll
		for (u32 n = 0; n < N; n++) {
			x[i][n] = 0.0f;
		}
	}
}

// s = the products of the block's own rows, in a, with 64 rows of the other side, which go
// through b. Where the width is beyond D (WIDE), own rows go through a too, D columns at a
// time. Threads that are not busy only load. b is free again after the next barrier.
template <u32 D, u32 R, bool WIDE, typename Own, typename Other>
DEVICE void product(float (&s)[R][4], float *a, float *b, const Own &own, const Other &other, u32 width, bool busy) {
	clear(s);
	u32 chunk = 0;
	do {
		__syncthreads();
		if (WIDE) {
			load_tile<D, 16 * R>(a, own, chunk, width);
		}
		load_tile<D, OTHER>(b, other, chunk, width);
		__syncthreads();
		if (busy) {
			dots<D, R>(s, a, b);
		}
		chunk += D;
	} while (WIDE && chunk < width);
}

// How many neighbouring columns of D a thread has in outer.
template <u32 D> constexpr u32 columns = D % 64 == 0 ? 4 : D % 32 == 0 ? 2 : 1;

// The column of a thread's element n.
template <u32 D> DEVICE u32 column(u32 n) {
	return n / columns<D> * 16 * columns<D> + threadIdx.x % 16 * columns<D> + n % columns<D>;
}

template <u32 D> DEVICE void load_columns(float (&y)[D / 16], const float *row) {
#pragma unroll
	for (u32 n = 0; n < D / 16; n += columns<D>) {
		const float *x = row + column<D>(n);
		if constexpr (columns<D> == 4) {
			float4 v = *(const float4 *)x;
			y[n] = v.x, y[n + 1] = v.y, y[n + 2] = v.z, y[n + 3] = v.w;
		} else if constexpr (columns<D> == 2) {
			float2 v = *(const float2 *)x;
			y[n] = v.x, y[n + 1] = v.y;
		} else {
			y[n] = *x;
		}
	}
}

// Which rows [low, high) of the other side's tile a thread's own rows see.
template <u32 R> struct Range {
	i32 low[R], high[R];
};

// The range of the keys from k0 on that rows see which see that many from position 0 on.
template <u32 R> DEVICE Range<R> keys_seen(const u32 (&sees)[R], u32 k0) {
	Range<R> range;
#pragma unroll
	for (u32 i = 0; i < R; i++) {
		range.low[i] = 0;
		range.high[i] = (i32)(sees[i] - k0);
	}
	return range;
}

// o[i][n] += Σ_j p[row i of the thread's own][j]·b[j][column n], j rising over [from, to),
// multiples of 4, and only over what row i sees: 0 times an infinite or NaN value would
// reach rows that do not see it. Where every row of the warp sees all (whole), nothing is
// asked.
template <u32 D, u32 R>
DEVICE void outer(float (&o)[R][D / 16], const float *p, const float *b, const Range<R> &sees, u32 from, u32 to, bool whole) {
	p += threadIdx.x / 16 * R * P_LD;
#pragma unroll 1
	for (u32 j = from; j < to; j += 4) {
		float4 x[R];
#pragma unroll
		for (u32 i = 0; i < R; i++) {
			x[i] = *(const float4 *)(p + i * P_LD + j);
		}
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			float y[D / 16];
			load_columns<D>(y, b + (j + k) * (D + 4));
#pragma unroll
			for (u32 i = 0; i < R; i++) {
				float w = k == 0 ? x[i].x : k == 1 ? x[i].y : k == 2 ? x[i].z : x[i].w;
				if (whole || ((i32)(j + k) >= sees.low[i] && (i32)(j + k) < sees.high[i])) {
#pragma unroll
					for (u32 n = 0; n < D / 16; n++) {
						o[i][n] = fmaf(w, y[n], o[i][n]);
					}
				}
			}
		}
	}
}

// Writes factor·o of one row to y, columns [chunk, chunk+D) of width; by 16 bytes where wide.
template <u32 D>
DEVICE void store_row(float *y, const float (&o)[D / 16], float factor, u32 chunk, u32 width, bool wide) {
#pragma unroll
	for (u32 n = 0; n < D / 16; n += columns<D>) {
		u32 c = chunk + column<D>(n);
		if constexpr (columns<D> == 4) {
			if (wide) {
				if (c < width) {
					*(float4 *)(y + c) = make_float4(o[n] * factor, o[n + 1] * factor, o[n + 2] * factor, o[n + 3] * factor);
				}
				continue;
			}
		}
#pragma unroll
		for (u32 k = 0; k < columns<D>; k++) {
			if (c + k < width) {
				y[c + k] = o[n + k] * factor;
			}
		}
	}
}
