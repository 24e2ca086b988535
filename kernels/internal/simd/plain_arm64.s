//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// All take whole runs of 16 floats, at least one.

#define BINARY(OP) \
	MOVD   dst+0(FP), R0                           \
	MOVD   x+8(FP), R1                             \
	MOVD   y+16(FP), R2                            \
	MOVD   runs+24(FP), R4                         \
loop:                                              \
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]    \
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]    \
	OP(0, 0, 4)                                    \
	OP(1, 1, 5)                                    \
	OP(2, 2, 6)                                    \
	OP(3, 3, 7)                                    \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)    \
	SUB    $1, R4                                  \
	CBNZ   R4, loop                                \
	RET

// func addNEON(dst, x, y *float32, runs int)
TEXT ·addNEON(SB), NOSPLIT, $0-32
	BINARY(FADD)

// func subNEON(dst, x, y *float32, runs int)
TEXT ·subNEON(SB), NOSPLIT, $0-32
	BINARY(FSUB)

// func mulNEON(dst, x, y *float32, runs int)
TEXT ·mulNEON(SB), NOSPLIT, $0-32
	BINARY(FMUL)

// func axpyNEON(dst, x *float32, runs int, a float32)
//
// Product and sum round separately, as in the Go twin.
TEXT ·axpyNEON(SB), NOSPLIT, $0-28
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  runs+16(FP), R4
	FMOVS a+24(FP), F16
	VDUP  V16.S[0], V16.S4

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1   (R0), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMUL(0, 0, 16)
	FMUL(1, 1, 16)
	FMUL(2, 2, 16)
	FMUL(3, 3, 16)
	FADD(0, 0, 4)
	FADD(1, 1, 5)
	FADD(2, 2, 6)
	FADD(3, 3, 7)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func scaleNEON(dst, x *float32, runs int, a float32)
TEXT ·scaleNEON(SB), NOSPLIT, $0-28
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  runs+16(FP), R4
	FMOVS a+24(FP), F16
	VDUP  V16.S[0], V16.S4

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMUL(0, 0, 16)
	FMUL(1, 1, 16)
	FMUL(2, 2, 16)
	FMUL(3, 3, 16)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB    $1, R4
	CBNZ   R4, loop
	RET

// func dotNEON(lanes *[4]float32, x, y *float32, runs int)
TEXT ·dotNEON(SB), NOSPLIT, $0-32
	MOVD lanes+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD runs+24(FP), R4
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	PRFM   1024(R2), PLDL1STRM
	VFMLA  V4.S4, V0.S4, V16.S4
	VFMLA  V5.S4, V1.S4, V17.S4
	VFMLA  V6.S4, V2.S4, V18.S4
	VFMLA  V7.S4, V3.S4, V19.S4
	SUB    $1, R4
	CBNZ   R4, loop
	FADD(16, 16, 17)
	FADD(18, 18, 19)
	FADD(16, 16, 18)
	VST1   [V16.S4], (R0)
	RET

// func sumNEON(lanes *[4]float32, x *float32, runs int)
TEXT ·sumNEON(SB), NOSPLIT, $0-24
	MOVD lanes+0(FP), R0
	MOVD x+8(FP), R1
	MOVD runs+16(FP), R4
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FADD(16, 16, 0)
	FADD(17, 17, 1)
	FADD(18, 18, 2)
	FADD(19, 19, 3)
	SUB    $1, R4
	CBNZ   R4, loop
	FADD(16, 16, 17)
	FADD(18, 18, 19)
	FADD(16, 16, 18)
	VST1   [V16.S4], (R0)
	RET
