//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"
#include "dotk_amd64.h"

// Run i of 64 elements: the lower halves of 32 bytes, then the upper ones.
#define RUN(i) \
	VMOVDQU      16+32*i(SI), Y12       \
	FROM_NIBBLES(Y12)                   \
	PRODUCTS(256*i, Y15)                \
	VBROADCASTSS 8*i(SP), Y14           \
	VFMADD231PS  Y14, Y15, Y4           \
	VPSRLD       $4, Y12, Y12           \
	FROM_NIBBLES(Y12)                   \
	PRODUCTS(256*i+128, Y13)            \
	VBROADCASTSS 8*i+4(SP), Y14         \
	VFMADD231PS  Y14, Y13, Y6

// func dotQ4KAVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ4KAVX2(SB), NOSPLIT, $32-80
	ROWS_BEGIN
	NIBBLES

row:
	ROW_BEGIN

block:
	PREFETCHT0 AHEAD(SI)
	PREFETCHT0 AHEAD+64(SI)
	PREFETCHT0 AHEAD+128(SI)
	K_SCALES
	VFMADD231PS 1024(DX), Y14, Y5 // sums of x with their signs changed
	RUN(0)
	RUN(1)
	RUN(2)
	RUN(3)
	ADDQ $144, SI
	ADDQ $1056, DX
	DECQ CX
	JNZ  block
	ROW_END
	JNZ  row
	VZEROUPPER
	RET
