//go:build !noasm

#include "textflag.h"

// Both walk the rows: DI is this row's place in the first panel, R10 in the
// panel at hand, SI the row, R11 the element. The row eight further on is
// fetched ahead, since rows lie in different pages.

// func gather16AVX2(dst, src *float32, stride, panels, k int)
TEXT ·gather16AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ panels+24(FP), R8
	MOVQ k+32(FP), CX
	SHLQ $2, R9
	MOVQ CX, DX
	SHLQ $6, DX

row16:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ R8, BX

panel16:
	PREFETCHT0 (R11)(R9*8)
	VMOVUPS (R11), Y0
	VMOVUPS 32(R11), Y1
	VMOVUPS Y0, (R10)
	VMOVUPS Y1, 32(R10)
	ADDQ $64, R11
	ADDQ DX, R10
	DECQ BX
	JNZ  panel16
	ADDQ R9, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  row16
	VZEROUPPER
	RET

// func gather6AVX2(dst, src *float32, stride, panels, k int)
TEXT ·gather6AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ panels+24(FP), R8
	MOVQ k+32(FP), CX
	SHLQ $2, R9
	LEAQ (CX)(CX*2), DX
	SHLQ $3, DX

row6:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ R8, BX

panel6:
	PREFETCHT0 (R11)(R9*8)
	VMOVUPS (R11), X0
	VMOVQ 16(R11), X1
	VMOVUPS X0, (R10)
	VMOVQ X1, 16(R10)
	ADDQ $24, R11
	ADDQ DX, R10
	DECQ BX
	JNZ  panel6
	ADDQ R9, SI
	ADDQ $24, DI
	DECQ CX
	JNZ  row6
	RET
