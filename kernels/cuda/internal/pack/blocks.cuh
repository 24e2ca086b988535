// Weights as files keep them, widened to float32: the bits of tensor.DecodeF32.
//
// A block begins at a multiple of the largest power of two that divides its size (memory
// is allocated at multiples of 256, and a view begins at a whole block), so Q4_0, Q5_0,
// Q8_0 and Q6_K are read by 2 bytes, Q4_1 by 4, Q5_1, Q4_K and Q5_K by 8. The plain types
// begin at a multiple of their own size only.
//
// All products of scales and codes are exact in float32 (tensor/decode.go, decodek.go), so
// fusing them with a sum changes nothing.

// The numbers of tensor.DType.
enum { F32 = 1, F64 = 2, F16 = 3, BF16 = 4, Q4_0 = 11, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K };

// An IEEE 754 binary16; NaN keeps its payload. Read as binary32 it is too small by the
// difference of the exponents' biases; a product with 2¹¹² mends that, for subnormals too.
DEVICE float widen_f16(u16 h) {
	u32 sign = (u32)(h & 0x8000) << 16, rest = (u32)(h & 0x7fff) << 13;
	u32 finite = __float_as_uint(__uint_as_float(rest) * 0x1p112f);
	return __uint_as_float(sign | (rest >= 0x7c00u << 13 ? 0x7f800000 | rest : finite));
}

DEVICE float widen_bf16(u16 h) { return __uint_as_float((u32)h << 16); }

// To nearest even; NaN becomes a quiet NaN of the same sign.
DEVICE u16 round_bf16(float x) {
	u32 b = __float_as_uint(x);
	return (b & 0x7fffffff) > 0x7f800000 ? (b >> 16) | 0x40 : (b + 0x7fff + (b >> 16 & 1)) >> 16;
}

// To nearest even; NaN becomes a quiet NaN of the same sign. Below 2⁻¹⁴ adding 1/2 puts
// the unit of F16, 2⁻²⁴, at the last bit of the sum, which therefore rounds as F16 does.
DEVICE u16 round_f16(float x) {
	u32 b = __float_as_uint(x), sign = b >> 16 & 0x8000;
	b &= 0x7fffffff;
	u32 small = __float_as_uint(__uint_as_float(b) + 0.5f) - 0x3f000000;
	u32 normal = b - ((127 - 15) << 23);
	normal = (normal + 0xfff + (normal >> 13 & 1)) >> 13;
	u32 rest = b >= (127 - 14) << 23 ? normal : small;
	rest = b >= ((127 + 16) << 23) - 0x1000 ? 0x7c00 : rest; // rounds to 65536 or more
	rest = b > 0x7f800000 ? 0x7e00 | (b >> 13 & 0x1ff) : rest;
	return sign | rest;
}

// Bytes that begin at a multiple of 2, 4 or 8.
DEVICE u32 load2(const u8 *p) { return *reinterpret_cast<const u16 *>(p); }
DEVICE u32 load4(const u8 *p) { return *reinterpret_cast<const u32 *>(p); }
DEVICE float load_f16(const u8 *p) { return widen_f16((u16)load2(p)); }

// Eight codes of a byte each.
struct Codes {
	u32 lo, hi;
};

DEVICE Codes codes_by_2(const u8 *p) { return {load2(p) | load2(p + 2) << 16, load2(p + 4) | load2(p + 6) << 16}; }
DEVICE Codes codes_by_4(const u8 *p) { return {load4(p), load4(p + 4)}; }
DEVICE Codes codes_by_8(const u8 *p) {
	uint2 v = *reinterpret_cast<const uint2 *>(p);
	return {v.x, v.y};
}

// The bits of mask in each byte, shifted down.
DEVICE Codes pick(Codes c, u32 shift, u32 mask) { return {c.lo >> shift & mask * 0x01010101, c.hi >> shift & mask * 0x01010101}; }

// The eight bits of h, one to each code, at bit 4: the product puts bit j at bit 8·j.
DEVICE Codes with_fifth(Codes c, u32 h) {
	u32 lo = (h & 15) * 0x00204081 & 0x01010101, hi = (h >> 4 & 15) * 0x00204081 & 0x01010101;
	return {c.lo | lo << 4, c.hi | hi << 4};
}

// w[j] = code j - offset: a code's byte in the last place of 2²³, less 2²³ + offset, which
// is exact and needs no conversion, of which there are a quarter as many a cycle.
DEVICE void numbers(float (&w)[8], Codes c, float offset) {
#pragma unroll
	for (u32 j = 0; j < 8; j++) {
		w[j] = __uint_as_float(__byte_perm(j < 4 ? c.lo : c.hi, 0x4b000000, 0x7440 | (j & 3))) - (8388608.0f + offset);
	}
}

DEVICE void scale(float (&w)[8], float d) {
#pragma unroll
	for (u32 j = 0; j < 8; j++) {
		w[j] *= d;
	}
}

DEVICE void scale(float (&w)[8], float d, float m) {
#pragma unroll
	for (u32 j = 0; j < 8; j++) {
		w[j] = fmaf(d, w[j], m);
	}
}

// The layouts: eight elements 8·r to 8·r+7 of the block at b, for r from 0 to 3, or to 31.
template <u32 TYPE> struct Block;

// F16 d, 16 bytes of codes: byte j has element j in its low and j+16 in its high half.
template <> struct Block<Q4_0> {
	static const u32 len = 32, bytes = 18;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		numbers(w, pick(codes_by_2(b + 2 + 8 * (r & 1)), 4 * (r >> 1), 15), 8.0f);
		scale(w, load_f16(b));
	}
};

// F16 d, F16 m, codes as of Q4_0.
template <> struct Block<Q4_1> {
	static const u32 len = 32, bytes = 20;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		numbers(w, pick(codes_by_4(b + 4 + 8 * (r & 1)), 4 * (r >> 1), 15), 0.0f);
		scale(w, load_f16(b), load_f16(b + 2));
	}
};

// F16 d, 32 fifth bits, codes as of Q4_0.
template <> struct Block<Q5_0> {
	static const u32 len = 32, bytes = 22;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		numbers(w, with_fifth(pick(codes_by_2(b + 6 + 8 * (r & 1)), 4 * (r >> 1), 15), b[2 + r]), 16.0f);
		scale(w, load_f16(b));
	}
};

// F16 d, F16 m, 32 fifth bits, codes as of Q4_0.
template <> struct Block<Q5_1> {
	static const u32 len = 32, bytes = 24;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		numbers(w, with_fifth(pick(codes_by_8(b + 8 + 8 * (r & 1)), 4 * (r >> 1), 15), b[4 + r]), 0.0f);
		scale(w, load_f16(b), load_f16(b + 2));
	}
};

// F16 d, 32 signed bytes.
template <> struct Block<Q8_0> {
	static const u32 len = 32, bytes = 34;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		Codes c = codes_by_2(b + 2 + 8 * r);
		numbers(w, {c.lo ^ 0x80808080, c.hi ^ 0x80808080}, 128.0f);
		scale(w, load_f16(b));
	}
};

// d·s and -dmin·m of run i of 32 elements, in Q4_K and Q5_K: F16 d, F16 dmin, then 12
// bytes, of which byte j of the first two groups of four holds 6 bits of s[j] and m[j] and
// the two upper bits of s[j+4] and m[j+4], and byte j of the third their lower four.
DEVICE void k_scales(const u8 *b, u32 i, float &d, float &m) {
	const u8 *p = b + 4 + (i & 3);
	u32 a = p[0], c = p[4], e = p[8];
	u32 s = i < 4 ? a & 63 : (e & 15) | a >> 6 << 4;
	u32 n = i < 4 ? c & 63 : e >> 4 | c >> 6 << 4;
	d = load_f16(b) * (float)s;
	m = -(load_f16(b + 2) * (float)n);
}

// Scales, then 4 times 32 bytes of codes, each with 32 elements in the low and the next 32
// in the high halves.
template <> struct Block<Q4_K> {
	static const u32 len = 256, bytes = 144;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		u32 i = r >> 2, at = 8 * (r & 3);
		float d, m;
		k_scales(b, i, d, m);
		numbers(w, pick(codes_by_8(b + 16 + 32 * (i >> 1) + at), 4 * (i & 1), 15), 0.0f);
		scale(w, d, m);
	}
};

// Q4_K with 32 bytes before the codes, whose bit i in byte j is the fifth bit of element
// 32·i+j.
template <> struct Block<Q5_K> {
	static const u32 len = 256, bytes = 176;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		u32 i = r >> 2, at = 8 * (r & 3);
		float d, m;
		k_scales(b, i, d, m);
		Codes c = pick(codes_by_8(b + 48 + 32 * (i >> 1) + at), 4 * (i & 1), 15);
		Codes h = pick(codes_by_8(b + 16 + at), i, 1);
		numbers(w, {c.lo | h.lo << 4, c.hi | h.hi << 4}, 0.0f);
		scale(w, d, m);
	}
};

// For each half of 128 elements 64 bytes of codes, whose low halves are elements 0 to 63
// and high halves elements 64 to 127; then for each half 32 bytes of upper bits, two for
// elements j, 32+j, 64+j and 96+j in byte j; 16 signed scales; F16 d.
template <> struct Block<Q6_K> {
	static const u32 len = 256, bytes = 210;
	static __device__ __forceinline__ void eight(float (&w)[8], const u8 *b, u32 r) {
		u32 half = r >> 4, i = r >> 2 & 3, at = 8 * (r & 3);
		Codes c = pick(codes_by_2(b + 64 * half + 32 * (i & 1) + at), 4 * (i >> 1), 15);
		Codes h = pick(codes_by_2(b + 128 + 32 * half + at), 2 * i, 3);
		numbers(w, {c.lo | h.lo << 4, c.hi | h.hi << 4}, 32.0f);
		scale(w, load_f16(b + 208) * (float)(i8)b[192 + (r >> 1)]);
	}
};

// w = elements [32·part, 32·part+32) of the block at b; part is 0 for blocks of 32.
template <u32 TYPE> DEVICE void decode(float (&w)[32], const u8 *b, u32 part) {
#pragma unroll
	for (u32 g = 0; g < 4; g++) {
		float e[8];
		Block<TYPE>::eight(e, b, 4 * part + g);
#pragma unroll
		for (u32 j = 0; j < 8; j++) {
			w[8 * g + j] = e[j];
		}
	}
}

// Element i of an array of a plain type.
template <u32 TYPE> DEVICE float plain(const u8 *data, u64 i) {
	switch (TYPE) {
	case F32: return reinterpret_cast<const float *>(data)[i];
	case F64: return (float)reinterpret_cast<const double *>(data)[i];
	case F16: return widen_f16(reinterpret_cast<const u16 *>(data)[i]);
	}
	return widen_bf16(reinterpret_cast<const u16 *>(data)[i]);
}

// Elements 8·i to 8·i+7 of an array of any type. A plain one begins at a multiple of 16.
template <u32 TYPE> struct Eight {
	static const bool block = true;
	static __device__ __forceinline__ void load(float (&w)[8], const u8 *data, u64 i) {
		const u32 per = Block<TYPE>::len / 8;
		Block<TYPE>::eight(w, data + i / per * Block<TYPE>::bytes, (u32)(i % per));
	}
};

template <> struct Eight<F32> {
	static const bool block = false;
	static __device__ __forceinline__ void load(float (&w)[8], const u8 *data, u64 i) {
		const float4 *p = reinterpret_cast<const float4 *>(data) + 2 * i;
		float4 a = p[0], b = p[1];
		w[0] = a.x, w[1] = a.y, w[2] = a.z, w[3] = a.w;
		w[4] = b.x, w[5] = b.y, w[6] = b.z, w[7] = b.w;
	}
};

template <> struct Eight<F64> {
	static const bool block = false;
	static __device__ __forceinline__ void load(float (&w)[8], const u8 *data, u64 i) {
#pragma unroll
		for (u32 j = 0; j < 8; j++) {
			w[j] = plain<F64>(data, 8 * i + j);
		}
	}
};

template <> struct Eight<F16> {
	static const bool block = false;
	static __device__ __forceinline__ void load(float (&w)[8], const u8 *data, u64 i) {
		uint4 v = reinterpret_cast<const uint4 *>(data)[i];
		u32 words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
		for (u32 j = 0; j < 8; j++) {
			w[j] = widen_f16((u16)(words[j / 2] >> 16 * (j & 1)));
		}
	}
};

template <> struct Eight<BF16> {
	static const bool block = false;
	static __device__ __forceinline__ void load(float (&w)[8], const u8 *data, u64 i) {
		uint4 v = reinterpret_cast<const uint4 *>(data)[i];
		u32 words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
		for (u32 j = 0; j < 8; j++) {
			w[j] = widen_bf16((u16)(words[j / 2] >> 16 * (j & 1)));
		}
	}
};

// Does work.run<TYPE>() for the type that all threads share.
template <class Work> DEVICE void with_type(u32 type, Work work) {
	switch (type) {
	case F32: work.template run<F32>(); break;
	case F64: work.template run<F64>(); break;
	case F16: work.template run<F16>(); break;
	case BF16: work.template run<BF16>(); break;
	case Q4_0: work.template run<Q4_0>(); break;
	case Q4_1: work.template run<Q4_1>(); break;
	case Q5_0: work.template run<Q5_0>(); break;
	case Q5_1: work.template run<Q5_1>(); break;
	case Q8_0: work.template run<Q8_0>(); break;
	case Q4_K: work.template run<Q4_K>(); break;
	case Q5_K: work.template run<Q5_K>(); break;
	case Q6_K: work.template run<Q6_K>(); break;
	}
}
