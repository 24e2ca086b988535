//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"
#include "dotpairs_amd64.h"

// x = d·q+m: the sums of the group are Σx in the lanes that are m's in Y13.
#define TWO \
	LOAD_PAIR(20, 4)      \
	VXORPS Y15, Y15, Y15  \
	NIBBLE_PRODUCTS       \
	SHIFTED(Y7)

#define ONE \
	LOAD_LAST(4)          \
	VXORPS Y15, Y15, Y15  \
	NIBBLE_PRODUCTS       \
	SHIFTED(Y7)

// func dotQ41AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ41AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	NIBBLES
	ROWS_OF_PAIRS(20, TWO, ONE)
