//go:build !noasm

#include "textflag.h"
#include "gemm_amd64.h"

// STEP does one p: rows 0 to 2 of A at SI, 3 to 5 at BX, R11 apart; B at off(DX).
// B is Y0, Y1; A is broadcast to Y2, Y3.
#define STEP(off) \
	VMOVUPS off(DX), Y0 \
	VMOVUPS off+32(DX), Y1 \
	VBROADCASTSS (SI), Y2 \
	VBROADCASTSS (SI)(R11*1), Y3 \
	VFMADD231PS Y0, Y2, Y4 \
	VFMADD231PS Y1, Y2, Y5 \
	VFMADD231PS Y0, Y3, Y6 \
	VFMADD231PS Y1, Y3, Y7 \
	VBROADCASTSS (SI)(R11*2), Y2 \
	VBROADCASTSS (BX), Y3 \
	VFMADD231PS Y0, Y2, Y8 \
	VFMADD231PS Y1, Y2, Y9 \
	VFMADD231PS Y0, Y3, Y10 \
	VFMADD231PS Y1, Y3, Y11 \
	VBROADCASTSS (BX)(R11*1), Y2 \
	VBROADCASTSS (BX)(R11*2), Y3 \
	ADDQ R12, SI \
	ADDQ R12, BX \
	VFMADD231PS Y0, Y2, Y12 \
	VFMADD231PS Y1, Y2, Y13 \
	VFMADD231PS Y0, Y3, Y14 \
	VFMADD231PS Y1, Y3, Y15

// func gemmInPlaceAVX2(c *float32, ldc int, a *float32, rowStep, step int, b *float32, k int, add bool)
TEXT ·gemmInPlaceAVX2(SB), NOSPLIT, $0-57
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ rowStep+24(FP), R11
	MOVQ step+32(FP), R12
	MOVQ b+40(FP), DX
	MOVQ k+48(FP), CX
	SHLQ $2, R8
	SHLQ $2, R11
	SHLQ $2, R12
	LEAQ (R11)(R11*2), BX
	ADDQ SI, BX
	CLEAR_TILE
	FETCH_TILE
	MOVQ CX, AX
	SHRQ $2, AX
	JZ   tail

loop:
	STEP(0)
	STEP(64)
	STEP(128)
	STEP(192)
	ADDQ $256, DX
	DECQ AX
	JNZ  loop

tail:
	ANDQ $3, CX
	JZ   done

one:
	STEP(0)
	ADDQ $64, DX
	DECQ CX
	JNZ  one

done:
	CMPB add+56(FP), $0
	JNE  accumulate
	STORE_TILE

accumulate:
	ADD_TILE
