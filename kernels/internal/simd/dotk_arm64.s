//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "codes_arm64.h"
#include "dotrows_arm64.h"

// Rows of blocks of 256: x = d·scale·code - dmin·minimum, the minima times sums of 32 of x.

#define K_BEGIN \
	ROWS_BEGIN         \
	LOAD_PLACES        \
	VMOVI $15, V12.B16

#define K_ROW_BEGIN \
	ROW_BEGIN            \
	ADD R4<<10, R1, R7

#define K_BLOCK \
	K_SCALES                           \
	VLD1.P 32(R7), [V18.S4, V19.S4]    \
	FMLS(24, 16, 18)                   \
	FMLS(25, 17, 19)

#define DOT_RUN(scales, i) \
	DOT_CODES                   \
	FMLA_LANE(24, 0, scales, i) \
	FMLA_LANE(25, 1, scales, i)

#define NIBBLES_PAIR(scales, i) \
	VLD1.P 32(R2), [V13.B16, V14.B16] \
	AND_B(8, 13, 12)                    \
	AND_B(9, 14, 12)                    \
	DOT_RUN(scales, i)                \
	USHR_B(8, 13, 4)                  \
	USHR_B(9, 14, 4)                  \
	DOT_RUN(scales, i+1)

// func dotQ4KNEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ4KNEON(SB), NOSPLIT, $0-40
	K_BEGIN

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
	FADD(24, 24, 25)
	ROW_END
	CBNZ R3, row
	RET

// FIFTHS_PAIR is NIBBLES_PAIR with fifth bits from V15 and V27, moved by LOWER and UPPER.
#define FIFTHS_PAIR(LOWER, s, UPPER, t, scales, i) \
	VLD1.P 32(R2), [V13.B16, V14.B16] \
	AND_B(8, 13, 12)                    \
	AND_B(9, 14, 12)                    \
	LOWER(0, 15, s)                   \
	LOWER(1, 27, s)                   \
	FIFTHS_JOIN                       \
	DOT_RUN(scales, i)                \
	USHR_B(8, 13, 4)                  \
	USHR_B(9, 14, 4)                  \
	UPPER(0, 15, t)                   \
	UPPER(1, 27, t)                   \
	FIFTHS_JOIN                       \
	DOT_RUN(scales, i+1)

// V26 has bytes of 16.
#define FIFTHS_JOIN \
	AND_B(0, 0, 26) \
	AND_B(1, 1, 26) \
	ORR_B(8, 8, 0)  \
	ORR_B(9, 9, 1)

// func dotQ5KNEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ5KNEON(SB), NOSPLIT, $0-40
	K_BEGIN
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
	FADD(24, 24, 25)
	ROW_END
	CBNZ R3, row
	RET

// DOT_SIXES multiplies 32 elements, 16 for each of two scales.
#define DOT_SIXES(scales, i) \
	SIX_JOIN              \
	LOAD_X                \
	FLOATS(0, 1, 2, 3, 8) \
	FLOATS(4, 5, 6, 7, 9) \
	FMUL(0, 0, 16)        \
	FMUL(4, 4, 20)        \
	FMLA(0, 1, 17)        \
	FMLA(4, 5, 21)        \
	FMLA(0, 2, 18)        \
	FMLA(4, 6, 22)        \
	FMLA(0, 3, 19)        \
	FMLA(4, 7, 23)        \
	FMLA_LANE(24, 0, scales, i)   \
	FMLA_LANE(25, 4, scales, i+1)

// SIX_CODES has 32 codes for each half of bytes at(R8).
#define SIX_CODES(at) \
	FMOVQ at(R8), F8    \
	FMOVQ at+16(R8), F9

// func dotQ6KNEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ6KNEON(SB), NOSPLIT, $0-40
	ROWS_BEGIN
	LOAD_PLACES
	SIX_BEGIN

row:
	ROW_BEGIN

block:
	SIX_BLOCK
	MOVD $2, R7

half:
	SIX_SCALES
	VLD1.P 16(R9), [V15.B16]
	VLD1.P 16(R9), [V27.B16]
	SIX_CODES(0)
	AND_B(8, 8, 12)
	AND_B(9, 9, 12)
	SHL_B(0, 15, 4)
	SHL_B(1, 27, 4)
	DOT_SIXES(10, 0)
	SIX_CODES(32)
	AND_B(8, 8, 12)
	AND_B(9, 9, 12)
	SHL_B(0, 15, 2)
	SHL_B(1, 27, 2)
	DOT_SIXES(10, 2)
	SIX_CODES(0)
	USHR_B(8, 8, 4)
	USHR_B(9, 9, 4)
	SHL_B(0, 15, 0)
	SHL_B(1, 27, 0)
	DOT_SIXES(11, 0)
	SIX_CODES(32)
	USHR_B(8, 8, 4)
	USHR_B(9, 9, 4)
	USHR_B(0, 15, 2)
	USHR_B(1, 27, 2)
	DOT_SIXES(11, 2)
	ADD  $64, R8
	SUB  $1, R7
	CBNZ R7, half
	SUB  $1, R6
	CBNZ R6, block
	FADD(24, 24, 25)
	ROW_END
	CBNZ R3, row
	RET
