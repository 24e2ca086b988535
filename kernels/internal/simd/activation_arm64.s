//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "exp_arm64.h"

// All take whole runs of 4 floats, at least one.

// TAIL_STEP does p = p·t + the next coefficient of the tail.
#define TAIL_STEP(i) \
	CONSTANT(TAIL9+i, F5) \
	FMUL(4, 4, 3)         \
	FADD(4, 4, 5)

#define TAIL_BEGIN \
	LOAD_EXP                  \
	CONSTANT(TAIL_MAX, F16)   \
	CONSTANT(TAIL_SCALE, F17) \
	CONSTANT(HALF, F18)       \
	CONSTANT(DENSITY, F19)

// NORMAL_TAIL leaves Φ(V0) in V1 and e^(-V0²/2) in V2. What z·z loses in rounding is what
// is left of it beside its negative.
#define NORMAL_TAIL \
	FABS(3, 0)            \
	FMIN(3, 3, 16)        \
	FMUL(2, 3, 3)         \
	FNEG(8, 2)            \
	FMLA(8, 3, 3)         \
	FMUL(2, 2, 18)        \
	FNEG(2, 2)            \
	EXP(2, 5, 6, 7)       \
	FMUL(8, 8, 18)        \
	FSUB(8, ONE, 8)       \
	FMUL(2, 2, 8)         \
	FMUL(3, 3, 17)        \
	FADD(3, 3, ONE)       \
	FDIV(3, ONE, 3)       \
	CONSTANT(TAIL9, F4)   \
	TAIL_STEP(1)          \
	TAIL_STEP(2)          \
	TAIL_STEP(3)          \
	TAIL_STEP(4)          \
	TAIL_STEP(5)          \
	TAIL_STEP(6)          \
	TAIL_STEP(7)          \
	TAIL_STEP(8)          \
	TAIL_STEP(9)          \
	FMUL(4, 4, 3)         \
	FMUL(4, 4, 2)         \
	FSUB(5, ONE, 4)       \
	SSHR_S(1, 0, 31)      \
	BSL_B(1, 4, 5)

#define GELU \
	NORMAL_TAIL   \
	FMUL(0, 0, 1)

// func geluNEON(dst, x *float32, runs int)
TEXT ·geluNEON(SB), NOSPLIT, $0-24
	UNARY(TAIL_BEGIN, GELU)

// func geluBackwardNEON(dst, dy, x *float32, runs int)
TEXT ·geluBackwardNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD dy+8(FP), R2
	MOVD x+16(FP), R1
	MOVD runs+24(FP), R4
	TAIL_BEGIN

loop:
	VLD1.P 16(R1), [V0.S4]
	NORMAL_TAIL
	VLD1.P 16(R2), [V3.S4]
	FMUL(2, 2, 19)
	FMUL(2, 2, 0)
	FADD(1, 1, 2)
	FMUL(1, 1, 3)
	VST1.P [V1.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func geluTanhNEON(dst, x *float32, runs int)
//
// The argument u of the exponential is a float64; what is lost where it becomes a float
// goes to the result of EXP.
TEXT ·geluTanhNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD runs+16(FP), R4
	LOAD_EXP
	CONSTANT(GELU_MIN, F16)
	CONSTANT(GELU_MAX, F17)
	CONSTANT(GELU_LINEAR_D, F18)
	CONSTANT(GELU_CUBIC_D, F19)

loop:
	VLD1.P 16(R1), [V0.S4]
	FMAX(3, 0, 16)
	FMIN(3, 3, 17)
	FCVTL_D(1, 3)
	FCVTL2_D(2, 3)
	FMUL_D(3, 1, 1)
	FMUL_D(4, 2, 2)
	FMUL_D(3, 3, 19)
	FMUL_D(4, 4, 19)
	FADD_D(3, 3, 18)
	FADD_D(4, 4, 18)
	FMUL_D(1, 1, 3)
	FMUL_D(2, 2, 4)
	FCVTN_D(3, 1)
	FCVTN2_D(3, 2)
	FCVTL_D(4, 3)
	FCVTL2_D(5, 3)
	FSUB_D(1, 1, 4)
	FSUB_D(2, 2, 5)
	FCVTN_D(1, 1)
	FCVTN2_D(1, 2)
	FSUB(1, ONE, 1)
	FNEG(3, 3)
	EXP(3, 5, 6, 7)
	FMUL(3, 3, 1)
	SIGMOID_OF_EXP(3, 3)
	FMUL(0, 0, 3)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func geluTanhBackwardNEON(dst, dy, x *float32, runs int)
TEXT ·geluTanhBackwardNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD dy+8(FP), R2
	MOVD x+16(FP), R1
	MOVD runs+24(FP), R4
	LOAD_EXP
	CONSTANT(LOGISTIC_MIN, F16)
	CONSTANT(GELU_MIN, F17)
	CONSTANT(GELU_MAX, F18)
	CONSTANT(GELU_LINEAR, F19)
	CONSTANT(GELU_CUBIC, F14)
	CONSTANT(GELU_CUBIC3, F15)

loop:
	VLD1.P 16(R1), [V0.S4]
	FSUB(8, 0, 0)
	FMAX(0, 0, 17)
	FMIN(0, 0, 18)
	FMUL(9, 0, 0)
	FMUL(1, 9, 14)
	FADD(1, 1, 19)
	FMUL(1, 0, 1)
	LOGISTIC_TAIL(1, 2, 3)
	FMUL(9, 9, 15)
	FADD(9, 9, 19)
	FMUL(2, 2, 3)
	FMUL(2, 0, 2)
	FMUL(2, 2, 9)
	FADD(2, 2, ONE)
	FMUL(2, 2, 3)
	FADD(2, 2, 8)
	VLD1.P 16(R2), [V1.S4]
	FMUL(2, 2, 1)
	VST1.P [V2.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func logisticSlopeNEON(dst, dy, x *float32, runs int, k, c float32)
TEXT ·logisticSlopeNEON(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  dy+8(FP), R2
	MOVD  x+16(FP), R1
	MOVD  runs+24(FP), R4
	FMOVS k+32(FP), F16
	FMOVS c+36(FP), F17
	VDUP  V16.S[0], V16.S4
	VDUP  V17.S[0], V17.S4
	FNEG(16, 16)
	LOAD_EXP

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V2.S4]
	FABS(0, 0)
	FMUL(0, 0, 16)
	EXP(0, 5, 6, 7)
	SIGMOID_OF_EXP(1, 0)
	FMUL(0, 0, 17)
	FMUL(1, 1, 1)
	FMUL(0, 0, 1)
	FMUL(0, 0, 2)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func siluMulNEON(dst, gate, up *float32, runs int)
TEXT ·siluMulNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD runs+24(FP), R4
	LOAD_EXP

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V2.S4]
	FNEG(1, 0)
	EXP(1, 5, 6, 7)
	SIGMOID_OF_EXP(1, 1)
	FMUL(0, 0, 1)
	FMUL(0, 0, 2)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func siluMulBackwardNEON(dGate, dUp, dy, gate, up *float32, runs int)
TEXT ·siluMulBackwardNEON(SB), NOSPLIT, $0-48
	MOVD dGate+0(FP), R0
	MOVD dUp+8(FP), R5
	MOVD dy+16(FP), R2
	MOVD gate+24(FP), R1
	MOVD up+32(FP), R3
	MOVD runs+40(FP), R4
	LOAD_EXP
	CONSTANT(LOGISTIC_MIN, F16)

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V8.S4]
	VLD1.P 16(R3), [V9.S4]
	LOGISTIC_TAIL(0, 1, 2)
	FMUL(3, 0, 2)
	FMUL(3, 8, 3)
	VST1.P [V3.S4], 16(R5)
	FMUL(1, 1, 2)
	FMUL(1, 0, 1)
	FADD(1, 1, ONE)
	FMUL(1, 1, 2)
	FMUL(8, 8, 9)
	FMUL(8, 8, 1)
	VST1.P [V8.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET
