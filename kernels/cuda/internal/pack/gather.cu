// with blocks fault
//
// kernels.Gather and ScatterAdd: rows of a table by ids.

#define GATHER_THREADS 128
#define GATHER_COLS (8 * GATHER_THREADS)

// The columns [from, from+GATHER_COLS) of a row of any type, to y.
struct Row {
	float *y;
	const u8 *x;
	u32 cols, from;
	template <u32 TYPE> __device__ __forceinline__ void run() {
		u32 i = from / 8 + threadIdx.x;
		bool wide = ((u64)y & 15) == 0;
		if (Eight<TYPE>::block || wide && ((u64)x & 15) == 0 && from + GATHER_COLS <= cols) {
			if (8 * i < cols) {
				float w[8];
				Eight<TYPE>::load(w, x, i);
				store(w, i, wide);
			}
			return;
		}
		if constexpr (!Eight<TYPE>::block) {
#pragma unroll
			for (u32 k = 0; k < 8; k++) {
				u32 c = from + k * GATHER_THREADS + threadIdx.x;
				if (c < cols) {
					y[c] = plain<TYPE>(x, c);
				}
			}
		}
	}

	__device__ __forceinline__ void store(const float (&w)[8], u32 i, bool wide) {
		if (wide) {
			float4 *p = reinterpret_cast<float4 *>(y) + 2 * i;
			p[0] = make_float4(w[0], w[1], w[2], w[3]);
			p[1] = make_float4(w[4], w[5], w[6], w[7]);
			return;
		}
#pragma unroll
		for (u32 j = 0; j < 8; j++) {
			y[8 * i + j] = w[j];
		}
	}
};

// y[i] = table[ids[i]] for a table [rows cols] of any type, whose rows have row_bytes. A
// block has GATHER_COLS columns of one row; a row has pieces of them.
KERNEL __launch_bounds__(GATHER_THREADS)
lamina_gather(float *y, const u8 *table, const i32 *ids, Fault *fault, u32 rows, u32 cols, u64 row_bytes, u32 pieces, u32 type) {
	u32 i = blockIdx.x / pieces, piece = blockIdx.x % pieces;
	i32 id = ids[i];
	if (!names_row(fault, FAULT_GATHER, i, id, rows, piece == 0 && threadIdx.x == 0)) {
		return;
	}
	with_type(type, Row{y + (u64)i * cols, table + id * row_bytes, cols, piece * GATHER_COLS});
}

#define SCATTER_THREADS 256
#define SCATTER_COLS (4 * SCATTER_THREADS)
#define SCATTER_WARPS (SCATTER_THREADS / 32)

// Which of the next SCATTER_THREADS ids, from place j on, are id: their places in
// ascending order go to list, and their number is returned, to all threads.
DEVICE u32 matches(u32 *list, u32 *counts, const i32 *ids, i32 id, u32 j, u32 n) {
	u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, at = j + threadIdx.x;
	bool match = at < n && ids[at] == id;
	u32 votes = __ballot_sync(0xffffffff, match);
	if (lane == 0) {
		counts[warp] = __popc(votes);
	}
	__syncthreads();
	u32 before = 0, total = 0;
#pragma unroll
	for (u32 w = 0; w < SCATTER_WARPS; w++) {
		before += w < warp ? counts[w] : 0;
		total += counts[w];
	}
	if (match) {
		list[before + __popc(votes & ((1u << lane) - 1))] = at;
	}
	__syncthreads();
	return total;
}

// Whether any thread of the block has it.
DEVICE bool any_thread(u32 *votes, bool has) {
	bool warp = __any_sync(0xffffffff, has);
	if (threadIdx.x % 32 == 0) {
		votes[threadIdx.x / 32] = warp;
	}
	__syncthreads();
	u32 all = 0;
#pragma unroll
	for (u32 w = 0; w < SCATTER_WARPS; w++) {
		all |= votes[w];
	}
	__syncthreads();
	return all != 0;
}

// table[ids[i]] += dy[i] for a table [rows cols], in ascending i for each row of the
// table, every sum rounded. The block of the first place of an id adds all of them, so no
// two blocks write one element; the others find an earlier place and end. A block reads all
// ids: n²·4 bytes for each piece of SCATTER_COLS columns, 1 GB from the L2 cache for n =
// 8192 and 4096 columns, against 0.4 GB of rows from memory.
KERNEL __launch_bounds__(SCATTER_THREADS)
lamina_scatter_add(float *table, const i32 *ids, const float *dy, Fault *fault, u32 rows, u32 cols, u32 n, u32 pieces) {
	__shared__ u32 list[SCATTER_THREADS], counts[SCATTER_WARPS];
	u32 i = blockIdx.x / pieces, piece = blockIdx.x % pieces;
	i32 id = ids[i];
	if (!names_row(fault, FAULT_SCATTER_ADD, i, id, rows, piece == 0 && threadIdx.x == 0)) {
		return;
	}
	bool earlier = false;
#pragma unroll 4
	for (u32 j = threadIdx.x; j < i; j += SCATTER_THREADS) {
		earlier |= ids[j] == id;
	}
	if (any_thread(counts, earlier)) {
		return;
	}
	float sums[4];
	u32 column = piece * SCATTER_COLS + threadIdx.x;
	table += (u64)id * cols;
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u32 c = column + k * SCATTER_THREADS;
		sums[k] = c < cols ? table[c] : 0.0f;
	}
	for (u32 j = i; j < n; j += SCATTER_THREADS) {
		u32 found = matches(list, counts, ids, id, j, n);
#pragma unroll 4
		for (u32 e = 0; e < found; e++) {
			const float *row = dy + (u64)list[e] * cols;
#pragma unroll
			for (u32 k = 0; k < 4; k++) {
				u32 c = column + k * SCATTER_THREADS;
				sums[k] += c < cols ? row[c] : 0.0f;
			}
		}
	}
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u32 c = column + k * SCATTER_THREADS;
		if (c < cols) {
			table[c] = sums[k];
		}
	}
}
