//go:build !noasm

#include "textflag.h"
#include "decode_amd64.h"
#include "reduce_amd64.h"

// DOT sums as dotAVX2 does a multiple of 32 elements.
#define DOT(WIDEN, size) \
	MOVQ        x+0(FP), DX          \
	MOVQ        src+8(FP), SI        \
	MOVQ        blocks+16(FP), CX    \
	LEAQ        ·decodeTable(SB), R8 \
	CODES                            \
	CLEAR4                           \
loop:                                \
	PREFETCHT0  1024(SI)             \
	WIDEN                            \
	VFMADD231PS (DX), Y0, Y4         \
	VFMADD231PS 32(DX), Y1, Y5       \
	VFMADD231PS 64(DX), Y2, Y6       \
	VFMADD231PS 96(DX), Y3, Y7       \
	ADDQ        $128, DX             \
	ADDQ        $size, SI            \
	DECQ        CX                   \
	JNZ         loop                 \
	FOLD4                            \
	VMOVSS      X4, ret+24(FP)       \
	VZEROUPPER                       \
	RET

// func dotBF16AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotBF16AVX2(SB), NOSPLIT, $0-28
	DOT(WIDEN_BF16, 64)

// func dotF16AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotF16AVX2(SB), NOSPLIT, $0-28
	DOT(WIDEN_F16, 64)

// func dotQ50AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotQ50AVX2(SB), NOSPLIT, $0-28
	DOT(WIDEN_Q5_0, 22)

// func dotQ51AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotQ51AVX2(SB), NOSPLIT, $0-28
	DOT(WIDEN_Q5_1, 24)

// func dotQ80AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotQ80AVX2(SB), NOSPLIT, $0-28
	DOT(WIDEN_Q8_0, 34)
