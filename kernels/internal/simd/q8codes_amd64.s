//go:build !noasm

#include "textflag.h"
#include "q8codes_amd64.h"

// Kernels that take blocks apart, each of them
//
//	func codes…AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
//
// which writes the codes of each 32 elements, in order and with their signs, their scale
// and their minimum, or for Q6_K the scale of the second 16.
#define BLOCKS_BEGIN \
	MOVQ    codes+0(FP), DI   \
	MOVQ    scales+8(FP), R8  \
	MOVQ    minima+16(FP), R10 \
	MOVQ    src+24(FP), SI    \
	MOVQ    blocks+32(FP), CX \
	LEAQ    ·q8Table(SB), R9  \
	VMOVDQU (R9), Y15

#define BLOCKS_END(size, n) \
	ADDQ $size, SI  \
	ADDQ $n, DI     \
	ADDQ $(n/8), R8 \
	ADDQ $(n/8), R10 \
	DECQ CX

// SCALE and SCALE_AND_MINIMUM widen what a block of 32 begins with.
#define SCALE \
	VPBROADCASTW (SI), X3 \
	VCVTPH2PS    X3, X3   \
	VMOVSS       X3, (R8)

#define SCALE_AND_MINIMUM \
	VPBROADCASTD (SI), X3    \
	VCVTPH2PS    X3, X3      \
	VMOVSS       X3, (R8)    \
	VEXTRACTPS   $1, X3, (R10)

// BOTH_HALVES sets Y0 to 32 codes of 4 bits.
#define BOTH_HALVES(codes) \
	VMOVDQU     codes(SI), X0   \
	HALVES                      \
	VINSERTI128 $1, X1, Y0, Y0

// func codesQ40AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ40AVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN
	VMOVDQU SIXTEEN, Y14
	VPSRLW $1, Y14, Y14

block:
	SCALE
	BOTH_HALVES(2)
	VPSUBB Y14, Y0, Y0
	VMOVDQU Y0, (DI)
	BLOCKS_END(18, 32)
	JNZ block
	VZEROUPPER
	RET

// func codesQ41AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ41AVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN

block:
	SCALE_AND_MINIMUM
	BOTH_HALVES(4)
	VMOVDQU Y0, (DI)
	BLOCKS_END(20, 32)
	JNZ block
	VZEROUPPER
	RET

// func codesQ50AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ50AVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN
	VMOVDQU SIXTEEN, Y14

block:
	SCALE
	BOTH_HALVES(6)
	VPBROADCASTD 2(SI), Y7
	FIFTHS(SPREAD, Y0)
	VPSUBB Y14, Y0, Y0
	VMOVDQU Y0, (DI)
	BLOCKS_END(22, 32)
	JNZ block
	VZEROUPPER
	RET

// func codesQ51AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ51AVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN

block:
	SCALE_AND_MINIMUM
	BOTH_HALVES(8)
	VPBROADCASTD 4(SI), Y7
	FIFTHS(SPREAD, Y0)
	VMOVDQU Y0, (DI)
	BLOCKS_END(24, 32)
	JNZ block
	VZEROUPPER
	RET

// func codesQ80AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ80AVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN

block:
	SCALE
	VMOVDQU 2(SI), Y0
	VMOVDQU Y0, (DI)
	BLOCKS_END(34, 32)
	JNZ block
	VZEROUPPER
	RET

// K_BEGIN writes the scales of a block of 256 and its minima with their signs changed.
#define K_BEGIN \
	K_SCALES           \
	VMOVUPS Y3, (R8)   \
	K_MINIMA           \
	VPXOR   Y0, Y0, Y0 \
	VSUBPS  Y3, Y0, Y3 \
	VMOVUPS Y3, (R10)

#define Q4K_RUN(i) \
	VMOVDQU 16+32*i(SI), Y0   \
	HALVES                    \
	VMOVDQU Y0, 64*i(DI)      \
	VMOVDQU Y1, 64*i+32(DI)

// func codesQ4KAVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ4KAVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN

block:
	K_BEGIN
	Q4K_RUN(0)
	Q4K_RUN(1)
	Q4K_RUN(2)
	Q4K_RUN(3)
	BLOCKS_END(144, 256)
	JNZ block
	VZEROUPPER
	RET

#define Q5K_RUN(i, SHIFT0, n0, SHIFT1, n1) \
	VMOVDQU 48+32*i(SI), Y0   \
	HALVES                    \
	K_FIFTHS(SHIFT0, n0, Y0)  \
	K_FIFTHS(SHIFT1, n1, Y1)  \
	VMOVDQU Y0, 64*i(DI)      \
	VMOVDQU Y1, 64*i+32(DI)

// func codesQ5KAVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
TEXT ·codesQ5KAVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN

block:
	K_BEGIN
	VMOVDQU 16(SI), Y7
	Q5K_RUN(0, VPSLLW, 4, VPSLLW, 3)
	Q5K_RUN(1, VPSLLW, 2, VPSLLW, 1)
	Q5K_RUN(2, VPSRLW, 0, VPSRLW, 1)
	Q5K_RUN(3, VPSRLW, 2, VPSRLW, 3)
	BLOCKS_END(176, 256)
	JNZ block
	VZEROUPPER
	RET

#define Q6K_PART(SHIFT, n, g, w) \
	SIXTHS(SHIFT, n, w)     \
	VPSUBB  Y14, w, w       \
	VMOVDQU w, 32*(g)(DI)

#define Q6K_HALF(h) \
	VMOVDQU 128+32*h(SI), Y7        \
	VMOVDQU 64*h(SI), Y0            \
	HALVES                          \
	Q6K_PART(VPSLLW, 4, 4*h, Y0)    \
	Q6K_PART(VPSRLW, 0, 4*h+2, Y1)  \
	VMOVDQU 64*h+32(SI), Y0         \
	HALVES                          \
	Q6K_PART(VPSLLW, 2, 4*h+1, Y0)  \
	Q6K_PART(VPSRLW, 2, 4*h+3, Y1)

// func codesQ6KAVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
//
// Scales of first halves are even ones of the 16, those of second halves odd ones.
TEXT ·codesQ6KAVX2(SB), NOSPLIT, $0-40
	BLOCKS_BEGIN
	VMOVDQU SIXTEEN, Y14
	VPADDB Y14, Y14, Y14

block:
	SIX_SCALES
	VSHUFPS $0x88, Y1, Y0, Y2
	VPERMQ $0xd8, Y2, Y2
	VMOVUPS Y2, (R8)
	VSHUFPS $0xdd, Y1, Y0, Y2
	VPERMQ $0xd8, Y2, Y2
	VMOVUPS Y2, (R10)
	Q6K_HALF(0)
	Q6K_HALF(1)
	BLOCKS_END(210, 256)
	JNZ block
	VZEROUPPER
	RET
