//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "codes_arm64.h"
#include "dotrows_arm64.h"

// Rows times a vector of 8 bits, each kernel
//
//	func q8…NEON(y *float32, x, src *byte, rows, blocks int)
//
// with the order of sums of q8Vector.dotGeneric. x has its codes, at R5, its scales, at R7,
// and its scaled sums, at R14. Two products of codes fit in 16 bits.

#define Q8_BEGIN(shift) \
	MOVD y+0(FP), R0        \
	MOVD x+8(FP), R1        \
	MOVD src+16(FP), R2     \
	MOVD rows+24(FP), R3    \
	MOVD blocks+32(FP), R4  \
	ADD  R4<<shift, R1, R15 \
	LSL  $shift, R4, R16    \
	ADD  R16>>3, R15, R16

#define Q8_ROW_BEGIN \
	ROW_BEGIN                      \
	MOVD R15, R7                   \
	MOVD R16, R14                  \
	VEOR V22.B16, V22.B16, V22.B16 \
	VEOR V23.B16, V23.B16, V23.B16

// FOURS leaves in V0 the sums of four products of V8 with the codes of x in V16, in V2
// those of V9 and V17, both as floats. PAIRS leaves the first plus the second in V0.
#define MULTIPLY \
	VLD1.P 32(R5), [V16.B16, V17.B16] \
	SMULL(0, 8, 16)  \
	SMULL2(1, 8, 16) \
	SMULL(2, 9, 17)  \
	SMULL2(3, 9, 17) \
	ADDP_H(0, 0, 1)  \
	ADDP_H(2, 2, 3)  \
	SADDLP_H(0, 0)

#define FOURS \
	MULTIPLY       \
	SADDLP_H(2, 2) \
	SCVTF(0, 0)    \
	SCVTF(2, 2)

#define PAIRS \
	MULTIPLY       \
	SADALP_H(0, 2) \
	SCVTF(0, 0)

// Q8_SCALE multiplies the scale of a block of 32 with that of x: V18.
#define Q8_SCALE \
	VLD1R.P 4(R7), [V18.S4] \
	FMUL(18, 18, 10)

#define NOTHING
#define NO_MINIMUM(low)

// Q8_MINIMUM adds the minimum times the scaled sum to a scalar, rounding twice.
#define Q8_MINIMUM(low) \
	FMOVS.P 4(R14), F19     \
	FMULS   F11, F19, F19   \
	FADDS   F19, low, low

#define PAIR_BLOCK(CODES, MINIMUM, sum, low) \
	CODES           \
	MINIMUM(low)    \
	PAIRS           \
	Q8_SCALE        \
	FMLA(sum, 0, 18)

// Sums of minima join those of products in lane 1.
#define Q8_PAIRS(BEGIN, CODES, MINIMUM) \
	Q8_BEGIN(5)                           \
	MOVD   $·codeTable+64(SB), R11        \
	BEGIN                                 \
row:                                      \
	Q8_ROW_BEGIN                          \
pair:                                     \
	PAIR_BLOCK(CODES, MINIMUM, 24, F22)   \
	SUB    $1, R6                         \
	CBZ    R6, done                       \
	PAIR_BLOCK(CODES, MINIMUM, 25, F23)   \
	SUB    $1, R6                         \
	CBNZ   R6, pair                       \
done:                                     \
	VEOR   V0.B16, V0.B16, V0.B16         \
	VZIP1  V22.S4, V0.S4, V22.S4          \
	VZIP1  V23.S4, V0.S4, V23.S4          \
	FADD(24, 24, 22)                      \
	FADD(25, 25, 23)                      \
	FADD(24, 24, 25)                      \
	ROW_END                               \
	CBNZ   R3, row                        \
	RET

// RUN does 32 elements with one scale or two: lanes i and j.
#define RUN(first, second, scales, i, j) \
	FOURS                             \
	FMLA_LANE(first, 0, scales, i)    \
	FMLA_LANE(second, 2, scales, j)

#define EVEN(scales, i, j) RUN(24, 25, scales, i, j)
#define ODD(scales, i, j) RUN(22, 23, scales, i, j)

#define FOLD \
	FADD(24, 24, 22) \
	FADD(25, 25, 23) \
	FADD(24, 24, 25)

#define K_BLOCK \
	K_SCALES                          \
	VLD1.P 32(R7), [V18.S4, V19.S4]   \
	VLD1.P 32(R14), [V20.S4, V21.S4]  \
	FMUL(10, 10, 18)                  \
	FMUL(11, 11, 19)                  \
	FMLS(28, 16, 20)                  \
	FMLS(29, 17, 21)

#define K_ROW_BEGIN \
	Q8_ROW_BEGIN                   \
	VEOR V28.B16, V28.B16, V28.B16 \
	VEOR V29.B16, V29.B16, V29.B16

#define K_FOLD \
	FADD(24, 24, 28) \
	FADD(25, 25, 29) \
	FOLD

#define NIBBLES_PAIR(scales, i) \
	VLD1.P 32(R2), [V13.B16, V14.B16] \
	AND_B(8, 13, 12)                  \
	AND_B(9, 14, 12)                  \
	EVEN(scales, i, i)                \
	USHR_B(8, 13, 4)                  \
	USHR_B(9, 14, 4)                  \
	ODD(scales, i+1, i+1)

// FIFTHS_PAIR is NIBBLES_PAIR with fifth bits from V15 and V27, moved by LOWER and UPPER.
#define FIFTHS_PAIR(LOWER, s, UPPER, t, scales, i) \
	VLD1.P 32(R2), [V13.B16, V14.B16] \
	AND_B(8, 13, 12)                  \
	AND_B(9, 14, 12)                  \
	LOWER(0, 15, s)                   \
	LOWER(1, 27, s)                   \
	FIFTHS_JOIN                       \
	EVEN(scales, i, i)                \
	USHR_B(8, 13, 4)                  \
	USHR_B(9, 14, 4)                  \
	UPPER(0, 15, t)                   \
	UPPER(1, 27, t)                   \
	FIFTHS_JOIN                       \
	ODD(scales, i+1, i+1)

// V26 has bytes of 16.
#define FIFTHS_JOIN \
	AND_B(0, 0, 26) \
	AND_B(1, 1, 26) \
	ORR_B(8, 8, 0)  \
	ORR_B(9, 9, 1)

// SIX_CODES has 32 codes for each half of bytes at(R8).
#define SIX_CODES(at) \
	FMOVQ at(R8), F8    \
	FMOVQ at+16(R8), F9

// func q8Q40NEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q40NEON(SB), NOSPLIT, $0-40
	Q8_PAIRS(BEGIN_Q40, CODES_Q40, NO_MINIMUM)

// func q8Q41NEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q41NEON(SB), NOSPLIT, $0-40
	Q8_PAIRS(BEGIN_Q41, CODES_Q41, Q8_MINIMUM)

// func q8Q50NEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q50NEON(SB), NOSPLIT, $0-40
	Q8_PAIRS(BEGIN_Q50, CODES_Q50, NO_MINIMUM)

// func q8Q51NEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q51NEON(SB), NOSPLIT, $0-40
	Q8_PAIRS(BEGIN_Q51, CODES_Q51, Q8_MINIMUM)

// func q8Q80NEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q80NEON(SB), NOSPLIT, $0-40
	Q8_BEGIN(5)

row:
	Q8_ROW_BEGIN

pair:
	CODES_Q80
	Q8_SCALE
	EVEN(18, 0, 0)
	SUB  $1, R6
	CBZ  R6, done
	CODES_Q80
	Q8_SCALE
	ODD(18, 0, 0)
	SUB  $1, R6
	CBNZ R6, pair

done:
	FOLD
	ROW_END
	CBNZ R3, row
	RET

// func q8Q4KNEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q4KNEON(SB), NOSPLIT, $0-40
	Q8_BEGIN(8)
	VMOVI $15, V12.B16

row:
	K_ROW_BEGIN

block:
	K_BLOCK
	NIBBLES_PAIR(10, 0)
	NIBBLES_PAIR(10, 2)
	NIBBLES_PAIR(11, 0)
	NIBBLES_PAIR(11, 2)
	SUB  $1, R6
	CBNZ R6, block
	K_FOLD
	ROW_END
	CBNZ R3, row
	RET

// func q8Q5KNEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q5KNEON(SB), NOSPLIT, $0-40
	Q8_BEGIN(8)
	VMOVI $15, V12.B16
	VMOVI $16, V26.B16

row:
	K_ROW_BEGIN

block:
	K_BLOCK
	VLD1.P 16(R2), [V15.B16]
	VLD1.P 16(R2), [V27.B16]
	FIFTHS_PAIR(SHL_B, 4, SHL_B, 3, 10, 0)
	FIFTHS_PAIR(SHL_B, 2, SHL_B, 1, 10, 2)
	FIFTHS_PAIR(SHL_B, 0, USHR_B, 1, 11, 0)
	FIFTHS_PAIR(USHR_B, 2, USHR_B, 3, 11, 2)
	SUB  $1, R6
	CBNZ R6, block
	K_FOLD
	ROW_END
	CBNZ R3, row
	RET

// func q8Q6KNEON(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q6KNEON(SB), NOSPLIT, $0-40
	Q8_BEGIN(8)
	SIX_BEGIN

row:
	Q8_ROW_BEGIN

block:
	SIX_BLOCK
	MOVD $2, R11

half:
	SIX_SCALES
	VLD1.P 16(R7), [V18.S4]
	VZIP1  V18.S4, V18.S4, V19.S4
	VZIP2  V18.S4, V18.S4, V20.S4
	FMUL(10, 10, 19)
	FMUL(11, 11, 20)
	VLD1.P 16(R9), [V15.B16]
	VLD1.P 16(R9), [V27.B16]
	SIX_CODES(0)
	AND_B(8, 8, 12)
	AND_B(9, 9, 12)
	SHL_B(0, 15, 4)
	SHL_B(1, 27, 4)
	SIX_JOIN
	EVEN(10, 0, 1)
	SIX_CODES(32)
	AND_B(8, 8, 12)
	AND_B(9, 9, 12)
	SHL_B(0, 15, 2)
	SHL_B(1, 27, 2)
	SIX_JOIN
	ODD(10, 2, 3)
	SIX_CODES(0)
	USHR_B(8, 8, 4)
	USHR_B(9, 9, 4)
	SHL_B(0, 15, 0)
	SHL_B(1, 27, 0)
	SIX_JOIN
	EVEN(11, 0, 1)
	SIX_CODES(32)
	USHR_B(8, 8, 4)
	USHR_B(9, 9, 4)
	USHR_B(0, 15, 2)
	USHR_B(1, 27, 2)
	SIX_JOIN
	ODD(11, 2, 3)
	ADD  $64, R8
	SUB  $1, R11
	CBNZ R11, half
	SUB  $1, R6
	CBNZ R6, block
	FOLD
	ROW_END
	CBNZ R3, row
	RET
