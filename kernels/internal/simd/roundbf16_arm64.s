//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// CONSTANTS loads those of BF16 into V16 to V19.
#define CONSTANTS \
	MOVW $0x7fff, R3     \
	VDUP R3, V16.S4      \
	MOVW $1, R3          \
	VDUP R3, V17.S4      \
	MOVW $0xffff0000, R3 \
	VDUP R3, V18.S4      \
	MOVW $0x400000, R3   \
	VDUP R3, V19.S4

// BF16 does d = n rounded to its upper half, NaN made quiet; t is lost. d is not n.
#define BF16(d, n, t) \
	USHR_S(t, n, 16)  \
	AND_B(t, t, 17)   \
	ADD_S(t, t, n)    \
	ADD_S(t, t, 16)   \
	FCMGE(d, n, n)    \
	BSL_B(d, t, n)    \
	FCMGE(t, n, n)    \
	BIC_B(t, 19, t)   \
	ORR_B(d, d, t)    \
	AND_B(d, d, 18)

// func roundBF16NEON(x *float32, runs int)
TEXT ·roundBF16NEON(SB), NOSPLIT, $0-16
	MOVD x+0(FP), R0
	MOVD runs+8(FP), R4
	MOVD R0, R1
	CONSTANTS

round:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	BF16(4, 0, 8)
	BF16(5, 1, 9)
	BF16(6, 2, 10)
	BF16(7, 3, 11)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R1)
	SUB    $1, R4
	CBNZ   R4, round
	RET

// TWICE does x = BF16(x) + BF16(x - BF16(x)), but for numbers that round to infinity, whose
// words of ones come to V23. a, b and t are lost.
#define TWICE(x, a, b, t) \
	BF16(a, x, t)    \
	FSUB(b, x, a)    \
	BF16(t, b, 24)   \
	FADD(a, a, t)    \
	AND_B(b, x, 21)  \
	CMHI(b, b, 22)   \
	ORR_B(23, 23, b) \
	BSL_B(b, x, a)   \
	ORR_B(x, b, b)

// func roundBF16x2NEON(x *float32, runs int) (largest uint32)
//
// V21 clears signs, and V22 is the last word that does not round to infinity.
TEXT ·roundBF16x2NEON(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R0
	MOVD runs+8(FP), R4
	MOVD R0, R1
	CONSTANTS
	MOVW $0x7fffffff, R3
	VDUP R3, V21.S4
	MOVW $0x7f7f7fff, R3
	VDUP R3, V22.S4
	EOR_B(23, 23, 23)

twice:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	TWICE(0, 4, 5, 6)
	TWICE(1, 7, 8, 9)
	TWICE(2, 10, 11, 12)
	TWICE(3, 13, 14, 15)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R1)
	SUB    $1, R4
	CBNZ   R4, twice

	// One word of ones is the largest there is.
	VEXT $8, V23.B16, V23.B16, V24.B16
	ORR_B(23, 23, 24)
	VMOV V23.D[0], R3
	LSR  $32, R3, R4
	ORRW R4, R3, R3
	MOVW R3, largest+16(FP)
	RET
