//go:build !noasm

#include "textflag.h"

// VPDPBUSD of AVX512_VNNI adds products of unsigned by signed bytes four at a time.
// Signed codes get 128 added, for which the sum begins with offset.
#define CONSTANTS \
	VMOVDQU TOP_BITS, Y14

#define DOTS(x0, w0, x1, w1, sum) \
	VPDPBUSD x0, w0, sum \
	VPDPBUSD x1, w1, sum

#define DOT(x, w, sum) \
	VPDPBUSD x, w, sum

#define DOT_ZERO(x, w, sum) \
	VPXOR    sum, sum, sum \
	VPDPBUSD x, w, sum

#define DOT_SIGNED(x, offset, w, sum) \
	VMOVDQU  offset, sum \
	VPXOR    Y14, w, w   \
	VPDPBUSD x, w, sum

#include "q8codes_amd64.h"
#include "q8dot_amd64.h"

// func q8Q40VNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q40VNNI(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(18, Q40_TWO, Q40_ONE, NO_MINIMA)

// func q8Q41VNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q41VNNI(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(20, Q41_TWO, Q41_ONE, MINIMA)

// func q8Q50VNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q50VNNI(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(22, Q50_TWO, Q50_ONE, NO_MINIMA)

// func q8Q51VNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q51VNNI(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(24, Q51_TWO, Q51_ONE, MINIMA)

// func q8Q80VNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q80VNNI(SB), NOSPLIT, $0-40
	Q80

// func q8Q4KVNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q4KVNNI(SB), NOSPLIT, $32-40
	ROWS_OF_K(144, 320, Q4K_BLOCK)

// func q8Q5KVNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q5KVNNI(SB), NOSPLIT, $32-40
	ROWS_OF_K(176, 320, Q5K_BLOCK)

// func q8Q6KVNNI(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q6KVNNI(SB), NOSPLIT, $64-40
	ROWS_OF_K(210, 576, Q6K_BLOCK)
