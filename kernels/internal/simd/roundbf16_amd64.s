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

// ROUND rounds x to nearest even, y; all but NaN.
#define ROUND(x, y) \
	VPSRLD $16, x, y \
	VPAND Y15, y, y \
	VPADDD Y14, y, y \
	VPADDD x, y, y \
	VPAND Y12, y, y

// func roundBF16x2AVX2(x *float32, blocks int) (largest uint32)
//
// Constants as above; Y11 keeps all bits but the sign, Y10 is the least number that
// rounds to infinity, less one, Y9 the largest so far.
TEXT ·roundBF16x2AVX2(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), DI
	MOVQ blocks+8(FP), CX
	VPCMPEQD Y11, Y11, Y11
	VPSRLD $31, Y11, Y15
	VPSRLD $17, Y11, Y14
	VPSLLD $16, Y11, Y12
	VPSRLD $1, Y11, Y11
	MOVL $0x7f7f7fff, AX
	VMOVD AX, X10
	VPBROADCASTD X10, Y10
	VPXOR Y9, Y9, Y9

block:
	VMOVUPS (DI), Y0
	VPAND Y11, Y0, Y1
	VPMAXUD Y1, Y9, Y9
	VPCMPGTD Y10, Y1, Y2      // left alone
	ROUND(Y0, Y3)
	VSUBPS Y3, Y0, Y4
	ROUND(Y4, Y5)
	VADDPS Y5, Y3, Y3
	VBLENDVPS Y2, Y0, Y3, Y3
	VMOVUPS Y3, (DI)
	ADDQ $32, DI
	DECQ CX
	JNZ  block
	VEXTRACTI128 $1, Y9, X1
	VPMAXUD X1, X9, X0
	VPSHUFD $0x4e, X0, X1
	VPMAXUD X1, X0, X0
	VPSHUFD $0xb1, X0, X1
	VPMAXUD X1, X0, X0
	VMOVD X0, AX
	MOVL AX, largest+16(FP)
	VZEROUPPER
	RET
