//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"

// func dotF16AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotF16AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN

row:
	ROW_BEGIN

block:
	VCVTPH2PS   (SI), Y0
	VCVTPH2PS   16(SI), Y1
	VCVTPH2PS   32(SI), Y2
	VCVTPH2PS   48(SI), Y3
	VFMADD231PS (DX), Y0, Y4
	VFMADD231PS 32(DX), Y1, Y5
	VFMADD231PS 64(DX), Y2, Y6
	VFMADD231PS 96(DX), Y3, Y7
	ADDQ        $64, SI
	ADDQ        $128, DX
	DECQ        CX
	JNZ         block
	ROW_END
	JNZ         row
	VZEROUPPER
	RET
