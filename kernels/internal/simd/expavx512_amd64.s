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

// func sumExpAVX512(x *float32, n int, shift float32) float32
//
// Z14 holds the sum.
TEXT ·sumExpAVX512(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS shift+16(FP), Z12
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VPXORD Z14, Z14, Z14
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VSUBPS Z12, Z0, Z0
	EXP512(Z0, Z1, Z2, Z3, Z4)
	VADDPS Z0, Z14, Z14
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VSUBPS Z12, Z0, Z0
	EXP512(Z0, Z1, Z2, Z3, Z4)
	VADDPS Z0, Z14, K1, Z14

done:
	SUM512(Z14, Y14, X14, Y0, X0)
	VMOVSS X14, ret+24(FP)
	VZEROUPPER
	RET

// func sigmoidAVX512(dst, x *float32, n int)
TEXT ·sigmoidAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	SIGMOID512(Z15, Z0, Z5, Z1, Z2, Z3, Z4)
	VMOVUPS Z5, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	SIGMOID512(Z15, Z0, Z5, Z1, Z2, Z3, Z4)
	VMOVUPS Z5, K1, (DI)(AX*4)
	DONE(done)

// func siluAVX512(dst, x *float32, n int)
TEXT ·siluAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	SIGMOID512(Z15, Z0, Z5, Z1, Z2, Z3, Z4)
	VMULPS Z5, Z0, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	SIGMOID512(Z15, Z0, Z5, Z1, Z2, Z3, Z4)
	VMULPS Z5, Z0, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// SILU_BACKWARD512: Z0 = dy·s·(1 + x·(1-s)), dy = Z6, x = Z0.
#define SILU_BACKWARD512 \
	SIGMOIDS512(Z15, Z0, Z5, Z7, Z1, Z2, Z3, Z4) \
	VFMADD213PS ONE512, Z7, Z0                   \
	VMULPS      Z5, Z6, Z5                       \
	VMULPS      Z5, Z0, Z0

// func siluBackwardAVX512(dst, dy, x *float32, n int)
TEXT ·siluBackwardAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z6
	SILU_BACKWARD512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z6
	SILU_BACKWARD512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// TANH512: Z5 = tanh Z0: (1-e)/(1+e) with the sign of x, e = e^-2|x|, and for x² below
// HIGH512 the polynomial, whose coefficients Z6 to Z10 are.
#define TANH512 \
	VADDPS       Z0, Z0, Z1            \
	LOGISTIC_EXP512(Z15, Z1, Z5, Z2, Z3, Z4) \
	VSUBPS       Z1, ONE512, Z3        \
	QUOTIENT512(Z3, Z2, Z5, Z4)        \
	VPTERNLOGD   $0xf8, Z15, Z0, Z5    \
	VMULPS       Z0, Z0, Z1            \
	VMOVAPS      Z6, Z2                \
	VFMADD213PS  Z7, Z1, Z2            \
	VFMADD213PS  Z8, Z1, Z2            \
	VFMADD213PS  Z9, Z1, Z2            \
	VFMADD213PS  Z10, Z1, Z2           \
	VMULPS       Z1, Z2, Z2            \
	VFMADD213PS  Z0, Z0, Z2            \
	VCMPPS       $1, HIGH512, Z1, K2   \
	VMOVAPS      Z2, K2, Z5

// func tanhAVX512(dst, x *float32, n int)
TEXT ·tanhAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	LEAQ ·tanhTable(SB), R9
	VBROADCASTSS (R9), HIGH512
	VMULPS HIGH512, HIGH512, HIGH512
	VBROADCASTSS 4(R9), Z6
	VBROADCASTSS 8(R9), Z7
	VBROADCASTSS 12(R9), Z8
	VBROADCASTSS 16(R9), Z9
	VBROADCASTSS 20(R9), Z10
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	TANH512
	VMOVUPS Z5, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	TANH512
	VMOVUPS Z5, K1, (DI)(AX*4)
	DONE(done)
