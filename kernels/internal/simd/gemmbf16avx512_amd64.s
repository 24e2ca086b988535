//go:build !noasm

#include "textflag.h"
#include "gemmavx512_amd64.h"
#include "vdpbf16_amd64.h"

// STEP does one pair of p: A at aoff(SI), B at boff(DX). B is Z0, Z1; A is
// broadcast to Z2 to Z5.
#define STEP(aoff, boff) \
	VMOVUPS boff(DX), Z0 \
	VMOVUPS boff+64(DX), Z1 \
	VBROADCASTSS aoff(SI), Z2 \
	VDPBF16PS(0, 2, 8) \
	VDPBF16PS(1, 2, 9) \
	VBROADCASTSS aoff+4(SI), Z3 \
	VDPBF16PS(0, 3, 10) \
	VDPBF16PS(1, 3, 11) \
	VBROADCASTSS aoff+8(SI), Z4 \
	VDPBF16PS(0, 4, 12) \
	VDPBF16PS(1, 4, 13) \
	VBROADCASTSS aoff+12(SI), Z5 \
	VDPBF16PS(0, 5, 14) \
	VDPBF16PS(1, 5, 15) \
	VBROADCASTSS aoff+16(SI), Z2 \
	VDPBF16PS(0, 2, 16) \
	VDPBF16PS(1, 2, 17) \
	VBROADCASTSS aoff+20(SI), Z3 \
	VDPBF16PS(0, 3, 18) \
	VDPBF16PS(1, 3, 19) \
	VBROADCASTSS aoff+24(SI), Z4 \
	VDPBF16PS(0, 4, 20) \
	VDPBF16PS(1, 4, 21) \
	VBROADCASTSS aoff+28(SI), Z5 \
	VDPBF16PS(0, 5, 22) \
	VDPBF16PS(1, 5, 23) \
	VBROADCASTSS aoff+32(SI), Z2 \
	VDPBF16PS(0, 2, 24) \
	VDPBF16PS(1, 2, 25) \
	VBROADCASTSS aoff+36(SI), Z3 \
	VDPBF16PS(0, 3, 26) \
	VDPBF16PS(1, 3, 27) \
	VBROADCASTSS aoff+40(SI), Z4 \
	VDPBF16PS(0, 4, 28) \
	VDPBF16PS(1, 4, 29) \
	VBROADCASTSS aoff+44(SI), Z5 \
	VDPBF16PS(0, 5, 30) \
	VDPBF16PS(1, 5, 31)

// func gemmBF16AVX512(c *float32, ldc int, a, b *float32, k, rows, cols int, add bool)
//
// Panel by panel of A, the same panel of B for each.
TEXT ·gemmBF16AVX512(SB), NOSPLIT, $0-57
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ k+32(FP), R11
	MOVQ rows+40(FP), R13
	MOVQ cols+48(FP), AX
	MASKS
	SHLQ $2, R8

panel:
	MOVQ b+24(FP), DX
	CLEAR_TILE
	FETCH_TILE
	MOVQ R11, CX
	MOVQ R11, BX
	SHRQ $2, BX
	JZ   tail

loop:
	PREFETCHT0 768(SI)
	PREFETCHT0 832(SI)
	PREFETCHT0 896(SI)
	STEP(0, 0)
	STEP(48, 128)
	STEP(96, 256)
	STEP(144, 384)
	ADDQ $192, SI
	ADDQ $512, DX
	DECQ BX
	JNZ  loop

tail:
	ANDQ $3, CX
	JZ   write

one:
	STEP(0, 0)
	ADDQ $48, SI
	ADDQ $128, DX
	DECQ CX
	JNZ  one

write:
	CMPB add+56(FP), $0
	JNE  accumulate
	STORE_TILE
	JMP  panel

accumulate:
	ADD_TILE
	JMP  panel

done:
	VZEROUPPER
	RET
