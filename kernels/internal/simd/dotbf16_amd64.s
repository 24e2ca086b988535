//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"

// 16 numbers are eight words of 32 bits, each with an even element below an odd
// one: x has eight even elements, then eight odd ones.
#define SIXTEEN(off, even, odd) \
	VMOVDQU     off(SI), Y2          \
	VPSLLD      $16, Y2, Y3          \
	VPAND       Y15, Y2, Y2          \
	VFMADD231PS 2*off(DX), Y3, even  \
	VFMADD231PS 2*off+32(DX), Y2, odd

// func dotBF16AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotBF16AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VPCMPEQD Y15, Y15, Y15
	VPSLLD   $16, Y15, Y15

row:
	ROW_BEGIN

block:
	SIXTEEN(0, Y4, Y5)
	SIXTEEN(32, Y6, Y7)
	ADDQ $64, SI
	ADDQ $128, DX
	DECQ CX
	JNZ  block
	ROW_END
	JNZ  row
	VZEROUPPER
	RET
