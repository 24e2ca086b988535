//go:build !noasm

#include "textflag.h"
#include "decode_amd64.h"
#include "decodek_amd64.h"

// GROUP writes 32 elements, the bytes of Y0, 4 bits each, and the bits of Y13 that
// SHIFT by n moves to bits 4 and 5, minus 32; one scale for each run of 16.
#define GROUP(SHIFT, n, g) \
	SHIFT   $n, Y13, Y1          \
	VPAND   Y11, Y1, Y1          \
	VPOR    Y1, Y0, Y0           \
	VPSUBB  Y14, Y0, Y0          \
	EXPAND                       \
	VBROADCASTSS 8*(g)(SP), Y8   \
	VBROADCASTSS 8*(g)+4(SP), Y9 \
	VMULPS  Y8, Y0, Y0           \
	VMULPS  Y8, Y1, Y1           \
	VMULPS  Y9, Y2, Y2           \
	VMULPS  Y9, Y3, Y3           \
	VMOVUPS Y0, 128*(g)(DI)      \
	VMOVUPS Y1, 128*(g)+32(DI)   \
	VMOVUPS Y2, 128*(g)+64(DI)   \
	VMOVUPS Y3, 128*(g)+96(DI)

// HALF does 128 elements: h is 0 or 1.
#define HALF(h) \
	VMOVDQU 64*h(SI), Y10       \
	VMOVDQU 128+32*h(SI), Y13   \
	VPAND   Y12, Y10, Y0        \
	GROUP(VPSLLW, 4, 4*h)       \
	VPSRLW  $4, Y10, Y0         \
	VPAND   Y12, Y0, Y0         \
	GROUP(VPSRLW, 0, 4*h+2)     \
	VMOVDQU 64*h+32(SI), Y10    \
	VPAND   Y12, Y10, Y0        \
	GROUP(VPSLLW, 2, 4*h+1)     \
	VPSRLW  $4, Y10, Y0         \
	VPAND   Y12, Y0, Y0         \
	GROUP(VPSRLW, 2, 4*h+3)

// func decodeQ6KAVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ6KAVX2(SB), NOSPLIT, $64-24
	K_BEGIN(384)
	VMOVDQU 416(R9), Y14

loop:
	PREFETCHT0   1024(SI)
	PREFETCHT0   1088(SI)
	PREFETCHT0   1152(SI)
	PREFETCHT0   1216(SI)
	VPMOVSXBD    192(SI), Y0
	VPMOVSXBD    200(SI), Y1
	VPBROADCASTW 208(SI), X2
	VCVTPH2PS    X2, Y2
	VCVTDQ2PS    Y0, Y0
	VCVTDQ2PS    Y1, Y1
	VMULPS       Y2, Y0, Y0
	VMULPS       Y2, Y1, Y1
	VMOVUPS      Y0, (SP)
	VMOVUPS      Y1, 32(SP)
	HALF(0)
	HALF(1)
	ADDQ         $210, SI
	ADDQ         $1024, DI
	DECQ         CX
	JNZ          loop
	VZEROUPPER
	RET
