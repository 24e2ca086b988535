//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// func expSumAVX512(dst, x *float32, n int, shift float32) float32
//
// Z14 holds the sum.
TEXT ·expSumAVX512(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS shift+24(FP), Z12
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VPXORD Z14, Z14, Z14
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VSUBPS Z12, Z0, Z0
	EXP512(Z0, Z1, Z2, Z3, Z4)
	VMOVUPS Z0, (DI)(AX*4)
	VADDPS Z0, Z14, Z14
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VSUBPS Z12, Z0, Z0
	EXP512(Z0, Z1, Z2, Z3, Z4)
	VMOVUPS Z0, K1, (DI)(AX*4)
	VADDPS Z0, Z14, K1, Z14

done:
	SUM512(Z14, Y14, X14, Y0, X0)
	VMOVSS X14, ret+32(FP)
	VZEROUPPER
	RET
