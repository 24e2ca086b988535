//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"
#include "dotk_amd64.h"

// HALF multiplies the bytes of Y14, 4 bits each, and the bits of Y7 that SHIFT by
// n moves to bit 4.
#define HALF(SHIFT, n, at, scale, sum) \
	SHIFT        $n, Y7, Y15         \
	VPAND        SIXTEEN, Y15, Y15   \
	VPOR         Y15, Y14, Y14       \
	FROM_BYTES(Y14)                  \
	PRODUCTS(at, Y15)                \
	VBROADCASTSS scale(SP), Y14      \
	VFMADD231PS  Y14, Y15, sum

// Run i of 64 elements: the lower halves of 32 bytes, then the upper ones; their
// fifth bits are bits 2i and 2i+1 of the bytes of Y7.
#define RUN(i, SHIFT0, n0, SHIFT1, n1) \
	VMOVDQU 48+32*i(SI), Y12       \
	VPAND   LOWER, Y12, Y14        \
	HALF(SHIFT0, n0, 256*i, 8*i, Y4)   \
	VPSRLW  $4, Y12, Y14           \
	VPAND   LOWER, Y14, Y14        \
	HALF(SHIFT1, n1, 256*i+128, 8*i+4, Y6)

// func dotQ5KAVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ5KAVX2(SB), NOSPLIT, $32-80
	ROWS_BEGIN
	BYTES

row:
	ROW_BEGIN

block:
	PREFETCHT0 AHEAD(SI)
	PREFETCHT0 AHEAD+64(SI)
	PREFETCHT0 AHEAD+128(SI)
	K_SCALES
	VFMADD231PS 1024(DX), Y14, Y5 // sums of x with their signs changed
	VMOVDQU 16(SI), Y7
	RUN(0, VPSLLW, 4, VPSLLW, 3)
	RUN(1, VPSLLW, 2, VPSLLW, 1)
	RUN(2, VPSRLW, 0, VPSRLW, 1)
	RUN(3, VPSRLW, 2, VPSRLW, 3)
	VPXOR Y7, Y7, Y7
	ADDQ  $176, SI
	ADDQ  $1056, DX
	DECQ  CX
	JNZ   block
	ROW_END
	JNZ   row
	VZEROUPPER
	RET
