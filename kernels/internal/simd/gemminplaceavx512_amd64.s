//go:build !noasm

#include "textflag.h"
#include "gemmavx512_amd64.h"

// STEP does one p: rows 0 to 2 of A at SI, 3 to 5 at BX, 6 to 8 at R13, 9 to 11 at
// AX, R11 apart; B at off(DX). B is Z0, Z1; A is broadcast to Z2 to Z5, or by
// the multiplication where its address has no index: with one, that counts as two.
#define STEP(off) \
	VMOVUPS off(DX), Z0 \
	VMOVUPS off+64(DX), Z1 \
	VFMADD231PS.BCST (SI), Z0, Z8 \
	VFMADD231PS.BCST (SI), Z1, Z9 \
	VBROADCASTSS (SI)(R11*1), Z3 \
	VFMADD231PS Z0, Z3, Z10 \
	VFMADD231PS Z1, Z3, Z11 \
	VBROADCASTSS (SI)(R11*2), Z4 \
	ADDQ R12, SI \
	VFMADD231PS Z0, Z4, Z12 \
	VFMADD231PS Z1, Z4, Z13 \
	VFMADD231PS.BCST (BX), Z0, Z14 \
	VFMADD231PS.BCST (BX), Z1, Z15 \
	VBROADCASTSS (BX)(R11*1), Z2 \
	VFMADD231PS Z0, Z2, Z16 \
	VFMADD231PS Z1, Z2, Z17 \
	VBROADCASTSS (BX)(R11*2), Z3 \
	ADDQ R12, BX \
	VFMADD231PS Z0, Z3, Z18 \
	VFMADD231PS Z1, Z3, Z19 \
	VFMADD231PS.BCST (R13), Z0, Z20 \
	VFMADD231PS.BCST (R13), Z1, Z21 \
	VBROADCASTSS (R13)(R11*1), Z5 \
	VFMADD231PS Z0, Z5, Z22 \
	VFMADD231PS Z1, Z5, Z23 \
	VBROADCASTSS (R13)(R11*2), Z2 \
	ADDQ R12, R13 \
	VFMADD231PS Z0, Z2, Z24 \
	VFMADD231PS Z1, Z2, Z25 \
	VFMADD231PS.BCST (AX), Z0, Z26 \
	VFMADD231PS.BCST (AX), Z1, Z27 \
	VBROADCASTSS (AX)(R11*1), Z4 \
	VFMADD231PS Z0, Z4, Z28 \
	VFMADD231PS Z1, Z4, Z29 \
	VBROADCASTSS (AX)(R11*2), Z5 \
	ADDQ R12, AX \
	VFMADD231PS Z0, Z5, Z30 \
	VFMADD231PS Z1, Z5, Z31

// func gemmInPlaceAVX512(c *float32, ldc int, a *float32, rowStep, step int, b *float32, k int, add bool)
TEXT ·gemmInPlaceAVX512(SB), NOSPLIT, $0-57
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ rowStep+24(FP), R11
	MOVQ step+32(FP), R12
	MOVQ b+40(FP), DX
	SHLQ $2, R8
	SHLQ $2, R11
	SHLQ $2, R12
	MOVL $32, AX
	MASKS
	CLEAR_TILE
	FETCH_TILE
	LEAQ (R11)(R11*2), R10
	LEAQ (SI)(R10*1), BX
	LEAQ (SI)(R10*2), R13
	LEAQ (BX)(R10*2), AX
	MOVQ k+48(FP), CX
	MOVQ CX, R9
	SHRQ $2, R9
	JZ   tail

loop:
	STEP(0)
	STEP(128)
	STEP(256)
	STEP(384)
	ADDQ $512, DX
	DECQ R9
	JNZ  loop

tail:
	ANDQ $3, CX
	JZ   write

one:
	STEP(0)
	ADDQ $128, DX
	DECQ CX
	JNZ  one

write:
	MOVQ $12, R13
	CMPB add+56(FP), $0
	JNE  accumulate
	STORE_TILE

accumulate:
	ADD_TILE

done:
	VZEROUPPER
	RET
