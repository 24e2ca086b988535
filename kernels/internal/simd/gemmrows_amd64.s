//go:build !noasm

#include "textflag.h"
#include "gemm_amd64.h"
#include "gemmedge_amd64.h"

// Row i of A is at SI + i·R11, from row 3 on at BX + (i-3)·R11.
#define COLUMNS \
	VMOVUPS (DX), Y0   \
	VMOVUPS 32(DX), Y1 \
	ADDQ R13, DX

#define ROWS1 \
	COLUMNS \
	ROW((SI), Y2, Y4, Y5)

#define ROWS2 \
	ROWS1 \
	ROW((SI)(R11*1), Y3, Y6, Y7)

#define ROWS3 \
	ROWS2 \
	ROW((SI)(R11*2), Y2, Y8, Y9)

#define ROWS4 \
	ROWS3 \
	ROW((BX), Y3, Y10, Y11)

#define ROWS5 \
	ROWS4 \
	ROW((BX)(R11*1), Y2, Y12, Y13)

#define NEXT(loop) \
	ADDQ R12, SI \
	ADDQ R12, BX \
	DECQ CX      \
	JNZ  loop    \
	JMP  done

// func gemmRowsAVX2(c *float32, ldc int, a *float32, outer, inner int, b *float32, step, k, rows, cols int, add bool)
TEXT ·gemmRowsAVX2(SB), 0, $384-81
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ outer+24(FP), R11
	MOVQ inner+32(FP), R12
	MOVQ b+40(FP), DX
	MOVQ step+48(FP), R13
	MOVQ k+56(FP), CX
	MOVQ rows+64(FP), AX
	MOVQ cols+72(FP), R10
	MOVBLZX add+80(FP), R14
	SHLQ $2, R8
	SHLQ $2, R11
	SHLQ $2, R12
	SHLQ $2, R13
	LEAQ (R11)(R11*2), BX
	ADDQ SI, BX
	CLEAR_TILE
	CMPQ AX, $2
	JEQ  two
	CMPQ AX, $3
	JEQ  three
	CMPQ AX, $4
	JEQ  four
	CMPQ AX, $5
	JEQ  five

one:
	ROWS1
	NEXT(one)

two:
	ROWS2
	NEXT(two)

three:
	ROWS3
	NEXT(three)

four:
	ROWS4
	NEXT(four)

five:
	ROWS5
	NEXT(five)

done:
	EDGE_TILE
	VZEROUPPER
	RET

// edgeMask is 16 words of ones, then 16 of zeros: the mask of the first n of 16
// columns begins n words before the middle.
DATA ·edgeMask+0(SB)/8, $-1
DATA ·edgeMask+8(SB)/8, $-1
DATA ·edgeMask+16(SB)/8, $-1
DATA ·edgeMask+24(SB)/8, $-1
DATA ·edgeMask+32(SB)/8, $-1
DATA ·edgeMask+40(SB)/8, $-1
DATA ·edgeMask+48(SB)/8, $-1
DATA ·edgeMask+56(SB)/8, $-1
DATA ·edgeMask+64(SB)/8, $0
DATA ·edgeMask+72(SB)/8, $0
DATA ·edgeMask+80(SB)/8, $0
DATA ·edgeMask+88(SB)/8, $0
DATA ·edgeMask+96(SB)/8, $0
DATA ·edgeMask+104(SB)/8, $0
DATA ·edgeMask+112(SB)/8, $0
DATA ·edgeMask+120(SB)/8, $0
GLOBL ·edgeMask(SB), NOPTR|RODATA, $128
