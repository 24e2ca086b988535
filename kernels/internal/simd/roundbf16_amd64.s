//go:build !noasm

#include "textflag.h"

// func roundBF16AVX2(x *float32, blocks int)
//
// Blocks of 8. Y15 is the lowest bit kept, Y14 half of it less one, Y13 the quiet
// bit, Y12 the bits kept.
TEXT ·roundBF16AVX2(SB), NOSPLIT, $0-16
	MOVQ x+0(FP), DI
	MOVQ blocks+8(FP), CX
	VPCMPEQD Y11, Y11, Y11
	VPSRLD $31, Y11, Y15
	VPSRLD $17, Y11, Y14
	VPSLLD $22, Y15, Y13
	VPSLLD $16, Y11, Y12

block:
	VMOVUPS (DI), Y0
	VCMPPS $3, Y0, Y0, Y2     // NaN
	VPSRLD $16, Y0, Y1
	VPAND Y15, Y1, Y1
	VPADDD Y14, Y1, Y1
	VPADDD Y0, Y1, Y1
	VPOR Y13, Y0, Y3
	VBLENDVPS Y2, Y3, Y1, Y1
	VPAND Y12, Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ $32, DI
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET
