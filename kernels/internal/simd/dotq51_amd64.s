//go:build !noasm

#include "textflag.h"
#include "dotrows_amd64.h"
#include "dotcodes_amd64.h"
#include "dotpairs_amd64.h"
#include "dotq5_amd64.h"

// x = d·q+m: the sums of the group are Σx in the lanes that are m's in Y13.
#define TWO \
	LOAD_PAIR(24, 8)      \
	FIFTHS_OF_PAIR(24, 4) \
	VXORPS Y15, Y15, Y15  \
	FIVE_BIT_PRODUCTS     \
	SHIFTED(Y11)

#define ONE \
	LOAD_LAST(8)          \
	FIFTHS_OF_LAST(4)     \
	VXORPS Y15, Y15, Y15  \
	FIVE_BIT_PRODUCTS     \
	SHIFTED(Y11)

// func dotQ51AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ51AVX2(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	BYTES
	ROWS_OF_PAIRS(24, TWO, ONE)
