//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"

// Every operation rounds by itself, as in the Go twins. The first operand of a
// sum or product is Y0, the second Y1.

#define BINARY(OP) \
	MOVQ dst+0(FP), DI           \
	MOVQ x+8(FP), SI             \
	MOVQ y+16(FP), DX            \
	MOVQ n+24(FP), CX            \
	EACH(loop, rest)             \
	VMOVUPS (SI)(AX*4), Y0       \
	OP (DX)(AX*4), Y0, Y0        \
	VMOVUPS Y0, (DI)(AX*4)       \
	LAST(loop, rest, done)       \
	VMASKMOVPS (SI)(AX*4), Y15, Y0 \
	VMASKMOVPS (DX)(AX*4), Y15, Y1 \
	OP Y1, Y0, Y0                \
	VMASKMOVPS Y0, Y15, (DI)(AX*4) \
	DONE(done)

// func addAVX2(dst, x, y *float32, n int)
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	BINARY(VADDPS)

// func subAVX2(dst, x, y *float32, n int)
TEXT ·subAVX2(SB), NOSPLIT, $0-32
	BINARY(VSUBPS)

// func mulAVX2(dst, x, y *float32, n int)
TEXT ·mulAVX2(SB), NOSPLIT, $0-32
	BINARY(VMULPS)

// func axpyAVX2(dst, x *float32, n int, a float32)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS a+24(FP), Y12
	EACH(loop, rest)
	VMULPS (SI)(AX*4), Y12, Y0
	VADDPS (DI)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DI)(AX*4), Y15, Y1
	VMULPS Y0, Y12, Y0
	VADDPS Y1, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// func scaleAVX2(dst, x *float32, n int, a float32)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS a+24(FP), Y12
	EACH(loop, rest)
	VMULPS (SI)(AX*4), Y12, Y0
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMULPS Y0, Y12, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// func affineAVX2(dst, x, gain, bias *float32, n int, mean, rstd float32)
TEXT ·affineAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ gain+16(FP), DX
	MOVQ bias+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS mean+40(FP), Y12
	VBROADCASTSS rstd+44(FP), Y13
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VSUBPS Y12, Y0, Y0
	VMULPS Y13, Y0, Y0
	VMULPS (DX)(AX*4), Y0, Y0
	VADDPS (R9)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VMASKMOVPS (R9)(AX*4), Y15, Y2
	VSUBPS Y12, Y0, Y0
	VMULPS Y13, Y0, Y0
	VMULPS Y1, Y0, Y0
	VADDPS Y2, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// func reluAVX2(dst, x *float32, n int)
//
// The maximum takes x second, so that NaN stays.
TEXT ·reluAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VXORPS Y12, Y12, Y12
	EACH(loop, rest)
	VMAXPS (SI)(AX*4), Y12, Y0
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMAXPS Y0, Y12, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)

// func reluBackwardAVX2(dst, dy, x *float32, n int)
//
// Comparison 0x19 is "not 0 ≥ x": true for NaN.
TEXT ·reluBackwardAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	VXORPS Y12, Y12, Y12
	EACH(loop, rest)
	VCMPPS $0x19, (SI)(AX*4), Y12, Y0
	VANDPS (DX)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VCMPPS $0x19, Y0, Y12, Y0
	VANDPS Y1, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	DONE(done)
