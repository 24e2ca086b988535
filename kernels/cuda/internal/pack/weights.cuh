// How a thread reads a run of neighbours of a row of weights, by their storage type:
//
//	Weight<TYPE>::load<WIDE>(w, row, i, k)
//
// widens elements [i, i+RUN) of the row of k at address row, exactly. i is a multiple of
// RUN, which for blocks is 32. With WIDE the row begins at a multiple of 16 and has a
// multiple of RUN elements: the bytes of plain types come 16 at a time then. Without, they
// come one by one, with zeros beyond the row's end. A row has row_bytes(k).

#define INSIDE static __device__ __forceinline__

template <u32 TYPE> struct Weight {
	enum { RUN = 32, TAIL = false }; // whole blocks: no run reaches beyond the row's end
	INSIDE u64 row_bytes(u32 k) { return (u64)(k / Block<TYPE>::len) * Block<TYPE>::bytes; }
	template <bool WIDE> INSIDE void load(float (&w)[RUN], const u8 *row, u32 i, u32 k) {
		decode<TYPE>(w, row + row_bytes(i), i % Block<TYPE>::len / RUN);
	}
};

// One by one.
template <u32 TYPE, u32 RUN> DEVICE void load_each(float (&w)[RUN], const u8 *row, u32 i, u32 k) {
#pragma unroll
	for (u32 j = 0; j < RUN; j++) {
		w[j] = i + j < k ? plain<TYPE>(row, i + j) : 0.0f;
	}
}

template <> struct Weight<F32> {
	enum { RUN = 4, TAIL = true };
	INSIDE u64 row_bytes(u32 k) { return (u64)k * 4; }
	template <bool WIDE> INSIDE void load(float (&w)[RUN], const u8 *row, u32 i, u32 k) {
		if (!WIDE) {
			return load_each<F32>(w, row, i, k);
		}
		float4 q = *reinterpret_cast<const float4 *>(row + (u64)i * 4);
		w[0] = q.x, w[1] = q.y, w[2] = q.z, w[3] = q.w;
	}
};

template <> struct Weight<F64> {
	enum { RUN = 2, TAIL = true };
	INSIDE u64 row_bytes(u32 k) { return (u64)k * 8; }
	template <bool WIDE> INSIDE void load(float (&w)[RUN], const u8 *row, u32 i, u32 k) { load_each<F64>(w, row, i, k); }
};

// Numbers of 16 bits, eight at a time.
template <u32 TYPE> struct Halves {
	enum { RUN = 8, TAIL = true };
	INSIDE u64 row_bytes(u32 k) { return (u64)k * 2; }
	template <bool WIDE> INSIDE void load(float (&w)[RUN], const u8 *row, u32 i, u32 k) {
		if (!WIDE) {
			return load_each<TYPE>(w, row, i, k);
		}
		uint4 q = *reinterpret_cast<const uint4 *>(row + (u64)i * 2);
		u32 words[RUN / 2] = {q.x, q.y, q.z, q.w};
#pragma unroll
		for (u32 j = 0; j < RUN; j++) {
			u16 h = (u16)(words[j / 2] >> 16 * (j % 2));
			w[j] = TYPE == BF16 ? widen_bf16(h) : widen_f16(h);
		}
	}
};
template <> struct Weight<F16> : Halves<F16> {};
template <> struct Weight<BF16> : Halves<BF16> {};

// Whether rows of so many bytes from p on begin at multiples of 16.
DEVICE bool rows_are_wide(const u8 *p, u64 row_bytes) { return (((u64)p | row_bytes) & 15) == 0; }
