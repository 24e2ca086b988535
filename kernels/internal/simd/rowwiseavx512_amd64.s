//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// Elementwise bodies round after every operation, as their Go twins do.

#define AFFINE_BODY512 \
	VSUBPS Z12, Z0, Z0 \
	VMULPS Z13, Z0, Z0 \
	VMULPS Z1, Z0, Z0  \
	VADDPS Z2, Z0, Z0

// func affineAVX512(dst, x, gain, bias *float32, n int, mean, rstd float32)
TEXT ·affineAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ gain+16(FP), DX
	MOVQ bias+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Z12
	VBROADCASTSS rstd+44(FP), Z13
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z1
	VMOVUPS (R9)(AX*4), Z2
	AFFINE_BODY512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z1
	VMOVUPS.Z (R9)(AX*4), K1, Z2
	AFFINE_BODY512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// NORM_SUMS512: sums += g and g·x̂ of 16 elements. Z0 = x, Z1 = dy, Z2 = gain,
// Z12 = mean, Z13 = rstd.
#define NORM_SUMS512(g, gx) \
	VSUBPS      Z12, Z0, Z0 \
	VMULPS      Z13, Z0, Z0 \
	VMULPS      Z2, Z1, Z1  \
	VADDPS      Z1, g, g    \
	VFMADD231PS Z0, Z1, gx

// func normSumsAVX512(dy, x, gain *float32, n int, mean, rstd float32) (sumG, sumGX float32)
//
// Vectors go to two accumulators in turn, Z3 and Z7 or Z4 and Z8, the rest to the first.
TEXT ·normSumsAVX512(SB), NOSPLIT, $0-48
	MOVQ dy+0(FP), DX
	MOVQ x+8(FP), SI
	MOVQ gain+16(FP), R9
	MOVQ n+24(FP), CX
	VBROADCASTSS mean+32(FP), Z12
	VBROADCASTSS rstd+36(FP), Z13
	VPXORD Z3, Z3, Z3
	VPXORD Z4, Z4, Z4
	VPXORD Z7, Z7, Z7
	VPXORD Z8, Z8, Z8

two:
	CMPQ CX, $32
	JLT  one
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	VMOVUPS (R9), Z2
	NORM_SUMS512(Z3, Z7)
	VMOVUPS 64(SI), Z0
	VMOVUPS 64(DX), Z1
	VMOVUPS 64(R9), Z2
	NORM_SUMS512(Z4, Z8)
	ADDQ $128, SI
	ADDQ $128, DX
	ADDQ $128, R9
	SUBQ $32, CX
	JMP  two

one:
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z1
	VMOVUPS (R9)(AX*4), Z2
	NORM_SUMS512(Z3, Z7)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z1
	VMOVUPS.Z (R9)(AX*4), K1, Z2
	VSUBPS.Z Z12, Z0, K1, Z0 // masked places would count 0·(0-mean)·rstd, NaN for an infinite one
	VMULPS.Z Z13, Z0, K1, Z0
	VMULPS Z2, Z1, Z1
	VADDPS Z1, Z3, Z3
	VFMADD231PS Z0, Z1, Z7

done:
	VADDPS Z4, Z3, Z3
	VADDPS Z8, Z7, Z7
	SUM512(Z3, Y3, X3, Y0, X0)
	SUM512(Z7, Y7, X7, Y0, X0)
	VMOVSS X3, sumG+40(FP)
	VMOVSS X7, sumGX+44(FP)
	VZEROUPPER
	RET

// Z0 = x, Z1 = dy, Z2 = gain, Z10 = meanG, Z11 = meanGX.
#define NORM_BACKWARD_BODY512 \
	VSUBPS Z12, Z0, Z0 \
	VMULPS Z13, Z0, Z0 \
	VMULPS Z11, Z0, Z0 \
	VMULPS Z2, Z1, Z1  \
	VSUBPS Z10, Z1, Z1 \
	VSUBPS Z0, Z1, Z1  \
	VMULPS Z13, Z1, Z0

// func normBackwardAVX512(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)
TEXT ·normBackwardAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ gain+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Z12
	VBROADCASTSS rstd+44(FP), Z13
	VBROADCASTSS meanG+48(FP), Z10
	VBROADCASTSS meanGX+52(FP), Z11
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z1
	VMOVUPS (R9)(AX*4), Z2
	NORM_BACKWARD_BODY512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z1
	VMOVUPS.Z (R9)(AX*4), K1, Z2
	NORM_BACKWARD_BODY512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// func normBackwardAddAVX512(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)
TEXT ·normBackwardAddAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ gain+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Z12
	VBROADCASTSS rstd+44(FP), Z13
	VBROADCASTSS meanG+48(FP), Z10
	VBROADCASTSS meanGX+52(FP), Z11
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z1
	VMOVUPS (R9)(AX*4), Z2
	VMOVUPS (DI)(AX*4), Z3
	NORM_BACKWARD_BODY512
	VADDPS Z3, Z0, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z1
	VMOVUPS.Z (R9)(AX*4), K1, Z2
	VMOVUPS.Z (DI)(AX*4), K1, Z3
	NORM_BACKWARD_BODY512
	VADDPS Z3, Z0, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// Z0 = x, Z1 = dy, Z2 = dGain, Z3 = dBias.
#define NORM_ACCUMULATE_BODY512 \
	VSUBPS Z12, Z0, Z0 \
	VMULPS Z13, Z0, Z0 \
	VMULPS Z0, Z1, Z0  \
	VADDPS Z0, Z2, Z2  \
	VADDPS Z1, Z3, Z3

// func normAccumulateAVX512(dGain, dBias, dy, x *float32, n int, mean, rstd float32)
TEXT ·normAccumulateAVX512(SB), NOSPLIT, $0-48
	MOVQ dGain+0(FP), DI
	MOVQ dBias+8(FP), R9
	MOVQ dy+16(FP), DX
	MOVQ x+24(FP), SI
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Z12
	VBROADCASTSS rstd+44(FP), Z13
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z1
	VMOVUPS (DI)(AX*4), Z2
	VMOVUPS (R9)(AX*4), Z3
	NORM_ACCUMULATE_BODY512
	VMOVUPS Z2, (DI)(AX*4)
	VMOVUPS Z3, (R9)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z1
	VMOVUPS.Z (DI)(AX*4), K1, Z2
	VMOVUPS.Z (R9)(AX*4), K1, Z3
	NORM_ACCUMULATE_BODY512
	VMOVUPS Z2, K1, (DI)(AX*4)
	VMOVUPS Z3, K1, (R9)(AX*4)
	DONE(done)
