//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"

// Rows have room for whole vectors, so that the last one is masked in registers
// only. TAIL: Y15 = the first CX&7 lanes, SI is lost.
#define TAIL \
	MOVQ    CX, SI             \
	ANDQ    $7, SI             \
	NEGQ    SI                 \
	LEAQ    ·tailMask(SB), BX  \
	VMOVDQU 32(BX)(SI*4), Y15

// func softmaxRowsAVX2(p *float32, ld, cols int, sees *int32, rows int, top, sum, shrink *float32)
//
// Y13 = m, Y14 = the row's sum, Y12 = -Inf, Y11 = 0. The maximum takes scores
// first, so that a NaN leaves it as it was.
TEXT ·softmaxRowsAVX2(SB), NOSPLIT, $0-64
	MOVQ p+0(FP), DI
	MOVQ ld+8(FP), R9
	MOVQ cols+16(FP), R10
	MOVQ sees+24(FP), R12
	MOVQ rows+32(FP), R11
	MOVQ top+40(FP), R13
	MOVQ sum+48(FP), R15
	MOVQ shrink+56(FP), DX
	SHLQ $2, R9
	LEAQ ·activationTable(SB), R8
	VXORPS Y11, Y11, Y11
	MOVL $0xff800000, AX
	MOVQ AX, X12
	VBROADCASTSS X12, Y12

row:
	MOVLQSX (R12), CX
	XORQ AX, AX
	TESTQ CX, CX
	JZ   blind
	TAIL
	MOVQ CX, BX
	ANDQ $~7, BX
	VBROADCASTSS (R13), Y4
	VMOVAPS Y4, Y10
	JZ   topRest

topLoop:
	VMOVUPS (DI)(AX*4), Y0
	VMAXPS Y4, Y0, Y4
	ADDQ $8, AX
	CMPQ AX, BX
	JLT  topLoop

topRest:
	CMPQ AX, CX
	JGE  topDone
	VMOVUPS (DI)(AX*4), Y0
	VBLENDVPS Y15, Y0, Y12, Y0
	VMAXPS Y4, Y0, Y4

topDone:
	VEXTRACTF128 $1, Y4, X0
	VMAXPS X0, X4, X4
	VPERMILPS $0x4e, X4, X0
	VMAXPS X0, X4, X4
	VPERMILPS $0xb1, X4, X0
	VMAXPS X0, X4, X4
	VMOVSS X4, (R13)
	VBROADCASTSS X4, Y13
	VSUBPS Y13, Y10, Y10
	EXP_DOWN(Y10, Y1, Y2, Y3)
	VMOVSS X10, (DX)
	VXORPS Y14, Y14, Y14
	XORQ AX, AX
	TESTQ BX, BX
	JZ   expRest

expLoop:
	VMOVUPS (DI)(AX*4), Y0
	VSUBPS Y13, Y0, Y0
	EXP_DOWN(Y0, Y1, Y2, Y3)
	VMOVUPS Y0, (DI)(AX*4)
	VADDPS Y0, Y14, Y14
	ADDQ $8, AX
	CMPQ AX, BX
	JLT  expLoop

expRest:
	CMPQ AX, CX
	JGE  expDone
	VMOVUPS (DI)(AX*4), Y0
	VSUBPS Y13, Y0, Y0
	EXP_DOWN(Y0, Y1, Y2, Y3)
	VANDPS Y15, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	VADDPS Y0, Y14, Y14
	ADDQ $8, AX

expDone:
	VEXTRACTF128 $1, Y14, X0
	VADDPS X0, X14, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS (R15), X1
	VFMADD231SS X10, X1, X0
	VMOVSS X0, (R15)
	JMP  clear

blind:
	MOVL $0x3f800000, (DX)

clear:
	CMPQ AX, R10
	JGE  next
	VMOVUPS Y11, (DI)(AX*4)
	ADDQ $8, AX
	JMP  clear

next:
	ADDQ R9, DI
	ADDQ $4, R12
	ADDQ $4, R13
	ADDQ $4, R15
	ADDQ $4, DX
	DECQ R11
	JNZ  row
	VZEROUPPER
	RET

// func softmaxSlopesAVX2(p, dp *float32, ld, cols int, sees *int32, rows int, scale float32)
//
// Y13 = m, later 1/Σ; Y14 = Σ e, Y7 = Σ e·dp, later the mean of dp; Y12 = scale,
// Y10 = its sign, Y4 = its magnitude, Y11 = 0, Y6 = -Inf. The maximum takes scores
// first, so that a NaN leaves it as it was.
TEXT ·softmaxSlopesAVX2(SB), NOSPLIT, $0-52
	MOVQ p+0(FP), DI
	MOVQ dp+8(FP), DX
	MOVQ ld+16(FP), R9
	MOVQ cols+24(FP), R10
	MOVQ sees+32(FP), R12
	MOVQ rows+40(FP), R11
	VBROADCASTSS scale+48(FP), Y12
	SHLQ $2, R9
	LEAQ ·activationTable(SB), R8
	VANDPS SIGN(R8), Y12, Y10
	VXORPS Y11, Y11, Y11
	MOVL $0xff800000, AX
	MOVQ AX, X6
	VBROADCASTSS X6, Y6

row:
	MOVLQSX (R12), CX
	XORQ AX, AX
	TESTQ CX, CX
	JZ   clear
	TAIL
	MOVQ CX, BX
	VMOVAPS Y6, Y4
	ANDQ $~7, BX
	JZ   topRest

topLoop:
	VXORPS (DI)(AX*4), Y10, Y0
	VMAXPS Y4, Y0, Y4
	ADDQ $8, AX
	CMPQ AX, BX
	JLT  topLoop

topRest:
	CMPQ AX, CX
	JGE  topDone
	VXORPS (DI)(AX*4), Y10, Y0
	VBLENDVPS Y15, Y0, Y6, Y0
	VMAXPS Y4, Y0, Y4

topDone:
	VEXTRACTF128 $1, Y4, X0
	VMAXPS X0, X4, X4
	VPERMILPS $0x4e, X4, X0
	VMAXPS X0, X4, X4
	VPERMILPS $0xb1, X4, X0
	VMAXPS X0, X4, X4
	VBROADCASTSS X4, Y13
	VXORPS Y10, Y12, Y4
	VXORPS Y14, Y14, Y14
	VXORPS Y7, Y7, Y7
	XORQ AX, AX
	TESTQ BX, BX
	JZ   expRest

expLoop:
	VXORPS (DI)(AX*4), Y10, Y0
	VSUBPS Y13, Y0, Y0
	VMULPS Y4, Y0, Y0
	EXP_DOWN(Y0, Y1, Y2, Y3)
	VMOVUPS Y0, (DI)(AX*4)
	VADDPS Y0, Y14, Y14
	VFMADD231PS (DX)(AX*4), Y0, Y7
	ADDQ $8, AX
	CMPQ AX, BX
	JLT  expLoop

expRest:
	CMPQ AX, CX
	JGE  expDone
	VXORPS (DI)(AX*4), Y10, Y0
	VSUBPS Y13, Y0, Y0
	VMULPS Y4, Y0, Y0
	EXP_DOWN(Y0, Y1, Y2, Y3)
	VANDPS Y15, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	VADDPS Y0, Y14, Y14
	VMOVUPS (DX)(AX*4), Y5
	VANDPS Y15, Y5, Y5
	VFMADD231PS Y5, Y0, Y7

expDone:
	VEXTRACTF128 $1, Y14, X0
	VADDPS X0, X14, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS ONE(R8), X1
	VDIVSS X0, X1, X1
	VBROADCASTSS X1, Y13
	VEXTRACTF128 $1, Y7, X0
	VADDPS X0, X7, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMULSS X1, X0, X0
	VBROADCASTSS X0, Y7
	XORQ AX, AX

slopeLoop:
	CMPQ AX, BX
	JGE  slopeRest
	VMULPS (DI)(AX*4), Y13, Y0
	VMOVUPS (DX)(AX*4), Y5
	VSUBPS Y7, Y5, Y5
	VMULPS Y0, Y5, Y5
	VMULPS Y12, Y5, Y5
	VMOVUPS Y0, (DI)(AX*4)
	VMOVUPS Y5, (DX)(AX*4)
	ADDQ $8, AX
	JMP  slopeLoop

slopeRest:
	CMPQ AX, CX
	JGE  clear
	VMULPS (DI)(AX*4), Y13, Y0
	VMOVUPS (DX)(AX*4), Y5
	VSUBPS Y7, Y5, Y5
	VMULPS Y0, Y5, Y5
	VMULPS Y12, Y5, Y5
	VANDPS Y15, Y0, Y0
	VANDPS Y15, Y5, Y5
	VMOVUPS Y0, (DI)(AX*4)
	VMOVUPS Y5, (DX)(AX*4)
	ADDQ $8, AX

clear:
	CMPQ AX, R10
	JGE  next
	VMOVUPS Y11, (DI)(AX*4)
	VMOVUPS Y11, (DX)(AX*4)
	ADDQ $8, AX
	JMP  clear

next:
	ADDQ R9, DI
	ADDQ R9, DX
	ADDQ $4, R12
	DECQ R11
	JNZ  row
	VZEROUPPER
	RET
