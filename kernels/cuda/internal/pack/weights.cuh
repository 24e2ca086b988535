// How a thread reads a run of neighbours of a row of weights, by their storage type:
//
//	Weight<TYPE>::load(w, row, i, k, wide)
//
// widens elements [i, i+RUN) of the row of k at address row, exactly, with zeros beyond its
// end. i is a multiple of RUN, which for blocks is 32. wide says that every row begins at a
// multiple of 16: the bytes of plain types come 16 at a time then, and the values are the
// same. A row has row_bytes(k).

template <u32 TYPE> struct Weight {
	enum { RUN = 32, TAIL = false }; // whole blocks: no run reaches beyond the row's end
	static __device__ __forceinline__ u64 row_bytes(u32 k) { return (u64)(k / Block<TYPE>::len) * Block<TYPE>::bytes; }
	static __device__ __forceinline__ void load(float (&w)[RUN], const u8 *row, u32 i, u32 k, bool wide) {
		decode<TYPE>(w, row + row_bytes(i), i % Block<TYPE>::len / RUN);
	}
};

template <> struct Weight<F32> {
	enum { RUN = 4, TAIL = true };
	static __device__ __forceinline__ u64 row_bytes(u32 k) { return (u64)k * 4; }
	static __device__ __forceinline__ void load(float (&w)[RUN], const u8 *row, u32 i, u32 k, bool wide) {
		if (wide && i + RUN <= k) {
			float4 q = *reinterpret_cast<const float4 *>(row + (u64)i * 4);
			w[0] = q.x, w[1] = q.y, w[2] = q.z, w[3] = q.w;
			return;
		}
#pragma unroll
		for (u32 j = 0; j < RUN; j++) {
			w[j] = i + j < k ? plain<F32>(row, i + j) : 0.0f;
		}
	}
};

template <> struct Weight<F64> {
	enum { RUN = 2, TAIL = true };
	static __device__ __forceinline__ u64 row_bytes(u32 k) { return (u64)k * 8; }
	static __device__ __forceinline__ void load(float (&w)[RUN], const u8 *row, u32 i, u32 k, bool wide) {
#pragma unroll
		for (u32 j = 0; j < RUN; j++) {
			w[j] = i + j < k ? plain<F64>(row, i + j) : 0.0f;
		}
	}
};

// Numbers of 16 bits, eight at a time.
template <u32 TYPE> struct Halves {
	enum { RUN = 8, TAIL = true };
	static __device__ __forceinline__ u64 row_bytes(u32 k) { return (u64)k * 2; }
	static __device__ __forceinline__ void load(float (&w)[RUN], const u8 *row, u32 i, u32 k, bool wide) {
		if (wide && i + RUN <= k) {
			uint4 q = *reinterpret_cast<const uint4 *>(row + (u64)i * 2);
			u32 words[RUN / 2] = {q.x, q.y, q.z, q.w};
#pragma unroll
			for (u32 j = 0; j < RUN; j++) {
				u16 h = (u16)(words[j / 2] >> 16 * (j % 2));
				w[j] = TYPE == BF16 ? widen_bf16(h) : widen_f16(h);
			}
			return;
		}
#pragma unroll
		for (u32 j = 0; j < RUN; j++) {
			w[j] = i + j < k ? plain<TYPE>(row, i + j) : 0.0f;
		}
	}
};
template <> struct Weight<F16> : Halves<F16> {};
template <> struct Weight<BF16> : Halves<BF16> {};

// Whether rows of so many bytes from p on begin at multiples of 16.
DEVICE bool rows_are_wide(const u8 *p, u64 row_bytes) { return (((u64)p | row_bytes) & 15) == 0; }
