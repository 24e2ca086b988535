//go:build !noasm

#include "textflag.h"

// Both take whole runs of 16 floats, four to each of the sums Y4 to Y7, and fetch ahead:
// all gradients of a model come from memory.

#define WIDEN \
	PREFETCHT0 2048(SI)  \
	VCVTPS2PD (SI), Y0   \
	VCVTPS2PD 16(SI), Y1 \
	VCVTPS2PD 32(SI), Y2 \
	VCVTPS2PD 48(SI), Y3

#define FOLD \
	VADDPD       Y5, Y4, Y4 \
	VADDPD       Y7, Y6, Y6 \
	VADDPD       Y6, Y4, Y4 \
	VEXTRACTF128 $1, Y4, X0 \
	VADDPD       X0, X4, X4 \
	VHADDPD      X4, X4, X4

// func sumF64AVX2(x *float32, runs int) float64
TEXT ·sumF64AVX2(SB), NOSPLIT, $0-24
	MOVQ x+0(FP), SI
	MOVQ runs+8(FP), CX
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7

loop:
	WIDEN
	VADDPD Y0, Y4, Y4
	VADDPD Y1, Y5, Y5
	VADDPD Y2, Y6, Y6
	VADDPD Y3, Y7, Y7
	ADDQ $64, SI
	DECQ CX
	JNZ  loop
	FOLD
	VMOVSD X4, ret+16(FP)
	VZEROUPPER
	RET

// func sumSquaresF64AVX2(x *float32, runs int, mean float64) float64
TEXT ·sumSquaresF64AVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ runs+8(FP), CX
	VBROADCASTSD mean+16(FP), Y12
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7

loop:
	WIDEN
	VSUBPD Y12, Y0, Y0
	VSUBPD Y12, Y1, Y1
	VSUBPD Y12, Y2, Y2
	VSUBPD Y12, Y3, Y3
	VFMADD231PD Y0, Y0, Y4
	VFMADD231PD Y1, Y1, Y5
	VFMADD231PD Y2, Y2, Y6
	VFMADD231PD Y3, Y3, Y7
	ADDQ $64, SI
	DECQ CX
	JNZ  loop
	FOLD
	VMOVSD X4, ret+24(FP)
	VZEROUPPER
	RET
