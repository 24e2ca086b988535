//go:build !noasm

#include "textflag.h"
#include "decode_amd64.h"
#include "decodek_amd64.h"
#include "dotk_amd64.h"

// FIFTHS adds the bits of the 32 bytes at 16(SI) that SHIFT by n moves to bit 4.
#define FIFTHS(SHIFT, n) \
	VMOVDQU 16(SI), Y1   \
	SHIFT   $n, Y1, Y1   \
	VPAND   Y11, Y1, Y1  \
	VPOR    Y1, Y0, Y0

// Run i of 64 elements: the lower halves of 32 bytes, then the upper ones.
#define RUN(i, SHIFT0, n0, SHIFT1, n1) \
	VMOVDQU 48+32*i(SI), Y10 \
	VPAND   Y12, Y10, Y0     \
	FIFTHS(SHIFT0, n0)       \
	K_SCALE(2*i)             \
	EXPAND_TO(256*i)         \
	VPSRLW  $4, Y10, Y0      \
	VPAND   Y12, Y0, Y0      \
	FIFTHS(SHIFT1, n1)       \
	K_SCALE(2*i+1)           \
	EXPAND_TO(256*i+128)

// func decodeQ5KAVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ5KAVX2(SB), NOSPLIT, $64-24
	K_BEGIN(256)

loop:
	PREFETCHT0 1024(SI)
	PREFETCHT0 1088(SI)
	PREFETCHT0 1152(SI)
	K_SCALES
	K_MINIMA
	RUN(0, VPSLLW, 4, VPSLLW, 3)
	RUN(1, VPSLLW, 2, VPSLLW, 1)
	RUN(2, VPSRLW, 0, VPSRLW, 1)
	RUN(3, VPSRLW, 2, VPSRLW, 3)
	ADDQ $176, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
