//go:build !noasm

#include "textflag.h"

// LANES: mask = the vector of tailMask with the first n lanes set; n is lost.
#define LANES(n, mask) \
	LEAQ    ·tailMask(SB), BX  \
	NEGQ    n                  \
	VMOVDQU 32(BX)(n*4), mask

// func dotsAVX2(dst *float32, n int, x *float32, k int, rows *float32, stride int)
//
// Each row has one vector of sums, whether it is one of four or alone: pairs of
// lanes are added, then pairs of pairs, then the halves.
TEXT ·dotsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ n+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ k+24(FP), R10
	MOVQ rows+32(FP), DX
	MOVQ stride+40(FP), R9
	SHLQ $2, R9
	MOVQ R10, CX
	ANDQ $7, CX
	MOVQ CX, R13
	LANES(CX, Y15)
	ANDQ $~7, R10             // whole vectors of x end here
	LEAQ (R9)(R9*2), R11

four:
	CMPQ R8, $4
	JLT  one
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	MOVQ DX, R12
	XORQ AX, AX

fourLoop:
	CMPQ AX, R10
	JGE  fourRest
	VMOVUPS (SI)(AX*4), Y4
	VFMADD231PS (R12), Y4, Y0
	VFMADD231PS (R12)(R9*1), Y4, Y1
	VFMADD231PS (R12)(R9*2), Y4, Y2
	VFMADD231PS (R12)(R11*1), Y4, Y3
	ADDQ $32, R12
	ADDQ $8, AX
	JMP  fourLoop

fourRest:
	TESTQ R13, R13
	JZ    fourDone
	VMASKMOVPS (SI)(AX*4), Y15, Y4
	VMASKMOVPS (R12), Y15, Y5
	VMASKMOVPS (R12)(R9*1), Y15, Y6
	VMASKMOVPS (R12)(R9*2), Y15, Y7
	VMASKMOVPS (R12)(R11*1), Y15, Y8
	VFMADD231PS Y5, Y4, Y0
	VFMADD231PS Y6, Y4, Y1
	VFMADD231PS Y7, Y4, Y2
	VFMADD231PS Y8, Y4, Y3

fourDone:
	VHADDPS Y1, Y0, Y0
	VHADDPS Y3, Y2, Y2
	VHADDPS Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VMOVUPS X0, (DI)
	ADDQ $16, DI
	LEAQ (DX)(R9*4), DX
	SUBQ $4, R8
	JMP  four

one:
	TESTQ R8, R8
	JZ    done
	VXORPS Y0, Y0, Y0
	MOVQ DX, R12
	XORQ AX, AX

oneLoop:
	CMPQ AX, R10
	JGE  oneRest
	VMOVUPS (SI)(AX*4), Y4
	VFMADD231PS (R12), Y4, Y0
	ADDQ $32, R12
	ADDQ $8, AX
	JMP  oneLoop

oneRest:
	TESTQ R13, R13
	JZ    oneDone
	VMASKMOVPS (SI)(AX*4), Y15, Y4
	VMASKMOVPS (R12), Y15, Y5
	VFMADD231PS Y5, Y4, Y0

oneDone:
	VHADDPS Y0, Y0, Y0
	VHADDPS Y0, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VMOVSS X0, (DI)
	ADDQ $4, DI
	ADDQ R9, DX
	DECQ R8
	JMP  one

done:
	VZEROUPPER
	RET

// func addRowsWideAVX2(dst, w *float32, n int, rows *float32, stride int)
TEXT ·addRowsWideAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ w+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ rows+24(FP), DX
	MOVQ stride+32(FP), R9
	SHLQ $2, R9
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMOVUPS 64(DI), Y2
	VMOVUPS 96(DI), Y3
	VMOVUPS 128(DI), Y4
	VMOVUPS 160(DI), Y5
	VMOVUPS 192(DI), Y6
	VMOVUPS 224(DI), Y7

row:
	VBROADCASTSS (SI), Y8
	VFMADD231PS (DX), Y8, Y0
	VFMADD231PS 32(DX), Y8, Y1
	VFMADD231PS 64(DX), Y8, Y2
	VFMADD231PS 96(DX), Y8, Y3
	VFMADD231PS 128(DX), Y8, Y4
	VFMADD231PS 160(DX), Y8, Y5
	VFMADD231PS 192(DX), Y8, Y6
	VFMADD231PS 224(DX), Y8, Y7
	ADDQ $4, SI
	ADDQ R9, DX
	DECQ CX
	JNZ  row
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	VZEROUPPER
	RET

// func addRowsAVX2(dst *float32, lanes int, w *float32, n int, rows *float32, stride int)
TEXT ·addRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ lanes+8(FP), AX
	MOVQ w+16(FP), SI
	MOVQ n+24(FP), CX
	MOVQ rows+32(FP), DX
	MOVQ stride+40(FP), R9
	SHLQ $2, R9
	LANES(AX, Y15)
	VMASKMOVPS (DI), Y15, Y0

row:
	VBROADCASTSS (SI), Y8
	VMASKMOVPS (DX), Y15, Y1
	VFMADD231PS Y1, Y8, Y0
	ADDQ $4, SI
	ADDQ R9, DX
	DECQ CX
	JNZ  row
	VMASKMOVPS Y0, Y15, (DI)
	VZEROUPPER
	RET
