//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "dotrows_arm64.h"

// Rows of floats gather in V24 to V31: eight sums cover the latency of products.

#define ROW_BEGIN_EIGHT \
	ROW_BEGIN                      \
	VEOR V26.B16, V26.B16, V26.B16 \
	VEOR V27.B16, V27.B16, V27.B16 \
	VEOR V28.B16, V28.B16, V28.B16 \
	VEOR V29.B16, V29.B16, V29.B16 \
	VEOR V30.B16, V30.B16, V30.B16 \
	VEOR V31.B16, V31.B16, V31.B16

#define ROW_END_EIGHT \
	FADD(24, 24, 28) \
	FADD(25, 25, 29) \
	FADD(26, 26, 30) \
	FADD(27, 27, 31) \
	FADD(24, 24, 25) \
	FADD(26, 26, 27) \
	FADD(24, 24, 26) \
	ROW_END

#define PRODUCTS \
	FMLA(24, 0, 16) \
	FMLA(25, 1, 17) \
	FMLA(26, 2, 18) \
	FMLA(27, 3, 19) \
	FMLA(28, 4, 20) \
	FMLA(29, 5, 21) \
	FMLA(30, 6, 22) \
	FMLA(31, 7, 23)

// HALVES widens 32 numbers of 16 bits at R2 to V0 to V7.
#define HALVES(LOWER, UPPER) \
	VLD1.P 64(R2), [V8.H8, V9.H8, V10.H8, V11.H8] \
	LOWER(0, 8)  \
	UPPER(1, 8)  \
	LOWER(2, 9)  \
	UPPER(3, 9)  \
	LOWER(4, 10) \
	UPPER(5, 10) \
	LOWER(6, 11) \
	UPPER(7, 11)

#define DOT_HALVES(LOWER, UPPER) \
	ROWS_BEGIN           \
row:                     \
	ROW_BEGIN_EIGHT      \
block:                   \
	HALVES(LOWER, UPPER) \
	LOAD_X               \
	PRODUCTS             \
	SUB  $1, R6          \
	CBNZ R6, block       \
	ROW_END_EIGHT        \
	CBNZ R3, row         \
	RET

#define DECODE_HALVES(LOWER, UPPER) \
	MOVD   dst+0(FP), R0                          \
	MOVD   src+8(FP), R2                          \
	MOVD   blocks+16(FP), R6                      \
block:                                            \
	HALVES(LOWER, UPPER)                          \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)   \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)   \
	SUB    $1, R6                                 \
	CBNZ   R6, block                              \
	RET

// func dotF32NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotF32NEON(SB), NOSPLIT, $0-40
	ROWS_BEGIN

row:
	ROW_BEGIN_EIGHT

block:
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	LOAD_X
	PRODUCTS
	SUB    $1, R6
	CBNZ   R6, block
	ROW_END_EIGHT
	CBNZ   R3, row
	RET

// func dotBF16NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotBF16NEON(SB), NOSPLIT, $0-40
	DOT_HALVES(SHLL, SHLL2)

// func dotF16NEON(y, x *float32, src *byte, rows, blocks int)
TEXT ·dotF16NEON(SB), NOSPLIT, $0-40
	DOT_HALVES(FCVTL, FCVTL2)

// func decodeBF16NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeBF16NEON(SB), NOSPLIT, $0-24
	DECODE_HALVES(SHLL, SHLL2)

// func decodeF16NEON(dst *float32, src *byte, blocks int)
TEXT ·decodeF16NEON(SB), NOSPLIT, $0-24
	DECODE_HALVES(FCVTL, FCVTL2)
