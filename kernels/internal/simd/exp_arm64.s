//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "exp_arm64.h"

// All take whole runs of 4 floats, at least one.

#define SUM_BEGIN \
	VDUP V16.S[0], V16.S4         \
	VEOR V3.B16, V3.B16, V3.B16   \
	LOAD_EXP

#define SHIFTED_EXP \
	FSUB(0, 0, 16)  \
	EXP(0, 5, 6, 7)

#define NEGATIVE_SIGMOID \
	FNEG(1, 0)            \
	EXP(1, 5, 6, 7)       \
	SIGMOID_OF_EXP(1, 1)

#define SIGMOID \
	NEGATIVE_SIGMOID             \
	VORR V1.B16, V1.B16, V0.B16

#define SILU \
	NEGATIVE_SIGMOID \
	FMUL(0, 0, 1)

#define TANH_BEGIN \
	LOAD_EXP                   \
	CONSTANT(TANH_SMALL, F16)  \
	CONSTANT(SIGN, F17)        \
	CONSTANT(TANH4, F10)       \
	CONSTANT(TANH4+1, F11)     \
	CONSTANT(TANH4+2, F12)     \
	CONSTANT(TANH4+3, F13)     \
	CONSTANT(TANH4+4, F14)

// Both ways, large numbers in V1, small ones in V2.
#define TANH \
	FABS(3, 0)           \
	FNEG(1, 3)           \
	FSUB(1, 1, 3)        \
	EXP(1, 5, 6, 7)      \
	SIGMOID_OF_EXP(2, 1) \
	FSUB(1, ONE, 1)      \
	FMUL(1, 1, 2)        \
	BIT_B(1, 0, 17)      \
	FMUL(5, 0, 0)        \
	FMUL(2, 10, 5)       \
	FADD(2, 2, 11)       \
	FMUL(2, 2, 5)        \
	FADD(2, 2, 12)       \
	FMUL(2, 2, 5)        \
	FADD(2, 2, 13)       \
	FMUL(2, 2, 5)        \
	FADD(2, 2, 14)       \
	FMUL(2, 2, 5)        \
	FMUL(2, 2, 0)        \
	FADD(2, 2, 0)        \
	FCMGE(0, 3, 16)      \
	BSL_B(0, 1, 2)

// func expSumNEON(dst, x *float32, lanes *[4]float32, runs int, shift float32)
TEXT ·expSumNEON(SB), NOSPLIT, $0-36
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  lanes+16(FP), R2
	MOVD  runs+24(FP), R4
	FMOVS shift+32(FP), F16
	SUM_BEGIN

loop:
	VLD1.P 16(R1), [V0.S4]
	SHIFTED_EXP
	VST1.P [V0.S4], 16(R0)
	FADD(3, 3, 0)
	SUB    $1, R4
	CBNZ   R4, loop
	VST1   [V3.S4], (R2)
	RET

// func sumExpNEON(x *float32, lanes *[4]float32, runs int, shift float32)
TEXT ·sumExpNEON(SB), NOSPLIT, $0-28
	MOVD  x+0(FP), R1
	MOVD  lanes+8(FP), R2
	MOVD  runs+16(FP), R4
	FMOVS shift+24(FP), F16
	SUM_BEGIN

loop:
	VLD1.P 16(R1), [V0.S4]
	SHIFTED_EXP
	FADD(3, 3, 0)
	SUB    $1, R4
	CBNZ   R4, loop
	VST1   [V3.S4], (R2)
	RET

// func expScaledNEON(dst, x *float32, runs int, shift, scale float32)
TEXT ·expScaledNEON(SB), NOSPLIT, $0-32
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  runs+16(FP), R4
	FMOVS shift+24(FP), F16
	FMOVS scale+28(FP), F17
	VDUP  V17.S[0], V17.S4
	SUM_BEGIN

loop:
	VLD1.P 16(R1), [V0.S4]
	SHIFTED_EXP
	FMUL(0, 0, 17)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func expDownNEON(x *float32, lanes *[4]float32, runs int, shift, scale float32, flip uint32)
//
// x[i] = expDown(scale·(x[i]^flip - shift)).
TEXT ·expDownNEON(SB), NOSPLIT, $0-36
	MOVD  x+0(FP), R1
	MOVD  lanes+8(FP), R2
	MOVD  runs+16(FP), R4
	FMOVS shift+24(FP), F16
	FMOVS scale+28(FP), F17
	FMOVS flip+32(FP), F18
	VDUP  V17.S[0], V17.S4
	VDUP  V18.S[0], V18.S4
	SUM_BEGIN
	CONSTANT(EXP_LOW, F12)
	CONSTANT(EXP_HIGH, F13)
	CONSTANT(INFINITY, F14)

loop:
	VLD1   (R1), [V0.S4]
	EOR_B(0, 0, 18)
	FSUB(0, 0, 16)
	FMUL(0, 0, 17)
	FCMGT(1, 12, 0)
	FCMGT(2, 0, 13)
	EXP(0, 5, 6, 7)
	BIC_B(0, 0, 1)
	BIT_B(0, 14, 2)
	VST1.P [V0.S4], 16(R1)
	FADD(3, 3, 0)
	SUB    $1, R4
	CBNZ   R4, loop
	VST1   [V3.S4], (R2)
	RET

// func sigmoidNEON(dst, x *float32, runs int)
TEXT ·sigmoidNEON(SB), NOSPLIT, $0-24
	UNARY(LOAD_EXP, SIGMOID)

// func siluNEON(dst, x *float32, runs int)
TEXT ·siluNEON(SB), NOSPLIT, $0-24
	UNARY(LOAD_EXP, SILU)

// func tanhNEON(dst, x *float32, runs int)
TEXT ·tanhNEON(SB), NOSPLIT, $0-24
	UNARY(TANH_BEGIN, TANH)

// func siluBackwardNEON(dst, dy, x *float32, runs int)
TEXT ·siluBackwardNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD dy+8(FP), R2
	MOVD x+16(FP), R1
	MOVD runs+24(FP), R4
	LOAD_EXP

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V2.S4]
	NEGATIVE_SIGMOID
	FSUB(3, ONE, 1)
	FMUL(3, 0, 3)
	FADD(3, ONE, 3)
	FMUL(2, 2, 1)
	FMUL(2, 2, 3)
	VST1.P [V2.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET
