//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"
#include "dotpairs_amd64.h"
#include "dotq5_amd64.h"

// x = d·(q-16): the sums of the group are -16·Σx, with which its products begin.
#define TWO \
	LOAD_PAIR(22, 6)       \
	FIFTHS_OF_PAIR(22, 2)  \
	VMOVUPS SUMS(DX), Y15  \
	FIVE_BIT_PRODUCTS      \
	SCALED(Y11)

#define ONE \
	LOAD_LAST(6)           \
	FIFTHS_OF_LAST(2)      \
	VMOVUPS SUMS(DX), Y15  \
	FIVE_BIT_PRODUCTS      \
	SCALED(Y11)

// func dotQ50AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ50AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	BYTES
	ROWS_OF_PAIRS(22, TWO, ONE)
