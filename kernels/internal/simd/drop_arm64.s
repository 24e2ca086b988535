//go:build !noasm

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

#define SPREAD(field, v) \
	ADD   $field, R3, R5 \
	VLD1R (R5), [v.S4]

// ROUND is one of Philox on four counters side by side, V0 to V3, with keys V4 and V5.
#define ROUND \
	UMULL(6, 2, 17)                    \
	UMULL2(7, 2, 17)                   \
	UMULL(8, 0, 16)                    \
	UMULL2(9, 0, 16)                   \
	VUZP2 V7.S4, V6.S4, V10.S4         \
	VUZP2 V9.S4, V8.S4, V11.S4         \
	EOR_B(0, 10, 1)                    \
	EOR_B(0, 0, 4)                     \
	VUZP1 V7.S4, V6.S4, V1.S4          \
	EOR_B(2, 11, 3)                    \
	EOR_B(2, 2, 5)                     \
	VUZP1 V9.S4, V8.S4, V3.S4

#define NEXT_ROUND \
	ADD_S(4, 4, 18) \
	ADD_S(5, 5, 19) \
	ROUND

// KEEP scales numbers and makes them 0 where the word is less than the threshold.
#define KEEP(x, word) \
	FMUL(x, x, 31)          \
	CMHI(word, 30, word)    \
	BIC_B(x, x, word)

// func dropNEON(dst, x *float32, runs int, p *dropParams)
//
// Runs of 16: words 0 to 3 of a block are in four registers, as VLD4 puts neighbours.
TEXT ·dropNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD runs+16(FP), R4
	MOVD p+24(FP), R3
	VLD1 (R3), [V24.S4]
	SPREAD(dropParams_count, V25)
	SPREAD(dropParams_steps, V20)
	SPREAD(dropParams_stream0, V26)
	SPREAD(dropParams_stream1, V27)
	SPREAD(dropParams_seed0, V28)
	SPREAD(dropParams_seed1, V29)
	SPREAD(dropParams_mul0, V16)
	SPREAD(dropParams_mul1, V17)
	SPREAD(dropParams_weyl0, V18)
	SPREAD(dropParams_weyl1, V19)
	SPREAD(dropParams_threshold, V30)
	SPREAD(dropParams_scale, V31)

run:
	VORR V24.B16, V24.B16, V0.B16
	VORR V25.B16, V25.B16, V1.B16
	VORR V26.B16, V26.B16, V2.B16
	VORR V27.B16, V27.B16, V3.B16
	VORR V28.B16, V28.B16, V4.B16
	VORR V29.B16, V29.B16, V5.B16
	ADD_S(24, 24, 20)
	ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	NEXT_ROUND
	VLD4.P 64(R1), [V12.S4, V13.S4, V14.S4, V15.S4]
	KEEP(12, 0)
	KEEP(13, 1)
	KEEP(14, 2)
	KEEP(15, 3)
	VST4.P [V12.S4, V13.S4, V14.S4, V15.S4], 64(R0)
	SUB    $1, R4
	CBNZ   R4, run
	RET
