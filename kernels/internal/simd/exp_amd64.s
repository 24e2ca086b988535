//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"

// func expSumAVX2(dst, x *float32, n int, shift float32) float32
//
// Y14 holds the sum, whose lanes are added pairwise.
TEXT ·expSumAVX2(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS shift+24(FP), Y12
	LEAQ ·activationTable(SB), R8
	VXORPS Y14, Y14, Y14
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VSUBPS Y12, Y0, Y0
	EXP(Y0, Y1, Y2, Y3)
	VMOVUPS Y0, (DI)(AX*4)
	VADDPS Y0, Y14, Y14
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VSUBPS Y12, Y0, Y0
	EXP(Y0, Y1, Y2, Y3)
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	VANDPS Y15, Y0, Y0
	VADDPS Y0, Y14, Y14

done:
	VEXTRACTF128 $1, Y14, X0
	VADDPS X0, X14, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS X0, ret+32(FP)
	VZEROUPPER
	RET

// func sumExpAVX2(x *float32, n int, shift float32) float32
//
// Y14 holds the sum, whose lanes are added pairwise.
TEXT ·sumExpAVX2(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS shift+16(FP), Y12
	LEAQ ·activationTable(SB), R8
	VXORPS Y14, Y14, Y14
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VSUBPS Y12, Y0, Y0
	EXP(Y0, Y1, Y2, Y3)
	VADDPS Y0, Y14, Y14
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VSUBPS Y12, Y0, Y0
	EXP(Y0, Y1, Y2, Y3)
	VANDPS Y15, Y0, Y0
	VADDPS Y0, Y14, Y14

done:
	VEXTRACTF128 $1, Y14, X0
	VADDPS X0, X14, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func sigmoidAVX2(dst, x *float32, n int)
TEXT ·sigmoidAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	LOGISTIC(Y0, Y4, Y1, Y2)
	VMOVUPS Y4, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	LOGISTIC(Y0, Y4, Y1, Y2)
	VMASKMOVPS Y4, Y15, (DI)(AX*4)
	DONE(done)

// func siluAVX2(dst, x *float32, n int)
TEXT ·siluAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVAPS Y0, Y5
	LOGISTIC(Y0, Y4, Y1, Y2)
	VMULPS Y4, Y5, Y4
	VMOVUPS Y4, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMOVAPS Y0, Y5
	LOGISTIC(Y0, Y4, Y1, Y2)
	VMULPS Y4, Y5, Y4
	VMASKMOVPS Y4, Y15, (DI)(AX*4)
	DONE(done)

// SILU_BACKWARD: Y4 = dy·s·(1 + x·(1-s)), dy = Y6, x = Y0.
#define SILU_BACKWARD \
	VMOVAPS      Y0, Y5        \
	LOGISTIC(Y0, Y4, Y1, Y2)   \
	VBROADCASTSS ONE(R8), Y1   \
	VSUBPS       Y4, Y1, Y2    \
	VMULPS       Y2, Y5, Y2    \
	VADDPS       Y1, Y2, Y2    \
	VMULPS       Y4, Y6, Y4    \
	VMULPS       Y2, Y4, Y4

// func siluBackwardAVX2(dst, dy, x *float32, n int)
TEXT ·siluBackwardAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y6
	SILU_BACKWARD
	VMOVUPS Y4, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y6
	SILU_BACKWARD
	VMASKMOVPS Y4, Y15, (DI)(AX*4)
	DONE(done)

// TANH: Y0 = tanh Y0. R9 points to tanhTable. Y5 = |x|, Y6 its sign bit; Y4 is
// the result for large, Y7 for small |x|.
#define TANH \
	VBROADCASTSS MAGNITUDE(R8), Y1 \
	VANDPS       Y1, Y0, Y5        \
	VANDNPS      Y0, Y1, Y6        \
	VADDPS       Y5, Y5, Y4        \
	LOGISTIC(Y4, Y7, Y1, Y2)       \
	VBROADCASTSS ONE(R8), Y1       \
	VSUBPS       Y4, Y1, Y4        \
	VMULPS       Y7, Y4, Y4        \
	VORPS        Y6, Y4, Y4        \
	VMULPS       Y0, Y0, Y1        \
	VBROADCASTSS 4(R9), Y7         \
	VBROADCASTSS 8(R9), Y3         \
	VFMADD213PS  Y3, Y1, Y7        \
	VBROADCASTSS 12(R9), Y3        \
	VFMADD213PS  Y3, Y1, Y7        \
	VBROADCASTSS 16(R9), Y3        \
	VFMADD213PS  Y3, Y1, Y7        \
	VBROADCASTSS 20(R9), Y3        \
	VFMADD213PS  Y3, Y1, Y7        \
	VMULPS       Y1, Y7, Y7        \
	VFMADD213PS  Y0, Y0, Y7        \
	VBROADCASTSS (R9), Y1          \
	VCMPPS       $1, Y1, Y5, Y1    \
	VBLENDVPS    Y1, Y7, Y4, Y0

// func tanhAVX2(dst, x *float32, n int)
TEXT ·tanhAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·activationTable(SB), R8
	LEAQ ·tanhTable(SB), R9
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	TANH
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	TANH
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)
