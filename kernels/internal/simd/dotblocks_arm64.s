//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "codes_arm64.h"
#include "dotrows_arm64.h"

// Rows of blocks of 32: x = d·code, with offsets taken from the codes, or d·code + m. The
// sum of minima is a scalar, F26: lanes without one must not meet an infinite minimum.

#define NOTHING

#define ADD_MINIMUM \
	FMOVS.P 4(R7), F16 \
	FMADDS  F11, F26, F16, F26

#define CLEAR_MINIMUM \
	ADD  R4<<7, R1, R7              \
	VEOR V26.B16, V26.B16, V26.B16

#define FOLD_MINIMUM \
	FADD(24, 24, 26)

#define DOT_BLOCKS(BEGIN, CODES, CLEAR, MINIMUM, FOLD) \
	ROWS_BEGIN        \
	LOAD_PLACES       \
	BEGIN             \
row:                  \
	ROW_BEGIN         \
	CLEAR             \
block:                \
	CODES             \
	MINIMUM           \
	DOT_CODES         \
	FMLA(24, 0, 10)   \
	FMLA(25, 1, 10)   \
	SUB  $1, R6       \
	CBNZ R6, block    \
	FADD(24, 24, 25)  \
	FOLD              \
	ROW_END           \
	CBNZ R3, row      \
	RET

// func dotQ80NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ80NEON(SB), NOSPLIT, $0-40
	DOT_BLOCKS(NOTHING, CODES_Q80, NOTHING, NOTHING, NOTHING)

// func dotQ40NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ40NEON(SB), NOSPLIT, $0-40
	DOT_BLOCKS(BEGIN_Q40, CODES_Q40, NOTHING, NOTHING, NOTHING)

// func dotQ50NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ50NEON(SB), NOSPLIT, $0-40
	DOT_BLOCKS(BEGIN_Q50, CODES_Q50, NOTHING, NOTHING, NOTHING)

// func dotQ41NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ41NEON(SB), NOSPLIT, $0-40
	DOT_BLOCKS(BEGIN_Q41, CODES_Q41, CLEAR_MINIMUM, ADD_MINIMUM, FOLD_MINIMUM)

// func dotQ51NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotQ51NEON(SB), NOSPLIT, $0-40
	DOT_BLOCKS(BEGIN_Q51, CODES_Q51, CLEAR_MINIMUM, ADD_MINIMUM, FOLD_MINIMUM)
