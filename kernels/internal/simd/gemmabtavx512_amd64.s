//go:build !noasm

#include "textflag.h"
#include "turn16_amd64.h"

// A panel of up to 16 columns of C, for all rows: B is stored by columns, and 16 of
// them are turned in registers, 16 inner indices at a time. Z0 to Z15 are then B's
// columns for one inner index each, and every row of A is broadcast against them. Sums
// wait in the frame meanwhile, 64 bytes a row: B is read once, and turned once.

// AHEAD is how far ahead of what is turned B's columns are fetched, in bytes: 16 streams are
// more than the processor follows by itself.
#define AHEAD 256

// LOAD loads column i of B, a masked part of it, and goes on if it was the last.
#define LOAD(i, y) \
	VMOVUPS.Z (BX), K1, y  \
	CMPQ cols+64(FP), $(i+1) \
	JEQ  turn              \
	ADDQ R9, BX

// EIGHT, FOUR and ONE multiply rows of A by B's columns at inner index q. Rows 0, 1, 2
// and 4 are at SI, 3, 5 and 7 at BX, 6 at AX, R11 apart.
#define EIGHT(q, y) \
	FOUR0(q, y) \
	VFMADD231PS.BCST (4*q)(SI)(R11*4), y, Z20 \
	VFMADD231PS.BCST (4*q)(BX)(R11*2), y, Z21 \
	VFMADD231PS.BCST (4*q)(AX), y, Z22        \
	VFMADD231PS.BCST (4*q)(BX)(R11*4), y, Z23 \
	CMPQ R15, $(q+1) \
	JEQ  eightDone

#define FOUR0(q, y) \
	VFMADD231PS.BCST (4*q)(SI), y, Z16        \
	VFMADD231PS.BCST (4*q)(SI)(R11*1), y, Z17 \
	VFMADD231PS.BCST (4*q)(SI)(R11*2), y, Z18 \
	VFMADD231PS.BCST (4*q)(BX), y, Z19

#define FOUR(q, y) \
	FOUR0(q, y)      \
	CMPQ R15, $(q+1) \
	JEQ  fourDone

#define ONE(q, y) \
	VFMADD231PS.BCST (4*q)(SI), y, Z16 \
	CMPQ R15, $(q+1) \
	JEQ  oneDone

// func gemmABtAVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, k, rows, cols int, add bool)
TEXT ·gemmABtAVX512(SB), 0, $4160-73
	MOVQ a+16(FP), DI
	MOVQ lda+24(FP), R11
	MOVQ b+32(FP), R12
	MOVQ ldb+40(FP), R9
	MOVQ k+48(FP), R13
	MOVQ rows+56(FP), R10
	SHLQ $2, R11
	SHLQ $2, R9
	LEAQ sums-4160(SP), R8
	ADDQ $63, R8
	ANDQ $~63, R8
	KXORW K3, K3, K3          // no sums in the frame yet

block:
	MOVQ $16, R15
	CMPQ R13, R15
	CMOVQLT R13, R15
	MOVQ R12, BX
	CMPQ R15, $16
	JNE  part
	CMPQ cols+64(FP), $16
	JNE  part
	LEAQ (R9)(R9*2), AX
	PREFETCHT0 AHEAD(BX)
	PREFETCHT0 AHEAD(BX)(R9*1)
	PREFETCHT0 AHEAD(BX)(R9*2)
	PREFETCHT0 AHEAD(BX)(AX*1)
	VMOVUPS (BX), Z0
	VMOVUPS (BX)(R9*1), Z1
	VMOVUPS (BX)(R9*2), Z2
	VMOVUPS (BX)(AX*1), Z3
	LEAQ (BX)(R9*4), BX
	PREFETCHT0 AHEAD(BX)
	PREFETCHT0 AHEAD(BX)(R9*1)
	PREFETCHT0 AHEAD(BX)(R9*2)
	PREFETCHT0 AHEAD(BX)(AX*1)
	VMOVUPS (BX), Z4
	VMOVUPS (BX)(R9*1), Z5
	VMOVUPS (BX)(R9*2), Z6
	VMOVUPS (BX)(AX*1), Z7
	LEAQ (BX)(R9*4), BX
	PREFETCHT0 AHEAD(BX)
	PREFETCHT0 AHEAD(BX)(R9*1)
	PREFETCHT0 AHEAD(BX)(R9*2)
	PREFETCHT0 AHEAD(BX)(AX*1)
	VMOVUPS (BX), Z8
	VMOVUPS (BX)(R9*1), Z9
	VMOVUPS (BX)(R9*2), Z10
	VMOVUPS (BX)(AX*1), Z11
	LEAQ (BX)(R9*4), BX
	PREFETCHT0 AHEAD(BX)
	PREFETCHT0 AHEAD(BX)(R9*1)
	PREFETCHT0 AHEAD(BX)(R9*2)
	PREFETCHT0 AHEAD(BX)(AX*1)
	VMOVUPS (BX), Z12
	VMOVUPS (BX)(R9*1), Z13
	VMOVUPS (BX)(R9*2), Z14
	VMOVUPS (BX)(AX*1), Z15
	JMP  turn

part:
	MOVL $16, CX
	SUBL R15, CX
	MOVL $0xffff, AX
	SHRL CX, AX
	KMOVW AX, K1
	LOAD(0, Z0)
	LOAD(1, Z1)
	LOAD(2, Z2)
	LOAD(3, Z3)
	LOAD(4, Z4)
	LOAD(5, Z5)
	LOAD(6, Z6)
	LOAD(7, Z7)
	LOAD(8, Z8)
	LOAD(9, Z9)
	LOAD(10, Z10)
	LOAD(11, Z11)
	LOAD(12, Z12)
	LOAD(13, Z13)
	LOAD(14, Z14)
	LOAD(15, Z15)

turn:
	TURN16
	MOVQ DI, SI
	MOVQ R8, DX
	MOVQ R10, CX
	SUBQ $8, CX
	JLT  eightEnd

eight:
	LEAQ (R11)(R11*2), AX
	LEAQ (SI)(AX*1), BX
	LEAQ (SI)(AX*2), AX
	VMOVUPS.Z (DX), K3, Z16
	VMOVUPS.Z 64(DX), K3, Z17
	VMOVUPS.Z 128(DX), K3, Z18
	VMOVUPS.Z 192(DX), K3, Z19
	VMOVUPS.Z 256(DX), K3, Z20
	VMOVUPS.Z 320(DX), K3, Z21
	VMOVUPS.Z 384(DX), K3, Z22
	VMOVUPS.Z 448(DX), K3, Z23
	EIGHT(0, Z0)
	EIGHT(1, Z1)
	EIGHT(2, Z2)
	EIGHT(3, Z3)
	EIGHT(4, Z4)
	EIGHT(5, Z5)
	EIGHT(6, Z6)
	EIGHT(7, Z7)
	EIGHT(8, Z8)
	EIGHT(9, Z9)
	EIGHT(10, Z10)
	EIGHT(11, Z11)
	EIGHT(12, Z12)
	EIGHT(13, Z13)
	EIGHT(14, Z14)
	EIGHT(15, Z15)

eightDone:
	VMOVUPS Z16, (DX)
	VMOVUPS Z17, 64(DX)
	VMOVUPS Z18, 128(DX)
	VMOVUPS Z19, 192(DX)
	VMOVUPS Z20, 256(DX)
	VMOVUPS Z21, 320(DX)
	VMOVUPS Z22, 384(DX)
	VMOVUPS Z23, 448(DX)
	ADDQ $512, DX
	LEAQ (SI)(R11*8), SI
	SUBQ $8, CX
	JGE  eight

eightEnd:
	ADDQ $4, CX
	JLT  fourEnd
	LEAQ (R11)(R11*2), AX
	LEAQ (SI)(AX*1), BX
	VMOVUPS.Z (DX), K3, Z16
	VMOVUPS.Z 64(DX), K3, Z17
	VMOVUPS.Z 128(DX), K3, Z18
	VMOVUPS.Z 192(DX), K3, Z19
	FOUR(0, Z0)
	FOUR(1, Z1)
	FOUR(2, Z2)
	FOUR(3, Z3)
	FOUR(4, Z4)
	FOUR(5, Z5)
	FOUR(6, Z6)
	FOUR(7, Z7)
	FOUR(8, Z8)
	FOUR(9, Z9)
	FOUR(10, Z10)
	FOUR(11, Z11)
	FOUR(12, Z12)
	FOUR(13, Z13)
	FOUR(14, Z14)
	FOUR(15, Z15)

fourDone:
	VMOVUPS Z16, (DX)
	VMOVUPS Z17, 64(DX)
	VMOVUPS Z18, 128(DX)
	VMOVUPS Z19, 192(DX)
	ADDQ $256, DX
	LEAQ (SI)(R11*4), SI
	SUBQ $4, CX

fourEnd:
	ADDQ $4, CX
	JZ   blockEnd

one:
	VMOVUPS.Z (DX), K3, Z16
	ONE(0, Z0)
	ONE(1, Z1)
	ONE(2, Z2)
	ONE(3, Z3)
	ONE(4, Z4)
	ONE(5, Z5)
	ONE(6, Z6)
	ONE(7, Z7)
	ONE(8, Z8)
	ONE(9, Z9)
	ONE(10, Z10)
	ONE(11, Z11)
	ONE(12, Z12)
	ONE(13, Z13)
	ONE(14, Z14)
	ONE(15, Z15)

oneDone:
	VMOVUPS Z16, (DX)
	ADDQ $64, DX
	ADDQ R11, SI
	DECQ CX
	JNZ  one

blockEnd:
	KXNORW K3, K3, K3
	ADDQ $64, DI
	ADDQ $64, R12
	SUBQ $16, R13
	JGT  block

	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R9
	SHLQ $2, R9
	MOVL $16, CX
	SUBQ cols+64(FP), CX
	MOVL $0xffff, AX
	SHRL CX, AX
	KMOVW AX, K1
	CMPB add+72(FP), $0
	JNE  accumulate

store:
	VMOVUPS (R8), Z0
	VMOVUPS Z0, K1, (DI)
	ADDQ $64, R8
	ADDQ R9, DI
	DECQ R10
	JNZ  store
	VZEROUPPER
	RET

accumulate:
	VMOVUPS (R8), Z0
	VADDPS (DI), Z0, K1, Z0
	VMOVUPS Z0, K1, (DI)
	ADDQ $64, R8
	ADDQ R9, DI
	DECQ R10
	JNZ  accumulate
	VZEROUPPER
	RET
