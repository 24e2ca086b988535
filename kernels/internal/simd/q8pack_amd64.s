//go:build !noasm

#include "textflag.h"

// QUARTERS sets out0 to out3 to the words of 32 bits, the first to the fourth, of 16 rows
// of 16 bytes from at(SI) on, R8 bytes from each other. Row 4l+i comes to lane l of Z(i),
// so that words of four neighbours are together when they are turned within lanes.
#define FOUR(at, z, y, x, base) \
	VMOVDQU      at(base), x                  \
	VINSERTI32X4 $1, at(base)(R9*1), y, y     \
	VINSERTI32X4 $2, at(base)(R9*2), z, z     \
	VINSERTI32X4 $3, at(base)(R10*1), z, z

#define QUARTERS(at) \
	FOUR(at, Z0, Y0, X0, SI)     \
	FOUR(at, Z1, Y1, X1, R11)    \
	FOUR(at, Z2, Y2, X2, R12)    \
	FOUR(at, Z3, Y3, X3, R13)    \
	VPUNPCKLDQ  Z1, Z0, Z4       \
	VPUNPCKHDQ  Z1, Z0, Z5       \
	VPUNPCKLDQ  Z3, Z2, Z6       \
	VPUNPCKHDQ  Z3, Z2, Z7       \
	VPUNPCKLQDQ Z6, Z4, Z0       \
	VPUNPCKHQDQ Z6, Z4, Z1       \
	VPUNPCKLQDQ Z7, Z5, Z2       \
	VPUNPCKHQDQ Z7, Z5, Z3       \
	VPXORD      Z8, Z0, Z0       \
	VPXORD      Z8, Z1, Z1       \
	VPXORD      Z8, Z2, Z2       \
	VPXORD      Z8, Z3, Z3       \
	VMOVDQU32   Z0, 16*at(DI)    \
	VMOVDQU32   Z1, 16*at+64(DI) \
	VMOVDQU32   Z2, 16*at+128(DI) \
	VMOVDQU32   Z3, 16*at+192(DI)

// func interleaveQ8AVX512(dst *float32, codes *int8, stride, blocks int, flip uint32)
//
// R9 is four rows' stride, R10 three times that; R11 to R13 are rows 1 to 3.
TEXT ·interleaveQ8AVX512(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ codes+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ blocks+24(FP), CX
	MOVL flip+32(FP), AX
	VPBROADCASTD AX, Z8
	LEAQ (R8*4), R9
	LEAQ (R9)(R9*2), R10
	LEAQ (SI)(R8*1), R11
	LEAQ (SI)(R8*2), R12
	LEAQ (R11)(R8*2), R13

block:
	QUARTERS(0)
	QUARTERS(16)
	ADDQ $32, SI
	ADDQ $32, R11
	ADDQ $32, R12
	ADDQ $32, R13
	ADDQ $640, DI
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET
