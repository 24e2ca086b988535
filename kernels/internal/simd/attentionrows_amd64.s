//go:build !noasm

#include "textflag.h"

// Rows lie far apart, each in lines that no prefetcher foresees: loops over all
// of them in one call keep many loads in flight.

// MASK: Y15 = the first CX&7 lanes, R13 = the number of whole vectors' elements
// in CX. BX and AX are lost.
#define MASK \
	MOVQ    CX, AX             \
	ANDQ    $7, AX             \
	NEGQ    AX                 \
	LEAQ    ·tailMask(SB), BX  \
	VMOVDQU 32(BX)(AX*4), Y15  \
	MOVQ    CX, R13            \
	ANDQ    $~7, R13

// func scaleRowsAVX2(dst *float32, dstStride int, src *float32, srcStride, cols int, f *float32, rows int)
TEXT ·scaleRowsAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ srcStride+24(FP), R9
	MOVQ cols+32(FP), CX
	MOVQ f+40(FP), DX
	MOVQ rows+48(FP), R11
	SHLQ $2, R8
	SHLQ $2, R9
	MASK

row:
	VBROADCASTSS (DX), Y2
	XORQ AX, AX
	TESTQ R13, R13
	JZ   rest

loop:
	VMULPS (SI)(AX*4), Y2, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, R13
	JLT  loop

rest:
	CMPQ AX, CX
	JGE  next
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMULPS Y0, Y2, Y0
	VMASKMOVPS Y0, Y15, (DI)(AX*4)

next:
	ADDQ R8, DI
	ADDQ R9, SI
	ADDQ $4, DX
	DECQ R11
	JNZ  row
	VZEROUPPER
	RET
