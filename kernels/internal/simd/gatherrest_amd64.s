//go:build !noasm

#include "textflag.h"

// func gatherRest16AVX2(dst, src *float32, stride, cols, k int)
TEXT ·gatherRest16AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ cols+24(FP), DX
	MOVQ k+32(FP), CX
	SHLQ $2, R9
	LEAQ ·edgeMask+64(SB), BX
	SHLQ $2, DX
	SUBQ DX, BX
	VMOVUPS (BX), Y0
	VMOVUPS 32(BX), Y1

row:
	VMASKMOVPS (SI), Y0, Y2
	VMASKMOVPS 32(SI), Y1, Y3
	VMOVUPS Y2, (DI)
	VMOVUPS Y3, 32(DI)
	ADDQ R9, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  row
	VZEROUPPER
	RET
