//go:build !noasm

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// All take whole runs of 4 floats, at least one, and round after every operation, as
// their Go twins.

#define SPREAD(v) VDUP v.S[0], v.S4

// UNIT does x̂ = (x-mean)·rstd in a register: V16 and V17 have mean and rstd.
#define UNIT(x) \
	FSUB(x, x, 16) \
	FMUL(x, x, 17)

// NORM_GRADIENT leaves rstd·(g - meanG - x̂·meanGX) in V0.
#define NORM_GRADIENT \
	VLD1.P 16(R1), [V0.S4] \
	VLD1.P 16(R2), [V1.S4] \
	VLD1.P 16(R3), [V2.S4] \
	UNIT(1)                \
	FMUL(0, 0, 2)          \
	FSUB(0, 0, 18)         \
	FMUL(1, 1, 19)         \
	FSUB(0, 0, 1)          \
	FMUL(0, 0, 17)

#define NORM_BEGIN \
	MOVD  dst+0(FP), R0        \
	MOVD  dy+8(FP), R1         \
	MOVD  x+16(FP), R2         \
	MOVD  gain+24(FP), R3      \
	MOVD  runs+32(FP), R4      \
	FMOVS mean+40(FP), F16     \
	FMOVS rstd+44(FP), F17     \
	FMOVS meanG+48(FP), F18    \
	FMOVS meanGX+52(FP), F19   \
	SPREAD(V16)                \
	SPREAD(V17)                \
	SPREAD(V18)                \
	SPREAD(V19)

// func softmaxBackwardNEON(dst, dy, y *float32, runs int, shift float32)
TEXT ·softmaxBackwardNEON(SB), NOSPLIT, $0-36
	MOVD  dst+0(FP), R0
	MOVD  dy+8(FP), R1
	MOVD  y+16(FP), R2
	MOVD  runs+24(FP), R4
	FMOVS shift+32(FP), F16
	SPREAD(V16)

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	FSUB(0, 0, 16)
	FMUL(0, 0, 1)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func normSumsNEON(dy, x, gain *float32, lanes *[8]float32, runs int, mean, rstd float32)
TEXT ·normSumsNEON(SB), NOSPLIT, $0-48
	MOVD  dy+0(FP), R1
	MOVD  x+8(FP), R2
	MOVD  gain+16(FP), R3
	MOVD  lanes+24(FP), R0
	MOVD  runs+32(FP), R4
	FMOVS mean+40(FP), F16
	FMOVS rstd+44(FP), F17
	SPREAD(V16)
	SPREAD(V17)
	VEOR  V4.B16, V4.B16, V4.B16
	VEOR  V5.B16, V5.B16, V5.B16

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	VLD1.P 16(R3), [V2.S4]
	FMUL(0, 0, 2)
	UNIT(1)
	FMUL(1, 1, 0)
	FADD(4, 4, 0)
	FADD(5, 5, 1)
	SUB    $1, R4
	CBNZ   R4, loop
	VST1   [V4.S4, V5.S4], (R0)
	RET

// func normBackwardNEON(dst, dy, x, gain *float32, runs int, mean, rstd, meanG, meanGX float32)
TEXT ·normBackwardNEON(SB), NOSPLIT, $0-56
	NORM_BEGIN

loop:
	NORM_GRADIENT
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func normBackwardAddNEON(dst, dy, x, gain *float32, runs int, mean, rstd, meanG, meanGX float32)
TEXT ·normBackwardAddNEON(SB), NOSPLIT, $0-56
	NORM_BEGIN

loop:
	NORM_GRADIENT
	VLD1   (R0), [V1.S4]
	FADD(0, 0, 1)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func normAccumulateNEON(dGain, dBias, dy, x *float32, runs int, mean, rstd float32)
TEXT ·normAccumulateNEON(SB), NOSPLIT, $0-48
	MOVD  dGain+0(FP), R0
	MOVD  dBias+8(FP), R3
	MOVD  dy+16(FP), R1
	MOVD  x+24(FP), R2
	MOVD  runs+32(FP), R4
	FMOVS mean+40(FP), F16
	FMOVS rstd+44(FP), F17
	SPREAD(V16)
	SPREAD(V17)

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	VLD1   (R0), [V2.S4]
	VLD1   (R3), [V3.S4]
	UNIT(1)
	FMUL(1, 1, 0)
	FADD(2, 2, 1)
	FADD(3, 3, 0)
	VST1.P [V2.S4], 16(R0)
	VST1.P [V3.S4], 16(R3)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func rotateNEON(y, z, a, b, cos, sin *float32, runs int, sign float32)
TEXT ·rotateNEON(SB), NOSPLIT, $0-60
	MOVD  y+0(FP), R0
	MOVD  z+8(FP), R1
	MOVD  a+16(FP), R2
	MOVD  b+24(FP), R3
	MOVD  cos+32(FP), R5
	MOVD  sin+40(FP), R6
	MOVD  runs+48(FP), R4
	FMOVS sign+56(FP), F16
	SPREAD(V16)

loop:
	VLD1.P 16(R2), [V0.S4]
	VLD1.P 16(R3), [V1.S4]
	VLD1.P 16(R5), [V2.S4]
	VLD1.P 16(R6), [V3.S4]
	FMUL(3, 3, 16)
	FMUL(4, 0, 2)
	FMUL(5, 1, 3)
	FSUB(4, 4, 5)
	FMUL(1, 1, 2)
	FMUL(0, 0, 3)
	FADD(1, 1, 0)
	VST1.P [V4.S4], 16(R0)
	VST1.P [V1.S4], 16(R1)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func affineNEON(dst, x, gain, bias *float32, runs int, mean, rstd float32)
TEXT ·affineNEON(SB), NOSPLIT, $0-48
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  gain+16(FP), R2
	MOVD  bias+24(FP), R3
	MOVD  runs+32(FP), R4
	FMOVS mean+40(FP), F16
	FMOVS rstd+44(FP), F17
	SPREAD(V16)
	SPREAD(V17)

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	VLD1.P 16(R3), [V2.S4]
	UNIT(0)
	FMUL(0, 0, 1)
	FADD(0, 0, 2)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func reluNEON(dst, x *float32, runs int)
TEXT ·reluNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD runs+16(FP), R4
	VEOR V16.B16, V16.B16, V16.B16

loop:
	VLD1.P 16(R1), [V0.S4]
	FCMGT(1, 16, 0)
	BIC_B(0, 0, 1)
	VST1.P [V0.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func reluBackwardNEON(dst, dy, x *float32, runs int)
TEXT ·reluBackwardNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD dy+8(FP), R2
	MOVD x+16(FP), R1
	MOVD runs+24(FP), R4
	VEOR V16.B16, V16.B16, V16.B16

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V2.S4]
	FCMGE(1, 16, 0)
	BIC_B(2, 2, 1)
	VST1.P [V2.S4], 16(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func adamWNEON(w, grad, m, v *float32, runs int, s *AdamWStep)
TEXT ·adamWNEON(SB), NOSPLIT, $0-48
	MOVD  w+0(FP), R0
	MOVD  grad+8(FP), R1
	MOVD  m+16(FP), R2
	MOVD  v+24(FP), R3
	MOVD  runs+32(FP), R4
	MOVD  s+40(FP), R5
	ADD   $AdamWStep_Coef, R5, R6
	VLD1R (R6), [V16.S4]
	ADD   $AdamWStep_Decay, R5, R6
	VLD1R (R6), [V17.S4]
	ADD   $AdamWStep_Beta2, R5, R6
	VLD1R (R6), [V18.S4]
	ADD   $AdamWStep_Rest1, R5, R6
	VLD1R (R6), [V19.S4]
	ADD   $AdamWStep_Rest2, R5, R6
	VLD1R (R6), [V20.S4]
	ADD   $AdamWStep_Size, R5, R6
	VLD1R (R6), [V21.S4]
	ADD   $AdamWStep_Correction, R5, R6
	VLD1R (R6), [V22.S4]
	ADD   $AdamWStep_Eps, R5, R6
	VLD1R (R6), [V23.S4]

loop:
	VLD1   (R0), [V0.S4]
	VLD1.P 16(R1), [V1.S4]
	VLD1   (R2), [V2.S4]
	VLD1   (R3), [V3.S4]
	FMUL(1, 1, 16)
	FSUB(4, 1, 2)
	FMUL(4, 4, 19)
	FADD(2, 2, 4)
	FMUL(3, 3, 18)
	FMUL(4, 1, 20)
	FMUL(4, 4, 1)
	FADD(3, 3, 4)
	FSQRT(4, 3)
	FMUL(4, 4, 22)
	FADD(4, 4, 23)
	FMUL(5, 2, 21)
	FDIV(5, 5, 4)
	FMUL(0, 0, 17)
	FSUB(0, 0, 5)
	VST1.P [V0.S4], 16(R0)
	VST1.P [V2.S4], 16(R2)
	VST1.P [V3.S4], 16(R3)
	SUB    $1, R4
	CBNZ   R4, loop
	RET
