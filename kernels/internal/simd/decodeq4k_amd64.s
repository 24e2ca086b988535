//go:build !noasm

#include "textflag.h"
#include "decode_amd64.h"
#include "decodek_amd64.h"
#include "dotk_amd64.h"

// Run i of 64 elements: the lower halves of 32 bytes, then the upper ones.
#define RUN(i) \
	VMOVDQU 16+32*i(SI), Y10 \
	VPAND   Y12, Y10, Y0     \
	K_SCALE(2*i)             \
	EXPAND_TO(256*i)         \
	VPSRLW  $4, Y10, Y0      \
	VPAND   Y12, Y0, Y0      \
	K_SCALE(2*i+1)           \
	EXPAND_TO(256*i+128)

// func decodeQ4KAVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ4KAVX2(SB), NOSPLIT, $64-24
	K_BEGIN(256)

loop:
	PREFETCHT0 1024(SI)
	PREFETCHT0 1088(SI)
	PREFETCHT0 1152(SI)
	K_SCALES
	K_MINIMA
	RUN(0)
	RUN(1)
	RUN(2)
	RUN(3)
	ADDQ $144, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
