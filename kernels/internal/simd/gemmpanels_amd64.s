//go:build !noasm

#include "textflag.h"
#include "gemm_amd64.h"
#include "gemmedge_amd64.h"

// STEP does one p: A at aoff(SI), B at boff(DX).
#define STEP(aoff, boff) \
	VMOVUPS boff(DX), Y0    \
	VMOVUPS boff+32(DX), Y1 \
	ROW(aoff(SI), Y2, Y4, Y5)      \
	ROW(aoff+4(SI), Y3, Y6, Y7)    \
	ROW(aoff+8(SI), Y2, Y8, Y9)    \
	ROW(aoff+12(SI), Y3, Y10, Y11) \
	ROW(aoff+16(SI), Y2, Y12, Y13) \
	ROW(aoff+20(SI), Y3, Y14, Y15)

// func gemmPanelsAVX2(c *float32, ldc int, a, b *float32, k, panels, cols int, add bool)
TEXT ·gemmPanelsAVX2(SB), 0, $384-57
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ k+32(FP), R12
	MOVQ panels+40(FP), R11
	MOVQ cols+48(FP), R10
	MOVBLZX add+56(FP), R14
	SHLQ $2, R8
	MOVQ R12, R13
	SHRQ $2, R12
	ANDQ $3, R13

panel:
	MOVQ b+24(FP), DX
	CLEAR_TILE
	MOVQ DI, AX
	LEAQ (R8)(R8*2), BX
	PREFETCHT0 (AX)
	PREFETCHT0 (AX)(R8*1)
	PREFETCHT0 (AX)(R8*2)
	ADDQ BX, AX
	PREFETCHT0 (AX)
	PREFETCHT0 (AX)(R8*1)
	PREFETCHT0 (AX)(R8*2)
	MOVQ R12, CX
	TESTQ CX, CX
	JZ   tail
	PCALIGN $32

loop:
	PREFETCHT0 512(SI)
	STEP(0, 0)
	STEP(24, 64)
	PREFETCHT0 576(SI)
	STEP(48, 128)
	STEP(72, 192)
	ADDQ $96, SI
	ADDQ $256, DX
	DECQ CX
	JNZ  loop

tail:
	MOVQ R13, CX
	TESTQ CX, CX
	JZ   done

one:
	STEP(0, 0)
	ADDQ $24, SI
	ADDQ $64, DX
	DECQ CX
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
	DECQ R11
	JNZ  panel
	VZEROUPPER
	RET
