//go:build !noasm

#include "textflag.h"

// func transposeFourNEON(dst *float32, dstStride int, src *float32, srcStride, runs int)
//
// Four rows of src, each of runs of 4, at least one.
TEXT ·transposeFourNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD dstStride+8(FP), R5
	MOVD src+16(FP), R1
	MOVD srcStride+24(FP), R6
	MOVD runs+32(FP), R4
	LSL  $2, R5
	LSL  $2, R6
	ADD  R6, R1, R2
	ADD  R6, R2, R3
	ADD  R6, R3, R7

loop:
	VLD1.P 16(R1), [V0.S4]
	VLD1.P 16(R2), [V1.S4]
	VLD1.P 16(R3), [V2.S4]
	VLD1.P 16(R7), [V3.S4]
	VTRN1  V1.S4, V0.S4, V4.S4
	VTRN2  V1.S4, V0.S4, V5.S4
	VTRN1  V3.S4, V2.S4, V6.S4
	VTRN2  V3.S4, V2.S4, V7.S4
	VTRN1  V6.D2, V4.D2, V0.D2
	VTRN1  V7.D2, V5.D2, V1.D2
	VTRN2  V6.D2, V4.D2, V2.D2
	VTRN2  V7.D2, V5.D2, V3.D2
	VST1   [V0.S4], (R0)
	ADD    R5, R0
	VST1   [V1.S4], (R0)
	ADD    R5, R0
	VST1   [V2.S4], (R0)
	ADD    R5, R0
	VST1   [V3.S4], (R0)
	ADD    R5, R0
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func gatherEightNEON(dst, src *float32, stride, panels, k int)
//
// Panels of 8 columns: one row after the other.
TEXT ·gatherEightNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD stride+16(FP), R5
	MOVD panels+24(FP), R3
	MOVD k+32(FP), R4
	LSL  $2, R5
	LSL  $5, R4, R6

row:
	MOVD R0, R7
	MOVD R1, R8
	MOVD R3, R9

panel:
	VLD1.P 32(R8), [V0.S4, V1.S4]
	VST1   [V0.S4, V1.S4], (R7)
	ADD    R6, R7
	SUB    $1, R9
	CBNZ   R9, panel
	ADD    $32, R0
	ADD    R5, R1
	SUB    $1, R4
	CBNZ   R4, row
	RET
