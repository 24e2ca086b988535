//go:build !noasm

#include "textflag.h"
#include "amx_amd64.h"

#define BEGIN \
	LDTILECFG(RSI) \
	TILEZERO(0) \
	TILEZERO(1) \
	TILEZERO(2) \
	TILEZERO(3) \
	TILEZERO(4) \
	TILEZERO(5) \
	TILEZERO(6) \
	TILEZERO(7)

// ROUND is four products, which do not wait for each other.
#define ROUND(PRODUCT) \
	PRODUCT(0, 4, 6) \
	PRODUCT(1, 4, 7) \
	PRODUCT(2, 5, 6) \
	PRODUCT(3, 5, 7)

// func peakTileBF16(shapes *tileShapes, rounds int)
TEXT ·peakTileBF16(SB), NOSPLIT, $0-16
	MOVQ shapes+0(FP), SI
	MOVQ rounds+8(FP), CX
	BEGIN

bf16:
	ROUND(TDPBF16PS)
	DECQ CX
	JNZ  bf16
	TILERELEASE
	RET

// func peakTileInt8(shapes *tileShapes, rounds int)
TEXT ·peakTileInt8(SB), NOSPLIT, $0-16
	MOVQ shapes+0(FP), SI
	MOVQ rounds+8(FP), CX
	BEGIN

int8:
	ROUND(TDPBSSD)
	DECQ CX
	JNZ  int8
	TILERELEASE
	RET
