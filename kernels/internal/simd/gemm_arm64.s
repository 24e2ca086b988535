//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Row i of the tile is V(16+2i), V(17+2i). Two steps are in flight: A in V0, V1
// and V4, V5, B in V2, V3 and V6, V7.

#define STEP(a0, a1, b0, b1) \
	FMLA_LANE(16, b0, a0, 0) \
	FMLA_LANE(17, b1, a0, 0) \
	FMLA_LANE(18, b0, a0, 1) \
	FMLA_LANE(19, b1, a0, 1) \
	FMLA_LANE(20, b0, a0, 2) \
	FMLA_LANE(21, b1, a0, 2) \
	FMLA_LANE(22, b0, a0, 3) \
	FMLA_LANE(23, b1, a0, 3) \
	FMLA_LANE(24, b0, a1, 0) \
	FMLA_LANE(25, b1, a1, 0) \
	FMLA_LANE(26, b0, a1, 1) \
	FMLA_LANE(27, b1, a1, 1) \
	FMLA_LANE(28, b0, a1, 2) \
	FMLA_LANE(29, b1, a1, 2) \
	FMLA_LANE(30, b0, a1, 3) \
	FMLA_LANE(31, b1, a1, 3)

#define STORE(lo, hi) \
	VST1 [lo.S4, hi.S4], (R0) \
	ADD  R3, R0

#define ADDROW(l, h, lo, hi) \
	VLD1 (R0), [V0.S4, V1.S4] \
	FADD(l, l, 0)             \
	FADD(h, h, 1)             \
	STORE(lo, hi)

// func gemmNEON(c *float32, ldc int, a, b *float32, k int, add bool)
TEXT ·gemmNEON(SB), NOSPLIT, $0-41
	MOVD c+0(FP), R0
	MOVD ldc+8(FP), R3
	MOVD a+16(FP), R1
	MOVD b+24(FP), R2
	MOVD k+32(FP), R4
	MOVBU add+40(FP), R5
	LSL  $2, R3
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16
	VEOR V20.B16, V20.B16, V20.B16
	VEOR V21.B16, V21.B16, V21.B16
	VEOR V22.B16, V22.B16, V22.B16
	VEOR V23.B16, V23.B16, V23.B16
	VEOR V24.B16, V24.B16, V24.B16
	VEOR V25.B16, V25.B16, V25.B16
	VEOR V26.B16, V26.B16, V26.B16
	VEOR V27.B16, V27.B16, V27.B16
	VEOR V28.B16, V28.B16, V28.B16
	VEOR V29.B16, V29.B16, V29.B16
	VEOR V30.B16, V30.B16, V30.B16
	VEOR V31.B16, V31.B16, V31.B16
	LSR  $1, R4, R6
	CBZ  R6, tail

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VLD1.P 32(R2), [V2.S4, V3.S4]
	VLD1.P 32(R1), [V4.S4, V5.S4]
	VLD1.P 32(R2), [V6.S4, V7.S4]
	STEP(0, 1, 2, 3)
	STEP(4, 5, 6, 7)
	SUB  $1, R6
	CBNZ R6, loop

tail:
	TBZ  $0, R4, done
	VLD1 (R1), [V0.S4, V1.S4]
	VLD1 (R2), [V2.S4, V3.S4]
	STEP(0, 1, 2, 3)

done:
	CBNZ R5, accumulate
	STORE(V16, V17)
	STORE(V18, V19)
	STORE(V20, V21)
	STORE(V22, V23)
	STORE(V24, V25)
	STORE(V26, V27)
	STORE(V28, V29)
	STORE(V30, V31)
	RET

accumulate:
	ADDROW(16, 17, V16, V17)
	ADDROW(18, 19, V18, V19)
	ADDROW(20, 21, V20, V21)
	ADDROW(22, 23, V22, V23)
	ADDROW(24, 25, V24, V25)
	ADDROW(26, 27, V26, V27)
	ADDROW(28, 29, V28, V29)
	ADDROW(30, 31, V30, V31)
	RET
