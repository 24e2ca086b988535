// with blocks
//
// kernels.Convert. A thread has eight elements;
// of a block type they are neighbours, whose codes lie in 4 to 8 bytes together. Reading a
// weight of Q4_0 and writing it as F32 moves 0.56 + 4 bytes an element.

#define CONVERT_THREADS 256
#define CONVERT_TILE (8 * CONVERT_THREADS)

DEVICE u32 pair(u16 a, u16 b) { return a | (u32)b << 16; }

// Writing to F32, F16 and BF16.
struct ToF32 {
	float *y;
	__device__ __forceinline__ void one(u64 i, float v) { y[i] = v; }
	__device__ __forceinline__ void eight(u64 i, const float (&w)[8]) {
		float4 *p = reinterpret_cast<float4 *>(y) + 2 * i;
		p[0] = make_float4(w[0], w[1], w[2], w[3]);
		p[1] = make_float4(w[4], w[5], w[6], w[7]);
	}
};

struct ToF16 {
	u16 *y;
	__device__ __forceinline__ void one(u64 i, float v) { y[i] = round_f16(v); }
	__device__ __forceinline__ void eight(u64 i, const float (&w)[8]) {
		reinterpret_cast<uint4 *>(y)[i] = make_uint4(
			pair(round_f16(w[0]), round_f16(w[1])), pair(round_f16(w[2]), round_f16(w[3])),
			pair(round_f16(w[4]), round_f16(w[5])), pair(round_f16(w[6]), round_f16(w[7])));
	}
};

struct ToBF16 {
	u16 *y;
	__device__ __forceinline__ void one(u64 i, float v) { y[i] = round_bf16(v); }
	__device__ __forceinline__ void eight(u64 i, const float (&w)[8]) {
		reinterpret_cast<uint4 *>(y)[i] = make_uint4(
			pair(round_bf16(w[0]), round_bf16(w[1])), pair(round_bf16(w[2]), round_bf16(w[3])),
			pair(round_bf16(w[4]), round_bf16(w[5])), pair(round_bf16(w[6]), round_bf16(w[7])));
	}
};

// The n elements at x, of any type, to y. Where a plain array does not begin at a multiple
// of 16, or y does not, or the tile is not whole, accesses are of one element.
template <class To> struct Convert {
	To to;
	const u8 *x;
	u64 n;
	template <u32 TYPE> __device__ __forceinline__ void run() {
		u64 tile = blockIdx.x, i = tile * CONVERT_THREADS + threadIdx.x;
		bool wide = ((u64)to.y & 15) == 0, whole = (tile + 1) * CONVERT_TILE <= n;
		if constexpr (Eight<TYPE>::block) {
			if (8 * i < n) {
				float w[8];
				Eight<TYPE>::load(w, x, i);
				store(w, i, wide);
			}
		} else if (wide && whole && ((u64)x & 15) == 0) {
			float w[8];
			Eight<TYPE>::load(w, x, i);
			to.eight(i, w);
		} else {
#pragma unroll
			for (u32 k = 0; k < 8; k++) {
				u64 e = tile * CONVERT_TILE + k * CONVERT_THREADS + threadIdx.x;
				if (e < n) {
					to.one(e, plain<TYPE>(x, e));
				}
			}
		}
	}

	__device__ __forceinline__ void store(const float (&w)[8], u64 i, bool wide) {
		if (wide) {
			to.eight(i, w);
			return;
		}
#pragma unroll
		for (u32 j = 0; j < 8; j++) {
			to.one(8 * i + j, w[j]);
		}
	}
};

// y = x, of any type.
KERNEL __launch_bounds__(CONVERT_THREADS) lamina_convert_f32(float *y, const u8 *x, u64 n, u32 type) {
	with_type(type, Convert<ToF32>{{y}, x, n});
}

// y = x, rounded to nearest even.
KERNEL __launch_bounds__(CONVERT_THREADS) lamina_round_bf16(u16 *y, const u8 *x, u64 n) {
	Convert<ToBF16>{{y}, x, n}.run<F32>();
}

// y = x, rounded to nearest even.
KERNEL __launch_bounds__(CONVERT_THREADS) lamina_round_f16(u16 *y, const u8 *x, u64 n) {
	Convert<ToF16>{{y}, x, n}.run<F32>();
}

// y = x. Float64 is for comparisons only, so this is plain: an element, or eight of a block
// type, a thread.
struct ToF64 {
	double *y;
	const u8 *x;
	u64 n;
	template <u32 TYPE> __device__ __forceinline__ void run() {
		u64 i = thread_index();
		if constexpr (Eight<TYPE>::block) {
			if (8 * i < n) {
				float w[8];
				Eight<TYPE>::load(w, x, i);
#pragma unroll
				for (u32 j = 0; j < 8; j++) {
					y[8 * i + j] = w[j];
				}
			}
		} else if (i < n) {
			y[i] = TYPE == F64 ? reinterpret_cast<const double *>(x)[i] : (double)plain<TYPE>(x, i);
		}
	}
};

KERNEL __launch_bounds__(CONVERT_THREADS) lamina_convert_f64(double *y, const u8 *x, u64 n, u32 type) {
	with_type(type, ToF64{y, x, n});
}
