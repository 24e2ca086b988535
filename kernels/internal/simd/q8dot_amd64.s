//go:build !noasm

#include "textflag.h"

// Products of unsigned by signed bytes are summed in pairs into words: the largest sum is
// 2·128·127, and 4·31·127 where two such sums are added, below 2^15. For signed codes the
// sign goes over to x, which is never -128.
#define CONSTANTS \
	VMOVDQU ONES, Y14

#define DOTS(x0, w0, x1, w1, sum) \
	VPMADDUBSW x0, w0, w0  \
	VPMADDUBSW x1, w1, w1  \
	VPADDW     w1, w0, w0  \
	VPMADDWD   Y14, w0, w0 \
	VPADDD     w0, sum, sum

#define DOT(x, w, sum) \
	VPMADDUBSW x, w, w     \
	VPMADDWD   Y14, w, w   \
	VPADDD     w, sum, sum

#define DOT_ZERO(x, w, sum) \
	VPMADDUBSW x, w, sum   \
	VPMADDWD   Y14, sum, sum

#define DOT_SIGNED(x, offset, w, sum) \
	VMOVDQU    x, sum        \
	VPSIGNB    w, sum, sum   \
	VPABSB     w, w          \
	VPMADDUBSW sum, w, sum   \
	VPMADDWD   Y14, sum, sum

#include "q8codes_amd64.h"
#include "q8dot_amd64.h"

// func q8Q40AVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q40AVX2(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(18, Q40_TWO, Q40_ONE, NO_MINIMA)

// func q8Q41AVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q41AVX2(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(20, Q41_TWO, Q41_ONE, MINIMA)

// func q8Q50AVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q50AVX2(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(22, Q50_TWO, Q50_ONE, NO_MINIMA)

// func q8Q51AVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q51AVX2(SB), NOSPLIT, $0-40
	ROWS_OF_PAIRS(24, Q51_TWO, Q51_ONE, MINIMA)

// func q8Q80AVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q80AVX2(SB), NOSPLIT, $0-40
	Q80

// func q8Q4KAVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q4KAVX2(SB), NOSPLIT, $32-40
	ROWS_OF_K(144, 320, Q4K_BLOCK)

// func q8Q5KAVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q5KAVX2(SB), NOSPLIT, $32-40
	ROWS_OF_K(176, 320, Q5K_BLOCK)

// func q8Q6KAVX2(y *float32, x, src *byte, rows, blocks int)
TEXT ·q8Q6KAVX2(SB), NOSPLIT, $64-40
	ROWS_OF_K(210, 576, Q6K_BLOCK)
