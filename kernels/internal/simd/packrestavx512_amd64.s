//go:build !noasm

#include "textflag.h"
#include "turn16_amd64.h"

// ROW loads row i, a masked part of it, and goes on if it was the last.
#define ROW(i, y) \
	VMOVUPS.Z (BX), K2, y \
	ADDQ R9, BX     \
	CMPQ AX, $(i+1) \
	JEQ  turn

// COLUMN stores a column of the rows and goes to the end after the last.
#define COLUMN(p, y) \
	VMOVUPS y, K1, (DX) \
	ADDQ R8, DX      \
	CMPQ R10, $(p+1) \
	JEQ  next

#define CLEAR(y) VPXORD y, y, y

// func interleaveRestAVX512(dst *float32, width int, src *float32, stride, rows, lanes, k int)
//
// Blocks of up to 16 columns. K1 has a bit for each lane of dst, K2 for each column.
TEXT ·interleaveRestAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DX
	MOVQ width+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ stride+24(FP), R9
	MOVQ rows+32(FP), AX
	MOVQ lanes+40(FP), BX
	MOVQ k+48(FP), R11
	SHLQ $2, R8
	SHLQ $2, R9
	MOVL $16, CX
	SUBL BX, CX
	MOVL $0xffff, BX
	SHRL CX, BX
	KMOVW BX, K1

block:
	MOVQ $16, R10
	CMPQ R11, R10
	CMOVQLT R11, R10           // columns of the block
	MOVL $16, CX
	SUBL R10, CX
	MOVL $0xffff, BX
	SHRL CX, BX
	KMOVW BX, K2
	CLEAR(Z0)
	CLEAR(Z1)
	CLEAR(Z2)
	CLEAR(Z3)
	CLEAR(Z4)
	CLEAR(Z5)
	CLEAR(Z6)
	CLEAR(Z7)
	CLEAR(Z8)
	CLEAR(Z9)
	CLEAR(Z10)
	CLEAR(Z11)
	CLEAR(Z12)
	CLEAR(Z13)
	CLEAR(Z14)
	CLEAR(Z15)
	MOVQ SI, BX
	TESTQ AX, AX
	JZ   turn
	ROW(0, Z0)
	ROW(1, Z1)
	ROW(2, Z2)
	ROW(3, Z3)
	ROW(4, Z4)
	ROW(5, Z5)
	ROW(6, Z6)
	ROW(7, Z7)
	ROW(8, Z8)
	ROW(9, Z9)
	ROW(10, Z10)
	ROW(11, Z11)
	ROW(12, Z12)
	ROW(13, Z13)
	ROW(14, Z14)
	ROW(15, Z15)

turn:
	TURN16
	COLUMN(0, Z0)
	COLUMN(1, Z1)
	COLUMN(2, Z2)
	COLUMN(3, Z3)
	COLUMN(4, Z4)
	COLUMN(5, Z5)
	COLUMN(6, Z6)
	COLUMN(7, Z7)
	COLUMN(8, Z8)
	COLUMN(9, Z9)
	COLUMN(10, Z10)
	COLUMN(11, Z11)
	COLUMN(12, Z12)
	COLUMN(13, Z13)
	COLUMN(14, Z14)
	COLUMN(15, Z15)

next:
	ADDQ $64, SI
	SUBQ $16, R11
	JGT  block
	VZEROUPPER
	RET
