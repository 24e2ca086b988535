//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"

// GROUP multiplies 32 elements: the bytes of Y14, 4 bits each, and the two bits
// of Y13 that SHIFT by n moves to bits 4 and 5. Codes are 32 too large: the
// products begin with -32·Σx, over each of the two runs of 16 that a scale is for.
#define GROUP(SHIFT, n, g, sum) \
	SHIFT        $n, Y13, Y15             \
	VPAND        384(R9), Y15, Y15        \
	VPOR         Y15, Y14, Y14            \
	FROM_BYTES(Y14)                       \
	VMOVUPS      160*(g)+128(DX), Y15       \
	MORE_PRODUCTS(160*(g), Y15)             \
	VBROADCASTSS 8*(g)(SP), Y14             \
	VBROADCASTSS 8*(g)+4(SP), Y0            \
	VBLENDPS     $0xf0, Y0, Y14, Y14      \
	VFMADD231PS  Y14, Y15, sum

// HALF does 128 elements: h is 0 or 1.
#define HALF(h) \
	VMOVDQU 64*h(SI), Y12                   \
	VMOVDQU 128+32*h(SI), Y13               \
	VPAND   LOWER, Y12, Y14                 \
	GROUP(VPSLLW, 4, 4*h, Y4)     \
	VPSRLW  $4, Y12, Y14                    \
	VPAND   LOWER, Y14, Y14                 \
	GROUP(VPSRLW, 0, 4*h+2, Y5)      \
	VMOVDQU 64*h+32(SI), Y12                \
	VPAND   LOWER, Y12, Y14                 \
	GROUP(VPSLLW, 2, 4*h+1, Y6)   \
	VPSRLW  $4, Y12, Y14                    \
	VPAND   LOWER, Y14, Y14                 \
	GROUP(VPSRLW, 2, 4*h+3, Y7)

// func dotQ6KAVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ6KAVX2(SB), NOSPLIT, $64-80
	ROWS_BEGIN
	BYTES

row:
	ROW_BEGIN

block:
	PREFETCHT0 AHEAD(SI)
	PREFETCHT0 AHEAD+64(SI)
	PREFETCHT0 AHEAD+128(SI)
	PREFETCHT0 AHEAD+192(SI)
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
	ADDQ         $1280, DX
	DECQ         CX
	JNZ          block
	ROW_END
	JNZ          row
	VZEROUPPER
	RET
