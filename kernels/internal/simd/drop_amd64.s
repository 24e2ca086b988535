//go:build !noasm

#include "textflag.h"

// Round constants of Philox4x32, as in internal/philox, and the order in which
// four blocks lie in four lanes: so that unpacking brings out 0, 1 and 2, 3.
DATA drop<>+0(SB)/4, $0xD2511F53
DATA drop<>+4(SB)/4, $0xCD9E8D57
DATA drop<>+8(SB)/4, $0x9E3779B9
DATA drop<>+12(SB)/4, $0xBB67AE85
DATA drop<>+16(SB)/8, $0
DATA drop<>+24(SB)/8, $2
DATA drop<>+32(SB)/8, $1
DATA drop<>+40(SB)/8, $3
GLOBL drop<>(SB), RODATA, $48

// ROUND: each lane of 64 bits is a block; word j of it lies in the lower half of
// Yj, and the upper half, which no product reads, holds anything.
#define ROUND \
	VPMULUDQ Y12, Y0, Y4 \
	VPMULUDQ Y13, Y2, Y5 \
	VPSRLQ   $32, Y5, Y0 \
	VPSRLQ   $32, Y4, Y2 \
	VPXOR    Y1, Y0, Y0  \
	VPXOR    Y3, Y2, Y2  \
	VPXOR    Y8, Y0, Y0  \
	VPXOR    Y9, Y2, Y2  \
	VMOVDQA  Y5, Y1      \
	VMOVDQA  Y4, Y3

#define BUMP \
	VPADDD Y10, Y8, Y8 \
	VPADDD Y11, Y9, Y9

// WORDS: 8 words in w decide on 8 elements.
#define WORDS(w, off) \
	VPMAXUD  Y6, w, Y4       \
	VPCMPEQD w, Y4, Y4       \
	VMULPS   off(SI), Y7, Y5 \
	VANDPS   Y4, Y5, Y5      \
	VMOVUPS  Y5, off(DI)

// func dropAVX2(dst, x *float32, n int, p *dropParams)
TEXT ·dropAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ p+24(FP), R8
	LEAQ drop<>(SB), R9
	VPBROADCASTD 0(R9), Y12
	VPBROADCASTD 4(R9), Y13
	VPBROADCASTD 8(R9), Y10
	VPBROADCASTD 12(R9), Y11
	VPBROADCASTD 0(R8), Y14
	VPADDD 16(R9), Y14, Y14   // lower halves of four counters
	VPBROADCASTD 24(R8), Y6
	VBROADCASTSS 28(R8), Y7
	MOVL $4, AX
	VMOVD AX, X15
	VPBROADCASTQ X15, Y15

four:
	VMOVDQA Y14, Y0
	VPBROADCASTD 4(R8), Y1
	VPBROADCASTD 8(R8), Y2
	VPBROADCASTD 12(R8), Y3
	VPBROADCASTD 16(R8), Y8
	VPBROADCASTD 20(R8), Y9
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	BUMP
	ROUND
	VPSLLQ $32, Y1, Y1
	VPSLLQ $32, Y3, Y3
	VPBLENDD $0xAA, Y1, Y0, Y0
	VPBLENDD $0xAA, Y3, Y2, Y2
	VPUNPCKLQDQ Y2, Y0, Y1
	VPUNPCKHQDQ Y2, Y0, Y3
	WORDS(Y1, 0)
	WORDS(Y3, 32)
	VPADDD Y15, Y14, Y14
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ  four
	VZEROUPPER
	RET
