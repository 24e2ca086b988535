//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"

// Each body below is its twin in activation_generic.go with fused products;
// Y0 is x and the result.

// NORMAL_TAIL: Y6 = Φ(Y0), Y1 = e^(-Y0²/2). Scratch: Y2 to Y5.
#define NORMAL_TAIL \
	VANDPS       MAGNITUDE(R8), Y0, Y5  \
	VMOVUPS      TAIL_MAX(R8), Y1       \
	VMINPS       Y5, Y1, Y5             \
	VMULPS       Y5, Y5, Y1             \
	VMOVAPS      Y5, Y6                 \
	VFMSUB213PS  Y1, Y5, Y6             \
	VMULPS       HALF(R8), Y6, Y6       \
	VMULPS       HALF(R8), Y1, Y1       \
	VXORPS       SIGN(R8), Y1, Y1       \
	EXP_DOWN(Y1, Y2, Y3, Y4)            \
	VFNMADD231PS Y6, Y1, Y1             \
	VMOVUPS      ONE(R8), Y2            \
	VMOVUPS      TAIL_SCALE(R8), Y3     \
	VFMADD213PS  Y2, Y3, Y5             \
	VDIVPS       Y5, Y2, Y5             \
	VMOVUPS      TAIL9(R8), Y3          \
	STEP(TAIL8, Y5, Y3)                 \
	STEP(TAIL7, Y5, Y3)                 \
	STEP(TAIL6, Y5, Y3)                 \
	STEP(TAIL5, Y5, Y3)                 \
	STEP(TAIL4, Y5, Y3)                 \
	STEP(TAIL3, Y5, Y3)                 \
	STEP(TAIL2, Y5, Y3)                 \
	STEP(TAIL1, Y5, Y3)                 \
	STEP(TAIL0, Y5, Y3)                 \
	VMULPS       Y5, Y3, Y3             \
	VMULPS       Y1, Y3, Y3             \
	VSUBPS       Y3, Y2, Y4             \
	VBLENDVPS    Y0, Y3, Y4, Y6

#define GELU_BODY \
	NORMAL_TAIL        \
	VMULPS Y6, Y0, Y0

// func geluAVX2(dst, x *float32, n int)
TEXT ·geluAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	GELU_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	GELU_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

#define GELU_BACKWARD_BODY \
	NORMAL_TAIL                  \
	VMULPS      DENSITY(R8), Y1, Y1 \
	VFMADD231PS  Y0, Y1, Y6      \
	VMULPS       Y6, Y14, Y0

// func geluBackwardAVX2(dst, dy, x *float32, n int)
TEXT ·geluBackwardAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y14
	GELU_BACKWARD_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y14
	GELU_BACKWARD_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// GELU_ARGUMENT: Y1 = 2u of Y0, Y5 = Y0².
#define GELU_ARGUMENT \
	VMULPS       Y0, Y0, Y5           \
	VMOVUPS      GELU_CUBIC(R8), Y1   \
	STEP(GELU_LINEAR, Y5, Y1)         \
	VMULPS       Y0, Y1, Y1

// GELU_TWO_ARGUMENTS: Y1 + Y9 = 2u of Y0, Y9 being what Y1 lost in rounding and before:
// where 2u is -70, one rounding of it is 30 units of the result. Bounds of x keep it where
// LOGISTIC_REDUCE reaches. Scratch: Y2, Y5 to Y8.
#define GELU_TWO_ARGUMENTS \
	VMOVUPS      GELU_TANH_MIN(R8), Y1     \
	VMAXPS       Y0, Y1, Y5                \
	VMOVUPS      GELU_TANH_MAX(R8), Y1     \
	VMINPS       Y5, Y1, Y5                \
	VMULPS       Y5, Y5, Y6                \
	VMOVAPS      Y5, Y7                    \
	VFMSUB213PS  Y6, Y5, Y7                \
	VMOVUPS      GELU_CUBIC(R8), Y8        \
	VMOVAPS      Y8, Y1                    \
	STEP(GELU_LINEAR, Y6, Y1)              \
	VMOVUPS      GELU_LINEAR_HI(R8), Y9    \
	VSUBPS       Y1, Y9, Y9                \
	VFMADD231PS  Y6, Y8, Y9                \
	VMOVUPS      GELU_CUBIC_LO(R8), Y2     \
	STEP(GELU_LINEAR_LO, Y6, Y2)           \
	VFMADD231PS  Y7, Y8, Y2                \
	VADDPS       Y2, Y9, Y9                \
	VMOVAPS      Y1, Y2                    \
	VMULPS       Y5, Y1, Y1                \
	VFMSUB213PS  Y1, Y5, Y2                \
	VFMADD213PS  Y2, Y5, Y9

#define GELU_TANH_BODY \
	GELU_TWO_ARGUMENTS             \
	LOGISTIC_REDUCE(Y1, Y2, Y3)    \
	VADDPS Y9, Y1, Y1              \
	LOGISTIC_REST(Y1, Y2, Y3, Y4)  \
	VMULPS Y2, Y0, Y0

// func geluTanhAVX2(dst, x *float32, n int)
TEXT ·geluTanhAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	GELU_TANH_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	GELU_TANH_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// LOGISTIC_TAIL: LOGISTIC with s = 0 below LOGISTIC_MIN, and an e there that s times
// it is 0 too. Y6 is scratch as well.
#define LOGISTIC_TAIL(e, s, a, b) \
	VCMPPS  $0x15, LOGISTIC_MIN(R8), e, Y6 \
	VMOVUPS LOGISTIC_MIN(R8), a            \
	VMAXPS  e, a, e                        \
	LOGISTIC(e, s, a, b)                   \
	VANDPS  Y6, s, s

// Y7 makes a NaN of an infinite x, which the bounds hide.
#define GELU_TANH_BACKWARD_BODY \
	VSUBPS       Y0, Y0, Y7           \
	VMOVUPS      GELU_MIN(R8), Y1     \
	VMAXPS       Y0, Y1, Y0           \
	VMOVUPS      GELU_MAX(R8), Y1     \
	VMINPS       Y0, Y1, Y0           \
	GELU_ARGUMENT                     \
	LOGISTIC_TAIL(Y1, Y2, Y3, Y4)     \
	VMOVUPS      GELU_CUBIC3(R8), Y3  \
	STEP(GELU_LINEAR, Y5, Y3)         \
	VMULPS       Y2, Y1, Y1           \
	VMULPS       Y1, Y0, Y0           \
	STEP(ONE, Y3, Y0)                 \
	VMULPS       Y2, Y0, Y0           \
	VADDPS       Y7, Y0, Y0           \
	VMULPS       Y14, Y0, Y0

// func geluTanhBackwardAVX2(dst, dy, x *float32, n int)
TEXT ·geluTanhBackwardAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y14
	GELU_TANH_BACKWARD_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y14
	GELU_TANH_BACKWARD_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// Y12 = k, Y13 = c.
#define LOGISTIC_SLOPE_BODY \
	VANDPS       MAGNITUDE(R8), Y0, Y1 \
	VMULPS       Y12, Y1, Y1       \
	VXORPS       SIGN(R8), Y1, Y1  \
	EXP(Y1, Y2, Y3, Y4)            \
	VMOVUPS      ONE(R8), Y3       \
	VADDPS       Y3, Y1, Y2        \
	VDIVPS       Y2, Y3, Y2        \
	VMULPS       Y13, Y1, Y1       \
	VMULPS       Y2, Y2, Y2        \
	VMULPS       Y2, Y1, Y1        \
	VMULPS       Y14, Y1, Y0

// func logisticSlopeAVX2(dst, dy, x *float32, n int, k, c float32)
TEXT ·logisticSlopeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSS k+32(FP), Y12
	VBROADCASTSS c+36(FP), Y13
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y14
	LOGISTIC_SLOPE_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y14
	LOGISTIC_SLOPE_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

#define SILU_MUL_BODY \
	VMOVAPS Y0, Y1            \
	LOGISTIC(Y1, Y2, Y3, Y4)  \
	VMULPS  Y2, Y0, Y0        \
	VMULPS  Y14, Y0, Y0

// func siluMulAVX2(dst, gate, up *float32, n int)
TEXT ·siluMulAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), DX
	MOVQ n+24(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y14
	SILU_MUL_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y14
	SILU_MUL_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// Y0 = gate, Y13 = up, Y14 = dy; results: Y1 = dGate, Y0 = dUp.
#define SILU_MUL_BACKWARD_BODY \
	VMOVAPS      Y0, Y1               \
	LOGISTIC_TAIL(Y1, Y2, Y3, Y4)     \
	VMULPS       Y2, Y1, Y1           \
	STEP(ONE, Y0, Y1)                 \
	VMULPS       Y2, Y1, Y1           \
	VMULPS       Y14, Y13, Y3         \
	VMULPS       Y3, Y1, Y1           \
	VMULPS       Y2, Y0, Y0           \
	VMULPS       Y14, Y0, Y0

// func siluMulBackwardAVX2(dGate, dUp, dy, gate, up *float32, n int)
TEXT ·siluMulBackwardAVX2(SB), NOSPLIT, $0-48
	MOVQ dGate+0(FP), DI
	MOVQ dUp+8(FP), R9
	MOVQ dy+16(FP), DX
	MOVQ gate+24(FP), SI
	MOVQ up+32(FP), R10
	MOVQ n+40(FP), CX
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (R10)(AX*4), Y13
	VMOVUPS (DX)(AX*4), Y14
	SILU_MUL_BACKWARD_BODY
	VMOVUPS Y1, (DI)(AX*4)
	VMOVUPS Y0, (R9)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (R10)(AX*4), Y15, Y13
	VMASKMOVPS (DX)(AX*4), Y15, Y14
	SILU_MUL_BACKWARD_BODY
	VMASKMOVPS Y1, Y15, (DI)(AX*4)
	VMASKMOVPS Y0, Y15, (R9)(AX*4)
	DONE(done)

// Y12 = shift, Y13 = scale.
#define EXP_SCALED_BODY \
	VSUBPS Y12, Y0, Y0    \
	EXP(Y0, Y1, Y2, Y3)   \
	VMULPS Y13, Y0, Y0

// func expScaledAVX2(dst, x *float32, n int, shift, scale float32)
TEXT ·expScaledAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS shift+24(FP), Y12
	VBROADCASTSS scale+28(FP), Y13
	LEAQ ·activationTable(SB), R8
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	EXP_SCALED_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	EXP_SCALED_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)
