// Rows: what kernels share that sum or search a row with one block of threads.
//
// Thread t has the elements 4t … 4t+3 of the row, then those a whole block's width on. The
// number of threads is a power of two, 32 to 1024, that the host takes of the row's length
// alone, so that the order of every sum is the length's too: a row has the same bits
// whatever stands beside it and wherever it lies.

// Four neighbouring elements, read at once where the address allows it.
struct __align__(16) Quad {
	float v[4];
};

// Whether p bears reads of 16 bytes.
DEVICE bool is_wide(const void *p) { return ((u64)p & 15) == 0; }

// The elements i … i+3 of a row of n; zeros, or what else, behind its end.
DEVICE Quad read_quad(const float *row, u32 i, u32 n, bool wide, float else_value) {
	Quad q;
	if (wide && n - i >= 4) {
		q = *(const Quad *)(row + i);
	} else {
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			q.v[k] = i + k < n ? row[i + k] : else_value;
		}
	}
	return q;
}

// Writes what of q lies in a row of n elements.
DEVICE void write_quad(float *row, u32 i, u32 n, bool wide, Quad q) {
	if (wide && n - i >= 4) {
		*(Quad *)(row + i) = q;
	} else {
#pragma unroll
		for (u32 k = 0; k < 4; k++) {
			if (i + k < n) {
				row[i + k] = q.v[k];
			}
		}
	}
}

// The widest warp's worth of partial results of a block.
#define MOST_WARPS 32

// The sum over all threads of a block, to all of them: a tree of fixed form. Sums of one
// type in one kernel differ in WHICH: each has room of its own, which no thread still reads
// for another when it is written.
template <u32 WHICH = 0, class T> DEVICE T block_sum(T v) {
	__shared__ T parts[MOST_WARPS];
	u32 warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
#pragma unroll
	for (u32 m = 16; m > 0; m /= 2) {
		v += __shfl_xor_sync(0xffffffffu, v, m);
	}
	if (lane == 0) {
		parts[warp] = v;
	}
	__syncthreads();
	v = lane < warps ? parts[lane] : T(0);
#pragma unroll
	for (u32 m = 16; m > 0; m /= 2) {
		v += __shfl_xor_sync(0xffffffffu, v, m);
	}
	return v;
}

// The largest number over all threads of a block, to all of them; NaN never wins. Once in a
// kernel: see block_sum.
DEVICE float block_max(float v) {
	__shared__ float parts[MOST_WARPS];
	u32 warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
#pragma unroll
	for (u32 m = 16; m > 0; m /= 2) {
		v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, m));
	}
	if (lane == 0) {
		parts[warp] = v;
	}
	__syncthreads();
	v = lane < warps ? parts[lane] : -__int_as_float(0x7f800000);
#pragma unroll
	for (u32 m = 16; m > 0; m /= 2) {
		v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, m));
	}
	return v;
}
