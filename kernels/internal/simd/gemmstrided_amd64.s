//go:build !noasm

#include "textflag.h"
#include "gemm_amd64.h"
#include "gemmedge_amd64.h"

// STEP does one p: rows 0 to 2 of A at SI, 3 to 5 at BX, R11 apart; B at DX.
#define STEP \
	VMOVUPS (DX), Y0   \
	VMOVUPS 32(DX), Y1 \
	ROW((SI), Y2, Y4, Y5)           \
	ROW((SI)(R11*1), Y3, Y6, Y7)    \
	ROW((SI)(R11*2), Y2, Y8, Y9)    \
	ADDQ R12, SI       \
	ROW((BX), Y3, Y10, Y11)         \
	ADDQ R13, DX       \
	ROW((BX)(R11*1), Y2, Y12, Y13)  \
	ROW((BX)(R11*2), Y3, Y14, Y15)  \
	ADDQ R12, BX

// func gemmStridedAVX2(c *float32, ldc int, a *float32, outer, inner, panel int, b *float32, step, k, panels, cols int, add bool)
TEXT ·gemmStridedAVX2(SB), 0, $384-89
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), R9
	MOVQ outer+24(FP), R11
	MOVQ inner+32(FP), R12
	MOVQ step+56(FP), R13
	MOVQ cols+80(FP), R10
	MOVBLZX add+88(FP), R14
	SHLQ $2, R8
	SHLQ $2, R11
	SHLQ $2, R12
	SHLQ $2, R13

panel:
	MOVQ R9, SI
	LEAQ (R11)(R11*2), BX
	ADDQ SI, BX
	MOVQ b+48(FP), DX
	CLEAR_TILE
	MOVQ DI, AX
	LEAQ (R8)(R8*2), CX
	PREFETCHT0 (AX)
	PREFETCHT0 (AX)(R8*1)
	PREFETCHT0 (AX)(R8*2)
	ADDQ CX, AX
	PREFETCHT0 (AX)
	PREFETCHT0 (AX)(R8*1)
	PREFETCHT0 (AX)(R8*2)
	MOVQ k+64(FP), CX
	MOVQ CX, AX
	ANDQ $3, AX
	SHRQ $2, CX
	JZ   tail
	PCALIGN $32

loop:
	STEP
	STEP
	STEP
	STEP
	DECQ CX
	JNZ  loop

tail:
	TESTQ AX, AX
	JZ   done

one:
	STEP
	DECQ AX
	JNZ  one

done:
	CMPQ R10, $16
	JNE  edge
	TESTQ R14, R14
	JNE  accumulate
	STORE_ROWS
	JMP  next

accumulate:
	ADD_ROWS
	JMP  next

edge:
	MOVQ $6, AX
	EDGE_TILE

next:
	MOVQ panel+40(FP), AX
	LEAQ (R9)(AX*4), R9
	DECQ panels+72(FP)
	JNZ  panel
	VZEROUPPER
	RET
