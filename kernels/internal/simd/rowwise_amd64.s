//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"

// Elementwise bodies round after every operation, as their Go twins do.

// Y12 = shift.
#define SOFTMAX_BACKWARD_BODY \
	VSUBPS Y12, Y1, Y1 \
	VMULPS Y1, Y0, Y0

// func softmaxBackwardAVX2(dst, dy, y *float32, n int, shift float32)
TEXT ·softmaxBackwardAVX2(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ y+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSS shift+32(FP), Y12
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	SOFTMAX_BACKWARD_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	SOFTMAX_BACKWARD_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// NORM_SUMS: sums += g and g·x̂ of eight elements. Y0 = x, Y1 = dy, Y2 = gain,
// Y12 = mean, Y13 = rstd.
#define NORM_SUMS(g, gx) \
	VSUBPS      Y12, Y0, Y0 \
	VMULPS      Y13, Y0, Y0 \
	VMULPS      Y2, Y1, Y1  \
	VADDPS      Y1, g, g    \
	VFMADD231PS Y0, Y1, gx

// HORIZONTAL: the sum of y's lanes in x, y's lower half; t is scratch.
#define HORIZONTAL(y, x, t) \
	VEXTRACTF128 $1, y, t \
	VADDPS       t, x, x  \
	VHADDPS      x, x, x  \
	VHADDPS      x, x, x

// func normSumsAVX2(dy, x, gain *float32, n int, mean, rstd float32) (sumG, sumGX float32)
//
// Vectors go to four accumulators in turn, the rest to the first.
TEXT ·normSumsAVX2(SB), NOSPLIT, $0-48
	MOVQ dy+0(FP), DX
	MOVQ x+8(FP), SI
	MOVQ gain+16(FP), R9
	MOVQ n+24(FP), CX
	VBROADCASTSS mean+32(FP), Y12
	VBROADCASTSS rstd+36(FP), Y13
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10

four:
	CMPQ CX, $32
	JLT  one
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VMOVUPS (R9), Y2
	NORM_SUMS(Y3, Y7)
	VMOVUPS 32(SI), Y0
	VMOVUPS 32(DX), Y1
	VMOVUPS 32(R9), Y2
	NORM_SUMS(Y4, Y8)
	VMOVUPS 64(SI), Y0
	VMOVUPS 64(DX), Y1
	VMOVUPS 64(R9), Y2
	NORM_SUMS(Y5, Y9)
	VMOVUPS 96(SI), Y0
	VMOVUPS 96(DX), Y1
	VMOVUPS 96(R9), Y2
	NORM_SUMS(Y6, Y10)
	ADDQ $128, SI
	ADDQ $128, DX
	ADDQ $128, R9
	SUBQ $32, CX
	JMP  four

one:
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	VMOVUPS (R9)(AX*4), Y2
	NORM_SUMS(Y3, Y7)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VMASKMOVPS (R9)(AX*4), Y15, Y2
	VSUBPS Y12, Y0, Y0
	VMULPS Y13, Y0, Y0
	VANDPS Y15, Y0, Y0 // masked places would count 0·(0-mean)·rstd, NaN for an infinite one
	VMULPS Y2, Y1, Y1
	VADDPS Y1, Y3, Y3
	VFMADD231PS Y0, Y1, Y7

done:
	VADDPS Y4, Y3, Y3
	VADDPS Y6, Y5, Y5
	VADDPS Y5, Y3, Y3
	VADDPS Y8, Y7, Y7
	VADDPS Y10, Y9, Y9
	VADDPS Y9, Y7, Y7
	HORIZONTAL(Y3, X3, X0)
	HORIZONTAL(Y7, X7, X0)
	VMOVSS X3, sumG+40(FP)
	VMOVSS X7, sumGX+44(FP)
	VZEROUPPER
	RET

// Y0 = x, Y1 = dy, Y2 = gain, Y10 = meanG, Y11 = meanGX.
#define NORM_BACKWARD_BODY \
	VSUBPS Y12, Y0, Y0 \
	VMULPS Y13, Y0, Y0 \
	VMULPS Y11, Y0, Y0 \
	VMULPS Y2, Y1, Y1  \
	VSUBPS Y10, Y1, Y1 \
	VSUBPS Y0, Y1, Y1  \
	VMULPS Y13, Y1, Y0

// func normBackwardAVX2(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)
TEXT ·normBackwardAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ gain+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Y12
	VBROADCASTSS rstd+44(FP), Y13
	VBROADCASTSS meanG+48(FP), Y10
	VBROADCASTSS meanGX+52(FP), Y11
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	VMOVUPS (R9)(AX*4), Y2
	NORM_BACKWARD_BODY
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VMASKMOVPS (R9)(AX*4), Y15, Y2
	NORM_BACKWARD_BODY
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// func normBackwardAddAVX2(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)
TEXT ·normBackwardAddAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ gain+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Y12
	VBROADCASTSS rstd+44(FP), Y13
	VBROADCASTSS meanG+48(FP), Y10
	VBROADCASTSS meanGX+52(FP), Y11
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	VMOVUPS (R9)(AX*4), Y2
	NORM_BACKWARD_BODY
	VADDPS (DI)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VMASKMOVPS (R9)(AX*4), Y15, Y2
	NORM_BACKWARD_BODY
	VMASKMOVPS (DI)(AX*4), Y15, Y1
	VADDPS Y1, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// Y0 = x, Y1 = dy, Y2 = dGain, Y3 = dBias.
#define NORM_ACCUMULATE_BODY \
	VSUBPS Y12, Y0, Y0 \
	VMULPS Y13, Y0, Y0 \
	VMULPS Y0, Y1, Y0  \
	VADDPS Y0, Y2, Y2  \
	VADDPS Y1, Y3, Y3

// func normAccumulateAVX2(dGain, dBias, dy, x *float32, n int, mean, rstd float32)
TEXT ·normAccumulateAVX2(SB), NOSPLIT, $0-48
	MOVQ dGain+0(FP), DI
	MOVQ dBias+8(FP), R9
	MOVQ dy+16(FP), DX
	MOVQ x+24(FP), SI
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Y12
	VBROADCASTSS rstd+44(FP), Y13
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	VMOVUPS (DI)(AX*4), Y2
	VMOVUPS (R9)(AX*4), Y3
	NORM_ACCUMULATE_BODY
	VMOVUPS Y2, (DI)(AX*4)
	VMOVUPS Y3, (R9)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VMASKMOVPS (DI)(AX*4), Y15, Y2
	VMASKMOVPS (R9)(AX*4), Y15, Y3
	NORM_ACCUMULATE_BODY
	VMASKMOVPS Y2, Y15, (DI)(AX*4)
	VMASKMOVPS Y3, Y15, (R9)(AX*4)
	DONE(done)

// Y0 = a, Y1 = b, Y2 = cos, Y3 = sin, Y12 = sign; results: Y4 and Y1.
#define ROTATE_BODY \
	VMULPS Y12, Y3, Y3 \
	VMULPS Y2, Y0, Y4  \
	VMULPS Y3, Y1, Y5  \
	VSUBPS Y5, Y4, Y4  \
	VMULPS Y2, Y1, Y1  \
	VMULPS Y3, Y0, Y0  \
	VADDPS Y0, Y1, Y1

// func rotateAVX2(y, z, a, b, cos, sin *float32, n int, sign float32)
TEXT ·rotateAVX2(SB), NOSPLIT, $0-60
	MOVQ y+0(FP), DI
	MOVQ z+8(FP), R9
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), R10
	MOVQ cos+32(FP), DX
	MOVQ sin+40(FP), R11
	MOVQ n+48(FP), CX
	VBROADCASTSS sign+56(FP), Y12
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (R10)(AX*4), Y1
	VMOVUPS (DX)(AX*4), Y2
	VMOVUPS (R11)(AX*4), Y3
	ROTATE_BODY
	VMOVUPS Y4, (DI)(AX*4)
	VMOVUPS Y1, (R9)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (R10)(AX*4), Y15, Y1
	VMASKMOVPS (DX)(AX*4), Y15, Y2
	VMASKMOVPS (R11)(AX*4), Y15, Y3
	ROTATE_BODY
	VMASKMOVPS Y4, Y15, (DI)(AX*4)
	VMASKMOVPS Y1, Y15, (R9)(AX*4)
	DONE(done)
