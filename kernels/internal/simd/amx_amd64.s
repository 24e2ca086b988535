//go:build !noasm

#include "textflag.h"

// func xgetbv() (mask uint64)
TEXT ·xgetbv(SB), NOSPLIT, $0-8
	XORL CX, CX
	XGETBV
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, mask+0(FP)
	RET
