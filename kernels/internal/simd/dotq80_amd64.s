//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"

// x = d·q with signed bytes, each moved to the top of a word of 32 bits: a number
// 2^24 times too large, which x makes up for.
#define Q8(off, at, sum) \
	VMOVDQU      off+2(SI), Y3      \
	VPSHUFB      Y12, Y3, Y0        \
	VPSHUFB      Y13, Y3, Y1        \
	VPSHUFB      Y14, Y3, Y2        \
	VPAND        Y15, Y3, Y3        \
	VCVTDQ2PS    Y0, Y0             \
	VCVTDQ2PS    Y1, Y1             \
	VCVTDQ2PS    Y2, Y2             \
	VCVTDQ2PS    Y3, Y3             \
	VPBROADCASTW off(SI), X8        \
	VCVTPH2PS    X8, Y8             \
	VMULPS       at(DX), Y0, Y0     \
	VFMADD231PS  at+32(DX), Y1, Y0  \
	VFMADD231PS  at+64(DX), Y2, Y0  \
	VFMADD231PS  at+96(DX), Y3, Y0  \
	VFMADD231PS  Y8, Y0, sum

// func dotQ80AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ80AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	LEAQ    ·byteTable(SB), R9
	VMOVDQU (R9), Y12
	VMOVDQU 32(R9), Y13
	VMOVDQU 64(R9), Y14
	VMOVDQU 96(R9), Y15
	MOVQ    R11, BX
	ANDQ    $1, BX
	SHRQ    $1, R11

row:
	ROW_BEGIN
	TESTQ CX, CX
	JZ    last

pair:
	Q8(0, 0, Y4)
	Q8(34, 128, Y5)
	ADDQ $68, SI
	ADDQ $256, DX
	DECQ CX
	JNZ  pair

last:
	TESTQ BX, BX
	JZ    done
	Q8(0, 0, Y4)
	ADDQ  $34, SI

done:
	ROW_END
	JNZ row
	VZEROUPPER
	RET
