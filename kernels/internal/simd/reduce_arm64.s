//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// func maxNEON(x *float32, lanes *[4]float32, runs int)
//
// Runs of 16.
TEXT ·maxNEON(SB), NOSPLIT, $0-24
	MOVD  x+0(FP), R1
	MOVD  lanes+8(FP), R0
	MOVD  runs+16(FP), R4
	VLD1  (R0), [V16.S4]
	VORR  V16.B16, V16.B16, V17.B16
	VORR  V16.B16, V16.B16, V18.B16
	VORR  V16.B16, V16.B16, V19.B16

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMAX(16, 16, 0)
	FMAX(17, 17, 1)
	FMAX(18, 18, 2)
	FMAX(19, 19, 3)
	SUB    $1, R4
	CBNZ   R4, loop
	FMAX(16, 16, 17)
	FMAX(18, 18, 19)
	FMAX(16, 16, 18)
	VST1   [V16.S4], (R0)
	RET

// LARGER does m = x where x is larger: NaN is not.
#define LARGER(m, x) \
	FCMGT(4, x, m) \
	BIT_B(m, x, 4)

// func maxNumberNEON(x *float32, lanes *[4]float32, runs int, flip uint32)
//
// Runs of 16.
TEXT ·maxNumberNEON(SB), NOSPLIT, $0-28
	MOVD  x+0(FP), R1
	MOVD  lanes+8(FP), R0
	MOVD  runs+16(FP), R4
	FMOVS flip+24(FP), F20
	VDUP  V20.S[0], V20.S4
	VLD1  (R0), [V16.S4]
	VORR  V16.B16, V16.B16, V17.B16
	VORR  V16.B16, V16.B16, V18.B16
	VORR  V16.B16, V16.B16, V19.B16

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	EOR_B(0, 0, 20)
	EOR_B(1, 1, 20)
	EOR_B(2, 2, 20)
	EOR_B(3, 3, 20)
	LARGER(16, 0)
	LARGER(17, 1)
	LARGER(18, 2)
	LARGER(19, 3)
	SUB    $1, R4
	CBNZ   R4, loop
	LARGER(16, 17)
	LARGER(18, 19)
	LARGER(16, 18)
	VST1   [V16.S4], (R0)
	RET

// func softmaxSlopesNEON(p, dp *float32, runs int, inverse, mean, scale float32)
TEXT ·softmaxSlopesNEON(SB), NOSPLIT, $0-36
	MOVD  p+0(FP), R0
	MOVD  dp+8(FP), R1
	MOVD  runs+16(FP), R4
	FMOVS inverse+24(FP), F16
	FMOVS mean+28(FP), F17
	FMOVS scale+32(FP), F18
	VDUP  V16.S[0], V16.S4
	VDUP  V17.S[0], V17.S4
	VDUP  V18.S[0], V18.S4

loop:
	VLD1   (R0), [V0.S4]
	VLD1   (R1), [V1.S4]
	FMUL(0, 0, 16)
	FSUB(1, 1, 17)
	FMUL(1, 1, 0)
	FMUL(1, 1, 18)
	VST1.P [V0.S4], 16(R0)
	VST1.P [V1.S4], 16(R1)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func sumF64NEON(x *float32, lanes *[4]float64, runs int)
TEXT ·sumF64NEON(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R1
	MOVD lanes+8(FP), R0
	MOVD runs+16(FP), R4
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16

loop:
	VLD1.P 16(R1), [V0.S4]
	FCVTL_D(1, 0)
	FCVTL2_D(2, 0)
	FADD_D(16, 16, 1)
	FADD_D(17, 17, 2)
	SUB    $1, R4
	CBNZ   R4, loop
	VST1   [V16.D2, V17.D2], (R0)
	RET

// func sumSquaresF64NEON(x *float32, lanes *[4]float64, runs int, mean float64)
TEXT ·sumSquaresF64NEON(SB), NOSPLIT, $0-32
	MOVD  x+0(FP), R1
	MOVD  lanes+8(FP), R0
	MOVD  runs+16(FP), R4
	FMOVD mean+24(FP), F18
	VDUP  V18.D[0], V18.D2
	VEOR  V16.B16, V16.B16, V16.B16
	VEOR  V17.B16, V17.B16, V17.B16

loop:
	VLD1.P 16(R1), [V0.S4]
	FCVTL_D(1, 0)
	FCVTL2_D(2, 0)
	FSUB_D(1, 1, 18)
	FSUB_D(2, 2, 18)
	FMLA_D(16, 1, 1)
	FMLA_D(17, 2, 2)
	SUB    $1, R4
	CBNZ   R4, loop
	VST1   [V16.D2, V17.D2], (R0)
	RET
