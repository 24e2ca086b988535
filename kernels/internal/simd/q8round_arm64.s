//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "codes_arm64.h"

#define LARGEST(d, n, m, a, b) \
	FABS(a, n)    \
	FABS(b, m)    \
	FMAX(d, a, b)

#define ROUND(v) \
	FMUL_LANE(v, v, 18, 0) \
	FCVTNS(v, v)

// func roundQ8NEON(q *int8, d *float32, sums *int32, x *float32, blocks int) (most, least uint32)
//
// R6 has the most, R7 the least. Where the largest is 0 the inverse is infinite, and its
// products with zeros are NaN, of which FCVTNS makes 0.
TEXT ·roundQ8NEON(SB), NOSPLIT, $0-48
	MOVD  q+0(FP), R0
	MOVD  d+8(FP), R1
	MOVD  sums+16(FP), R2
	MOVD  x+24(FP), R3
	MOVD  blocks+32(FP), R4
	MOVW  $0, R6
	MOVW  $-1, R7
	MOVW  $127, R5
	SCVTFWS R5, F20

block:
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4]
	LARGEST(8, 0, 1, 16, 17)
	LARGEST(9, 2, 3, 16, 17)
	LARGEST(10, 4, 5, 16, 17)
	LARGEST(11, 6, 7, 16, 17)
	FMAX(8, 8, 9)
	FMAX(10, 10, 11)
	FMAX(8, 8, 10)
	FMAXV(16, 8)
	FMOVS  F16, R8
	CMPW   R6, R8
	CSEL   HI, R8, R6, R6
	SUBW   $1, R8
	CMPW   R7, R8
	CSEL   LO, R8, R7, R7
	FDIVS  F16, F20, F18
	FDIVS  F20, F16, F17
	FMOVS.P F17, 4(R1)
	ROUND(0)
	ROUND(1)
	ROUND(2)
	ROUND(3)
	ROUND(4)
	ROUND(5)
	ROUND(6)
	ROUND(7)
	ADDP_S(8, 0, 1)
	ADDP_S(9, 2, 3)
	ADDP_S(10, 4, 5)
	ADDP_S(11, 6, 7)
	ADDP_S(8, 8, 9)
	ADDP_S(9, 10, 11)
	VST1.P [V8.S4, V9.S4], 32(R2)
	XTN_H(0, 0)
	XTN2_H(0, 1)
	XTN_H(1, 2)
	XTN2_H(1, 3)
	XTN_H(2, 4)
	XTN2_H(2, 5)
	XTN_H(3, 6)
	XTN2_H(3, 7)
	XTN_B(0, 0)
	XTN2_B(0, 1)
	XTN_B(1, 2)
	XTN2_B(1, 3)
	VST1.P [V0.B16, V1.B16], 32(R0)
	SUB    $1, R4
	CBNZ   R4, block
	MOVW   R6, most+40(FP)
	MOVW   R7, least+44(FP)
	RET

// func unroundQ8NEON(dst *float32, q *int8, d *float32, blocks int)
TEXT ·unroundQ8NEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD q+8(FP), R2
	MOVD d+16(FP), R1
	MOVD blocks+24(FP), R4
	LOAD_PLACES

block:
	VLD1.P  32(R2), [V8.B16, V9.B16]
	VLD1R.P 4(R1), [V10.S4]
	FLOATS(0, 1, 2, 3, 8)
	FLOATS(4, 5, 6, 7, 9)
	FMUL(0, 0, 10)
	FMUL(1, 1, 10)
	FMUL(2, 2, 10)
	FMUL(3, 3, 10)
	FMUL(4, 4, 10)
	FMUL(5, 5, 10)
	FMUL(6, 6, 10)
	FMUL(7, 7, 10)
	VST1.P  [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1.P  [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUB     $1, R4
	CBNZ    R4, block
	RET
