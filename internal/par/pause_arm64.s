//go:build !noasm

#include "textflag.h"

// func pause(n uint32)
//
//	for ; n > 0; n-- { YIELD }
TEXT ·pause(SB), NOSPLIT, $0-4
	MOVW n+0(FP), R0

again:
	YIELD
	SUBW $1, R0
	CBNZW R0, again
	RET
