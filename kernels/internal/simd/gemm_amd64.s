//go:build !noasm

#include "textflag.h"
#include "gemm_amd64.h"

// B is Y0, Y1; A is broadcast to Y2, Y3.

// STEP does one p: A at aoff(SI), B at boff(DX).
#define STEP(aoff, boff) \
	VMOVUPS boff(DX), Y0 \
	VMOVUPS boff+32(DX), Y1 \
	VBROADCASTSS aoff(SI), Y2 \
	VBROADCASTSS aoff+4(SI), Y3 \
	VFMADD231PS Y0, Y2, Y4 \
	VFMADD231PS Y1, Y2, Y5 \
	VFMADD231PS Y0, Y3, Y6 \
	VFMADD231PS Y1, Y3, Y7 \
	VBROADCASTSS aoff+8(SI), Y2 \
	VBROADCASTSS aoff+12(SI), Y3 \
	VFMADD231PS Y0, Y2, Y8 \
	VFMADD231PS Y1, Y2, Y9 \
	VFMADD231PS Y0, Y3, Y10 \
	VFMADD231PS Y1, Y3, Y11 \
	VBROADCASTSS aoff+16(SI), Y2 \
	VBROADCASTSS aoff+20(SI), Y3 \
	VFMADD231PS Y0, Y2, Y12 \
	VFMADD231PS Y1, Y2, Y13 \
	VFMADD231PS Y0, Y3, Y14 \
	VFMADD231PS Y1, Y3, Y15

// func gemmAVX2(c *float32, ldc int, a, b *float32, k int, add bool)
TEXT ·gemmAVX2(SB), NOSPLIT, $0-41
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ k+32(FP), CX
	SHLQ $2, R8
	CLEAR_TILE
	FETCH_TILE

	MOVQ CX, BX
	SHRQ $2, BX
	JZ   tail

loop:
	PREFETCHT0 384(SI)
	STEP(0, 0)
	STEP(24, 64)
	PREFETCHT0 448(SI)
	STEP(48, 128)
	STEP(72, 192)
	ADDQ $96, SI
	ADDQ $256, DX
	DECQ BX
	JNZ  loop

tail:
	ANDQ $3, CX
	JZ   done

one:
	STEP(0, 0)
	ADDQ $24, SI
	ADDQ $64, DX
	DECQ CX
	JNZ  one

done:
	CMPB add+40(FP), $0
	JNE  accumulate
	STORE_TILE

accumulate:
	ADD_TILE
