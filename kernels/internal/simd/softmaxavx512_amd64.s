//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// SEEN: K1 = the last CX&15 of CX lanes, BX = whole vectors' elements in CX.
#define SEEN \
	MOVQ  CX, SI      \
	ANDQ  $15, SI     \
	MOVL  $0xffff, BX \
	BZHIL SI, BX, BX  \
	KMOVW BX, K1      \
	MOVQ  CX, BX      \
	ANDQ  $~15, BX

// WITHIN: K3 = lanes of a vector at AX that lie before R10, SI is lost.
#define WITHIN(whole) \
	MOVL  $0xffff, BX \
	MOVQ  R10, SI     \
	SUBQ  AX, SI      \
	CMPQ  SI, $16     \
	JGE   whole       \
	BZHIL SI, BX, BX  \
whole:                \
	KMOVW BX, K3

// func softmaxRowsAVX512(p *float32, ld, cols int, sees *int32, rows int, top, sum, shrink *float32)
//
// Groups of R14 ≤ 16 rows, in three steps, none of which waits for the chain of
// another row: the largest of each row, top - m in shrink's place; shrink of all; the
// exponentials of each row. Z13 = m, Z14 = the row's sum, Z11 = 0. The maximum takes
// scores first, so that a NaN leaves it as it was.
TEXT ·softmaxRowsAVX512(SB), NOSPLIT, $0-64
	MOVQ p+0(FP), DI
	MOVQ ld+8(FP), R9
	MOVQ sees+24(FP), R12
	MOVQ rows+32(FP), R11
	MOVQ top+40(FP), R13
	MOVQ sum+48(FP), R15
	MOVQ shrink+56(FP), DX
	SHLQ $2, R9
	EXP_CONSTANTS512(EXP_LOW, EXP_MAX)
	VPXORD Z11, Z11, Z11

group:
	MOVQ $16, R14
	CMPQ R11, R14
	CMOVQLT R11, R14
	SUBQ R14, R11
	MOVQ DI, R8
	XORQ R10, R10

topRow:
	MOVLQSX (R12)(R10*4), CX
	VPXOR X4, X4, X4
	TESTQ CX, CX
	JZ   topDone
	SEEN
	VBROADCASTSS (R13)(R10*4), Z4
	VMOVAPS Z4, Z10
	XORQ AX, AX
	TESTQ BX, BX
	JZ   topRest

topLoop:
	VMOVUPS (R8)(AX*4), Z0
	VMAXPS Z4, Z0, Z4
	ADDQ $16, AX
	CMPQ AX, BX
	JLT  topLoop

topRest:
	VMOVUPS.Z (R8)(AX*4), K1, Z0
	VMAXPS Z4, Z0, K1, Z4
	LARGEST512(Z4, Y4, X4, Y0, X0)
	VMOVSS X4, (R13)(R10*4)
	VSUBSS X4, X10, X4

topDone:
	VMOVSS X4, (DX)(R10*4)
	ADDQ R9, R8
	INCQ R10
	CMPQ R10, R14
	JLT  topRow

	MOVL $0xffff, BX
	BZHIL R14, BX, BX
	KMOVW BX, K1
	VMOVUPS.Z (DX), K1, Z0
	EXP_DOWN512(Z0, Z1, Z2, Z3)
	VMOVUPS Z0, K1, (DX)
	VMULPS.Z (R15), Z0, K1, Z0
	VMOVUPS Z0, K1, (R15)
	LEAQ (DX)(R14*4), DX
	MOVQ cols+16(FP), R10

row:
	MOVLQSX (R12), CX
	XORQ AX, AX
	TESTQ CX, CX
	JZ   clear
	SEEN
	VBROADCASTSS (R13), Z13
	VPXORD Z14, Z14, Z14
	TESTQ BX, BX
	JZ   expRest

expLoop:
	VMOVUPS (DI)(AX*4), Z0
	VSUBPS Z13, Z0, Z0
	EXP_DOWN512(Z0, Z1, Z2, Z3)
	VMOVUPS Z0, (DI)(AX*4)
	VADDPS Z0, Z14, Z14
	ADDQ $16, AX
	CMPQ AX, BX
	JLT  expLoop

expRest:
	CMPQ AX, CX
	JGE  expDone
	VMOVUPS.Z (DI)(AX*4), K1, Z0
	VSUBPS Z13, Z0, Z0
	EXP_DOWN512(Z0, Z1, Z2, Z3)
	VMOVAPS.Z Z0, K1, Z0
	VADDPS Z0, Z14, Z14
	WITHIN(last)
	VMOVUPS Z0, K3, (DI)(AX*4)
	ADDQ $16, AX

expDone:
	SUM512(Z14, Y14, X14, Y0, X0)
	VADDSS (R15), X14, X14
	VMOVSS X14, (R15)

clear:
	CMPQ AX, R10
	JGE  next
	WITHIN(edge)
	VMOVUPS Z11, K3, (DI)(AX*4)
	ADDQ $16, AX
	JMP  clear

next:
	ADDQ R9, DI
	ADDQ $4, R12
	ADDQ $4, R13
	ADDQ $4, R15
	DECQ R14
	JNZ  row
	TESTQ R11, R11
	JNZ  group
	VZEROUPPER
	RET

// func softmaxSlopesAVX512(p, dp *float32, ld, cols int, sees *int32, rows int, scale float32)
//
// Groups of R14 rows, at most 16 and few enough that the first-level cache holds
// them, in three steps, as above: the largest of each row; exponentials, Σ e = Z14 and
// Σ e·dp = Z7 of each; from these of all rows, 1/Σ e and the mean of dp; slopes. Z13 =
// m, later 1/Σ, Z12 = scale, Z10 = its sign, Z8 = its magnitude, Z11 = 0. The maximum
// takes scores first, so that a NaN leaves it as it was.
TEXT ·softmaxSlopesAVX512(SB), NOSPLIT, $136-52
	MOVQ p+0(FP), DI
	MOVQ dp+8(FP), DX
	MOVQ ld+16(FP), R9
	MOVQ cols+24(FP), R10
	MOVQ sees+32(FP), R12
	MOVQ rows+40(FP), R11
	VBROADCASTSS scale+48(FP), Z12
	SHLQ $2, R9
	EXP_CONSTANTS512(EXP_LOW, EXP_MAX)
	VANDPS.BCST SIGN(R8), Z12, Z10
	VXORPS Z10, Z12, Z8
	VPXORD Z11, Z11, Z11
	MOVL $2048, AX
	XORL DX, DX
	DIVQ R10
	MOVQ dp+8(FP), DX
	MOVQ $1, R13
	CMPQ AX, R13
	CMOVQLT R13, AX
	MOVQ $16, R13
	CMPQ AX, R13
	CMOVQLT AX, R13
	MOVQ R13, group-8(SP)

group:
	MOVQ group-8(SP), R14
	CMPQ R11, R14
	CMOVQLT R11, R14
	SUBQ R14, R11
	MOVQ DI, R8
	MOVQ DX, R15
	XORQ R13, R13

topRow:
	MOVLQSX (R12)(R13*4), CX
	TESTQ CX, CX
	JZ   topNext
	SEEN
	MOVL $0xff800000, SI
	VPBROADCASTD SI, Z4
	XORQ AX, AX
	TESTQ BX, BX
	JZ   topRest

topLoop:
	VXORPS (R8)(AX*4), Z10, Z0
	VMAXPS Z4, Z0, Z4
	ADDQ $16, AX
	CMPQ AX, BX
	JLT  topLoop

topRest:
	VXORPS.Z (R8)(AX*4), Z10, K1, Z0
	VMAXPS Z4, Z0, K1, Z4
	LARGEST512(Z4, Y4, X4, Y0, X0)
	VMOVSS X4, sums-72(SP)(R13*4)

topNext:
	ADDQ R9, R8
	INCQ R13
	CMPQ R13, R14
	JLT  topRow
	MOVQ DI, R8
	XORQ R13, R13

expRow:
	MOVLQSX (R12)(R13*4), CX
	TESTQ CX, CX
	JZ   expNext
	SEEN
	VBROADCASTSS sums-72(SP)(R13*4), Z13
	VPXORD Z14, Z14, Z14
	VPXORD Z7, Z7, Z7
	XORQ AX, AX
	TESTQ BX, BX
	JZ   expRest

expLoop:
	VXORPS (R8)(AX*4), Z10, Z0
	VSUBPS Z13, Z0, Z0
	VMULPS Z8, Z0, Z0
	EXP_DOWN512(Z0, Z1, Z2, Z3)
	VMOVUPS Z0, (R8)(AX*4)
	VADDPS Z0, Z14, Z14
	VFMADD231PS (R15)(AX*4), Z0, Z7
	ADDQ $16, AX
	CMPQ AX, BX
	JLT  expLoop

expRest:
	CMPQ AX, CX
	JGE  expDone
	VXORPS.Z (R8)(AX*4), Z10, K1, Z0
	VSUBPS Z13, Z0, Z0
	VMULPS Z8, Z0, Z0
	EXP_DOWN512(Z0, Z1, Z2, Z3)
	VMOVUPS Z0, K1, (R8)(AX*4)
	VADDPS Z0, Z14, K1, Z14
	VFMADD231PS (R15)(AX*4), Z0, K1, Z7

expDone:
	SUM512(Z14, Y14, X14, Y0, X0)
	VMOVSS X14, sums-72(SP)(R13*4)
	SUM512(Z7, Y7, X7, Y0, X0)
	VMOVSS X7, means-136(SP)(R13*4)

expNext:
	ADDQ R9, R8
	ADDQ R9, R15
	INCQ R13
	CMPQ R13, R14
	JLT  expRow
	VDIVPS sums-72(SP), ONE512, Z0
	VMULPS means-136(SP), Z0, Z1
	VMOVUPS Z0, sums-72(SP)
	VMOVUPS Z1, means-136(SP)
	XORQ R13, R13

row:
	MOVLQSX (R12)(R13*4), CX
	XORQ AX, AX
	TESTQ CX, CX
	JZ   clear
	SEEN
	VBROADCASTSS sums-72(SP)(R13*4), Z13
	VBROADCASTSS means-136(SP)(R13*4), Z7
	TESTQ BX, BX
	JZ   rest

loop:
	VMULPS (DI)(AX*4), Z13, Z0
	VMOVUPS (DX)(AX*4), Z5
	VSUBPS Z7, Z5, Z5
	VMULPS Z0, Z5, Z5
	VMULPS Z12, Z5, Z5
	VMOVUPS Z0, (DI)(AX*4)
	VMOVUPS Z5, (DX)(AX*4)
	ADDQ $16, AX
	CMPQ AX, BX
	JLT  loop

rest:
	CMPQ AX, CX
	JGE  clear
	VMULPS.Z (DI)(AX*4), Z13, K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z5
	VSUBPS Z7, Z5, Z5
	VMULPS Z0, Z5, Z5
	VMULPS.Z Z12, Z5, K1, Z5
	WITHIN(last)
	VMOVUPS Z0, K3, (DI)(AX*4)
	VMOVUPS Z5, K3, (DX)(AX*4)
	ADDQ $16, AX

clear:
	CMPQ AX, R10
	JGE  next
	WITHIN(edge)
	VMOVUPS Z11, K3, (DI)(AX*4)
	VMOVUPS Z11, K3, (DX)(AX*4)
	ADDQ $16, AX
	JMP  clear

next:
	ADDQ R9, DI
	ADDQ R9, DX
	INCQ R13
	CMPQ R13, R14
	JLT  row
	LEAQ (R12)(R14*4), R12
	TESTQ R11, R11
	JNZ  group
	VZEROUPPER
	RET
