//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "codes_arm64.h"

// Kernels that widen blocks: the products of scales and codes are exact, so that they have
// the bits of tensor.DecodeF32 whether a sum is fused or not.

#define NOTHING

#define SCALE_ALL \
	FLOATS(0, 1, 2, 3, 8) \
	FLOATS(4, 5, 6, 7, 9) \
	FMUL(0, 0, 10)        \
	FMUL(1, 1, 10)        \
	FMUL(2, 2, 10)        \
	FMUL(3, 3, 10)        \
	FMUL(4, 4, 10)        \
	FMUL(5, 5, 10)        \
	FMUL(6, 6, 10)        \
	FMUL(7, 7, 10)

// EACH does OP with register m to all 32.
#define EACH(OP, m) \
	OP(0, 0, m) \
	OP(1, 1, m) \
	OP(2, 2, m) \
	OP(3, 3, m) \
	OP(4, 4, m) \
	OP(5, 5, m) \
	OP(6, 6, m) \
	OP(7, 7, m)

#define ADD_MINIMUM EACH(FADD, 11)

#define STORE \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0) \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)

#define DECODE_BEGIN \
	MOVD dst+0(FP), R0     \
	MOVD src+8(FP), R2     \
	MOVD blocks+16(FP), R6 \
	LOAD_PLACES

#define DECODE_BLOCKS(BEGIN, CODES, MINIMUM) \
	DECODE_BEGIN   \
	BEGIN          \
block:             \
	CODES          \
	SCALE_ALL      \
	MINIMUM        \
	STORE          \
	SUB  $1, R6    \
	CBNZ R6, block \
	RET

// func decodeQ80NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ80NEON(SB), NOSPLIT, $0-24
	DECODE_BLOCKS(NOTHING, CODES_Q80, NOTHING)

// func decodeQ40NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ40NEON(SB), NOSPLIT, $0-24
	DECODE_BLOCKS(BEGIN_Q40, CODES_Q40, NOTHING)

// func decodeQ50NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ50NEON(SB), NOSPLIT, $0-24
	DECODE_BLOCKS(BEGIN_Q50, CODES_Q50, NOTHING)

// func decodeQ41NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ41NEON(SB), NOSPLIT, $0-24
	DECODE_BLOCKS(BEGIN_Q41, CODES_Q41, ADD_MINIMUM)

// func decodeQ51NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ51NEON(SB), NOSPLIT, $0-24
	DECODE_BLOCKS(BEGIN_Q51, CODES_Q51, ADD_MINIMUM)

// STORE_RUN writes run i of a block of 256, whose codes are in V8 and V9: lane i of the
// scales and minima in two registers each.
#define STORE_RUN(scales, minima, i) \
	FLOATS(0, 1, 2, 3, 8)       \
	FLOATS(4, 5, 6, 7, 9)       \
	DUP_S(18, scales, i)        \
	DUP_S(19, minima, i)        \
	EACH(FMUL, 18)              \
	EACH(FSUB, 19)              \
	STORE

// NIBBLES_PAIR writes two runs of 32, the lower and the upper halves of bytes.
#define NIBBLES_PAIR(scales, minima, i) \
	VLD1.P 32(R2), [V13.B16, V14.B16]  \
	AND_B(8, 13, 12)                     \
	AND_B(9, 14, 12)                     \
	STORE_RUN(scales, minima, i)       \
	USHR_B(8, 13, 4)                   \
	USHR_B(9, 14, 4)                   \
	STORE_RUN(scales, minima, i+1)

// func decodeQ4KNEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ4KNEON(SB), NOSPLIT, $0-24
	DECODE_BEGIN
	VMOVI $15, V12.B16

block:
	K_SCALES
	NIBBLES_PAIR(10, 16, 0)
	NIBBLES_PAIR(10, 16, 2)
	NIBBLES_PAIR(11, 17, 0)
	NIBBLES_PAIR(11, 17, 2)
	SUB  $1, R6
	CBNZ R6, block
	RET

// FIFTHS_PAIR is NIBBLES_PAIR with fifth bits from V15 and V27, moved by LOWER and UPPER.
#define FIFTHS_PAIR(LOWER, s, UPPER, t, scales, minima, i) \
	VLD1.P 32(R2), [V13.B16, V14.B16]  \
	AND_B(8, 13, 12)                     \
	AND_B(9, 14, 12)                     \
	LOWER(0, 15, s)                    \
	LOWER(1, 27, s)                    \
	FIFTHS_JOIN                        \
	STORE_RUN(scales, minima, i)       \
	USHR_B(8, 13, 4)                   \
	USHR_B(9, 14, 4)                   \
	UPPER(0, 15, t)                    \
	UPPER(1, 27, t)                    \
	FIFTHS_JOIN                        \
	STORE_RUN(scales, minima, i+1)

// V26 has bytes of 16.
#define FIFTHS_JOIN \
	AND_B(0, 0, 26) \
	AND_B(1, 1, 26) \
	ORR_B(8, 8, 0)  \
	ORR_B(9, 9, 1)

// func decodeQ5KNEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ5KNEON(SB), NOSPLIT, $0-24
	DECODE_BEGIN
	VMOVI $15, V12.B16
	VMOVI $16, V26.B16

block:
	K_SCALES
	VLD1.P 16(R2), [V15.B16]
	VLD1.P 16(R2), [V27.B16]
	FIFTHS_PAIR(SHL_B, 4, SHL_B, 3, 10, 16, 0)
	FIFTHS_PAIR(SHL_B, 2, SHL_B, 1, 10, 16, 2)
	FIFTHS_PAIR(SHL_B, 0, USHR_B, 1, 11, 17, 0)
	FIFTHS_PAIR(USHR_B, 2, USHR_B, 3, 11, 17, 2)
	SUB  $1, R6
	CBNZ R6, block
	RET

// STORE_SIXES writes 32 elements, 16 for each of two scales.
#define STORE_SIXES(scales, i) \
	SIX_JOIN                   \
	FLOATS(0, 1, 2, 3, 8)      \
	FLOATS(4, 5, 6, 7, 9)      \
	FMUL_LANE(0, 0, scales, i)   \
	FMUL_LANE(1, 1, scales, i)   \
	FMUL_LANE(2, 2, scales, i)   \
	FMUL_LANE(3, 3, scales, i)   \
	FMUL_LANE(4, 4, scales, i+1) \
	FMUL_LANE(5, 5, scales, i+1) \
	FMUL_LANE(6, 6, scales, i+1) \
	FMUL_LANE(7, 7, scales, i+1) \
	STORE

// func decodeQ6KNEON(dst *float32, src *byte, blocks int)
TEXT ·decodeQ6KNEON(SB), NOSPLIT, $0-24
	DECODE_BEGIN
	SIX_BEGIN

block:
	SIX_BLOCK
	MOVD $2, R7

half:
	SIX_SCALES
	VLD1.P 64(R8), [V16.B16, V17.B16, V18.B16, V19.B16]
	VLD1.P 32(R9), [V20.B16, V21.B16]
	AND_B(8, 16, 12)
	AND_B(9, 17, 12)
	SHL_B(0, 20, 4)
	SHL_B(1, 21, 4)
	STORE_SIXES(10, 0)
	AND_B(8, 18, 12)
	AND_B(9, 19, 12)
	SHL_B(0, 20, 2)
	SHL_B(1, 21, 2)
	STORE_SIXES(10, 2)
	USHR_B(8, 16, 4)
	USHR_B(9, 17, 4)
	SHL_B(0, 20, 0)
	SHL_B(1, 21, 0)
	STORE_SIXES(11, 0)
	USHR_B(8, 18, 4)
	USHR_B(9, 19, 4)
	USHR_B(0, 20, 2)
	USHR_B(1, 21, 2)
	STORE_SIXES(11, 2)
	SUB  $1, R7
	CBNZ R7, half
	SUB  $1, R6
	CBNZ R6, block
	RET
