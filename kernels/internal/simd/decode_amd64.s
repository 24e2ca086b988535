//go:build !noasm

#include "textflag.h"
#include "decode_amd64.h"

#define DECODE(WIDEN, size) \
	MOVQ    dst+0(FP), DI        \
	MOVQ    src+8(FP), SI        \
	MOVQ    blocks+16(FP), CX    \
	LEAQ    ·decodeTable(SB), R8 \
	CODES                        \
loop:                            \
	PREFETCHT0 1024(SI)          \
	WIDEN                        \
	VMOVUPS Y0, (DI)             \
	VMOVUPS Y1, 32(DI)           \
	VMOVUPS Y2, 64(DI)           \
	VMOVUPS Y3, 96(DI)           \
	ADDQ    $128, DI             \
	ADDQ    $size, SI            \
	DECQ    CX                   \
	JNZ     loop                 \
	VZEROUPPER                   \
	RET

// func decodeBF16AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeBF16AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_BF16, 64)

// func decodeF16AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeF16AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_F16, 64)

// func decodeQ40AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ40AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_Q4_0, 18)

// func decodeQ41AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ41AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_Q4_1, 20)

// func decodeQ50AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ50AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_Q5_0, 22)

// func decodeQ51AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ51AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_Q5_1, 24)

// func decodeQ80AVX2(dst *float32, src *byte, blocks int)
TEXT ·decodeQ80AVX2(SB), NOSPLIT, $0-24
	DECODE(WIDEN_Q8_0, 34)
