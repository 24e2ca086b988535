// Element by element over arrays: a block of 256 threads has a tile of 1024 elements, four
// a thread. Such a kernel is as fast as memory, 4 bytes for each element of each array; a
// thread that reads 16 bytes at a time keeps enough of them under way.
//
// Four neighbours are one access of 16 bytes where every array begins at a multiple of 16
// and the tile is whole. Elsewhere the thread's four lie 256 apart, so that a warp's
// accesses stay together, with the same results: no element depends on another.

#define TILE_THREADS 256
#define TILE (4 * TILE_THREADS)

struct Four {
	float v[4];
};

// Whether the block's tile can go by 16 bytes; addresses is all arrays' addresses, joined
// by or.
DEVICE bool tile_is_wide(u64 addresses, u64 n) {
	return (addresses & 15) == 0 && ((u64)blockIdx.x + 1) * TILE <= n;
}

// The place of the thread's element k where the tile is not wide.
DEVICE u64 tile_place(u32 k) { return (u64)blockIdx.x * TILE + k * TILE_THREADS + threadIdx.x; }

DEVICE Four tile_load(const float *x, u64 n, bool wide) {
	Four f;
	if (wide) {
		float4 q = reinterpret_cast<const float4 *>(x + (u64)blockIdx.x * TILE)[threadIdx.x];
		f.v[0] = q.x, f.v[1] = q.y, f.v[2] = q.z, f.v[3] = q.w;
		return f;
	}
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u64 i = tile_place(k);
		f.v[k] = i < n ? x[i] : 0.0f;
	}
	return f;
}

DEVICE void tile_store(float *y, u64 n, bool wide, Four f) {
	if (wide) {
		reinterpret_cast<float4 *>(y + (u64)blockIdx.x * TILE)[threadIdx.x] = make_float4(f.v[0], f.v[1], f.v[2], f.v[3]);
		return;
	}
#pragma unroll
	for (u32 k = 0; k < 4; k++) {
		u64 i = tile_place(k);
		if (i < n) {
			y[i] = f.v[k];
		}
	}
}
