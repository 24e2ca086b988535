// with blocks weights
// A matrix in another storage type: what a product's operand becomes, in scratch, where
// the product does not take it as it lies.
//
//	dst[r,i] = src[r,i], or that rounded to BF16, to nearest even
//
// src [rows cols] is part of a matrix whose rows are row_bytes apart; dst is whole. A block
// has PARTS runs of RUN elements, in the order of dst, and hands them over through shared
// memory, so that a warp writes neighbours.
enum { PARTS = 128 };

DEVICE void put(float *to, float x) { *to = x; }
DEVICE void put(u16 *to, float x) { *to = round_bf16(x); }

template <u32 TYPE, class T>
DEVICE void widen(T *dst, const u8 *src, u64 row_bytes, u32 rows, u32 cols) {
	typedef Weight<TYPE> W;
	const u32 RUN = W::RUN;
	__shared__ float values[PARTS][RUN + 1];
	__shared__ u32 places[PARTS], counts[PARTS]; // of a run: the first place less that of the block's first; elements
	u32 runs = (cols + RUN - 1) / RUN;
	u64 part = (u64)blockIdx.x * PARTS + threadIdx.x, begin = (u64)blockIdx.x * PARTS;
	u64 origin = begin / runs * cols + begin % runs * RUN;
	u32 count = 0;
	if (part < (u64)rows * runs) {
		u64 row = part / runs;
		u32 i = (u32)(part % runs) * RUN;
		float w[RUN];
		if (rows_are_wide(src, row_bytes) && cols % RUN == 0) {
			W::template load<true>(w, src + row * row_bytes, i, cols);
		} else {
			W::template load<false>(w, src + row * row_bytes, i, cols);
		}
#pragma unroll
		for (u32 j = 0; j < RUN; j++) {
			values[threadIdx.x][j] = w[j];
		}
		count = cols - i < RUN ? cols - i : RUN;
		places[threadIdx.x] = (u32)(row * cols + i - origin);
	}
	counts[threadIdx.x] = count;
	__syncthreads();
	for (u32 at = threadIdx.x; at < PARTS * RUN; at += PARTS) {
		u32 from = at / RUN, j = at % RUN;
		if (j < counts[from]) {
			put(dst + origin + places[from] + j, values[from][j]);
		}
	}
}

#define WIDEN(name, type, to)                                                                             \
	KERNEL __launch_bounds__(PARTS) name(to *dst, const u8 *src, u64 row_bytes, u32 rows, u32 cols) { \
		widen<type, to>(dst, src, row_bytes, rows, cols);                                                 \
	}

WIDEN(lamina_widen_f32_f32, F32, float)
WIDEN(lamina_widen_f32_bf16, F32, u16)
WIDEN(lamina_widen_f64_f32, F64, float)
WIDEN(lamina_widen_f64_bf16, F64, u16)
WIDEN(lamina_widen_f16_f32, F16, float)
WIDEN(lamina_widen_f16_bf16, F16, u16)
WIDEN(lamina_widen_bf16_f32, BF16, float)
WIDEN(lamina_widen_bf16_bf16, BF16, u16)
WIDEN(lamina_widen_q4_0_f32, Q4_0, float)
WIDEN(lamina_widen_q4_0_bf16, Q4_0, u16)
WIDEN(lamina_widen_q4_1_f32, Q4_1, float)
WIDEN(lamina_widen_q4_1_bf16, Q4_1, u16)
WIDEN(lamina_widen_q5_0_f32, Q5_0, float)
WIDEN(lamina_widen_q5_0_bf16, Q5_0, u16)
WIDEN(lamina_widen_q5_1_f32, Q5_1, float)
WIDEN(lamina_widen_q5_1_bf16, Q5_1, u16)
WIDEN(lamina_widen_q8_0_f32, Q8_0, float)
WIDEN(lamina_widen_q8_0_bf16, Q8_0, u16)
WIDEN(lamina_widen_q4_k_f32, Q4_K, float)
WIDEN(lamina_widen_q4_k_bf16, Q4_K, u16)
WIDEN(lamina_widen_q5_k_f32, Q5_K, float)
WIDEN(lamina_widen_q5_k_bf16, Q5_K, u16)
WIDEN(lamina_widen_q6_k_f32, Q6_K, float)
WIDEN(lamina_widen_q6_k_bf16, Q6_K, u16)
