//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"
#include "dotpairs_amd64.h"

// x = d·(q-8): the sums of the group are -8·Σx, with which its products begin.
#define TWO \
	LOAD_PAIR(18, 2)       \
	VMOVUPS SUMS(DX), Y15  \
	NIBBLE_PRODUCTS        \
	SCALED(Y7)

#define ONE \
	LOAD_LAST(2)           \
	VMOVUPS SUMS(DX), Y15  \
	NIBBLE_PRODUCTS        \
	SCALED(Y7)

// func dotQ40AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ40AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	NIBBLES
	ROWS_OF_PAIRS(18, TWO, ONE)
