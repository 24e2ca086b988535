//go:build !noasm

#include "textflag.h"
#include "reduce_amd64.h"

// The 16 bytes of codes of a block stand in both halves of Y0 as four words.
// Codes are not shifted down: masked in place they are exact floats, and the
// scale of the block is multiplied by the power of two that they are too large
// by. Vector t holds bytes t of the words, low halves then high halves; for t = 3
// the words move down a byte, so that no code reaches the sign. Each element is
// then q·d+m as decode has it, rounded nowhere else.
//
// Y10 = d, Y11 = m; Y8, Y9, Y12 = masks; Y13 to Y15 = d times powers of two.

#define CODE_CONSTANTS \
	LEAQ    ·codeTable(SB), R8 \
	VMOVDQU (R8), Y8           \
	VMOVDQU 32(R8), Y9         \
	VMOVDQU 64(R8), Y12

#define CODES_DOT(off) \
	VBROADCASTI128 off(SI), Y0     \
	VPAND          Y8, Y0, Y1      \
	VPAND          Y9, Y0, Y2      \
	VPAND          Y12, Y0, Y3     \
	VPSRLD         $8, Y0, Y0      \
	VPAND          Y12, Y0, Y0     \
	VCVTDQ2PS      Y1, Y1          \
	VCVTDQ2PS      Y2, Y2          \
	VCVTDQ2PS      Y3, Y3          \
	VCVTDQ2PS      Y0, Y0          \
	VMULPS         96(R8), Y10, Y13  \
	VMULPS         128(R8), Y10, Y14 \
	VMULPS         160(R8), Y10, Y15 \
	VFMADD213PS    Y11, Y13, Y1    \
	VFMADD213PS    Y11, Y14, Y2    \
	VFMADD213PS    Y11, Y15, Y3    \
	VFMADD213PS    Y11, Y15, Y0    \
	VFMADD231PS    (DX), Y1, Y4    \
	VFMADD231PS    32(DX), Y2, Y5  \
	VFMADD231PS    64(DX), Y3, Y6  \
	VFMADD231PS    96(DX), Y0, Y7

#define NEXT(size) \
	ADDQ $128, DX  \
	ADDQ $size, SI \
	DECQ CX        \
	JNZ  loop      \
	FOLD4          \
	VMOVSS X4, ret+24(FP) \
	VZEROUPPER     \
	RET

// func dotQ40AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotQ40AVX2(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), DX
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	CODE_CONSTANTS
	CLEAR4

loop:
	PREFETCHT0 1024(SI)
	VPBROADCASTW (SI), X10
	VCVTPH2PS X10, Y10
	VMULPS 192(R8), Y10, Y11
	CODES_DOT(2)
	NEXT(18)

// func dotQ41AVX2(x *float32, src *byte, blocks int) float32
TEXT ·dotQ41AVX2(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), DX
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	CODE_CONSTANTS
	CLEAR4

loop:
	PREFETCHT0 1024(SI)
	VPBROADCASTW (SI), X10
	VCVTPH2PS X10, Y10
	VPBROADCASTW 2(SI), X11
	VCVTPH2PS X11, Y11
	CODES_DOT(4)
	NEXT(20)
