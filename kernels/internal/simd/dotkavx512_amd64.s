//go:build !noasm

#include "textflag.h"
#include "dotrowsavx512_amd64.h"

// Blocks of 256 by halves: 64 bytes of codes are 16 words of 32 bits, whose codes go
// through the words' low ends as in dotblocksavx512_amd64.s. Z2 gathers the products
// of the lower halves of bytes, Z3 those of the upper ones. Z1 has the scales of the
// block and then, where there are minima, those; Z24 to Z27 take them to the lanes
// that they are for.
//
// x is 16 vectors, 8 for each half, and one of sums that is multiplied with Z1.
#define BLOCK_OF_X 1088
#define SUMS       1024

// PREFETCHES fetches the lines that a block of up to 256 bytes has ahead.
#define PREFETCHES \
	PREFETCHT0 AHEAD(SI)     \
	PREFETCHT0 AHEAD+64(SI)  \
	PREFETCHT0 AHEAD+128(SI)

// SCALED_HALF ends half h: Z4 and Z5 += scales·products.
#define SCALED_HALF(lower, upper) \
	VPERMPS     Z1, lower, Z8  \
	VPERMPS     Z1, upper, Z9  \
	VFMADD231PS Z8, Z2, Z4     \
	VFMADD231PS Z9, Z3, Z5

// K_SCALES unpacks the 6-bit scales and minima of Q4_K and Q5_K (tensor's kScales)
// four at a time in the general registers AX, BX, R12 and R13, multiplies them by d
// and dmin, and adds the minima's part to Z6.
#define K_SCALES \
	MOVL         4(SI), AX        \
	MOVL         12(SI), BX       \
	MOVL         AX, R12          \
	ANDL         $0x3f3f3f3f, AX  \
	SHRL         $2, R12          \
	ANDL         $0x30303030, R12 \
	MOVL         BX, R13          \
	ANDL         $0x0f0f0f0f, R13 \
	ORL          R13, R12         \
	SHLQ         $32, R12         \
	ORQ          R12, AX          \
	VMOVQ        AX, X1           \
	MOVL         8(SI), AX        \
	MOVL         AX, R12          \
	ANDL         $0x3f3f3f3f, AX  \
	SHRL         $2, R12          \
	ANDL         $0x30303030, R12 \
	SHRL         $4, BX           \
	ANDL         $0x0f0f0f0f, BX  \
	ORL          BX, R12          \
	SHLQ         $32, R12         \
	ORQ          R12, AX          \
	VPINSRQ      $1, AX, X1, X1   \
	VPBROADCASTD (SI), X0         \
	VCVTPH2PS    X0, X0           \
	VPMOVZXBD    X1, Z1           \
	VCVTDQ2PS    Z1, Z1           \
	VPERMPS      Z0, Z23, Z0      \
	VMULPS       Z0, Z1, Z1       \
	VFMADD231PS  SUMS(DX), Z1, Z6

#define NIBBLE(h, n, wide, sum) \
	VPSRLD      $(4*n), Z0, wide         \
	VPERMPS     Z16, wide, wide          \
	VFMADD231PS 512*h+64*n(DX), wide, sum

#define Q4_HALF(h) \
	VMOVDQU32 16+64*h(SI), Z0        \
	VPERMPS   Z16, Z0, Z2            \
	VPSRLD    $4, Z0, Z3             \
	VPERMPS   Z16, Z3, Z3            \
	VMULPS    512*h(DX), Z2, Z2      \
	VMULPS    512*h+64(DX), Z3, Z3   \
	NIBBLE(h, 2, Z8, Z2)             \
	NIBBLE(h, 3, Z9, Z3)             \
	NIBBLE(h, 4, Z10, Z2)            \
	NIBBLE(h, 5, Z11, Z3)            \
	NIBBLE(h, 6, Z12, Z2)            \
	NIBBLE(h, 7, Z13, Z3)

// func dotQ4KAVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ4KAVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VMOVUPS   ·plainCodes(SB), Z16
	VMOVDQU32 ·factorsOfK(SB), Z23
	VMOVDQU32 ·runsOfK(SB), Z24
	VMOVDQU32 ·runsOfK+64(SB), Z25
	VMOVDQU32 ·runsOfK+128(SB), Z26
	VMOVDQU32 ·runsOfK+192(SB), Z27

row:
	ROW_BEGIN

block:
	PREFETCHES
	K_SCALES
	Q4_HALF(0)
	SCALED_HALF(Z24, Z25)
	Q4_HALF(1)
	SCALED_HALF(Z26, Z27)
	ADDQ $144, SI
	ADDQ $BLOCK_OF_X, DX
	DECQ CX
	JNZ  block
	ROW_END
	JNZ  row
	VZEROUPPER
	RET

// Q5_CODES puts codes of 5 bits in the low ends of the bytes of codes: bits 0 to 3
// are there, bit 4 is a bit of the bytes of Z15 that turns, one for each lane, take
// there.
#define Q5_CODES(codes, turns) \
	VPROLVD    turns, Z15, Z14             \
	VPTERNLOGD $0xd8, Z20, Z14, codes

#define FIVE(h, t, half, codes, wide, sum) \
	VPSRLD      $(8*t), codes, wide                  \
	VPERMI2PS   Z17, Z16, wide                       \
	VFMADD231PS 512*h+128*t+64*half(DX), wide, sum

#define Q5_HALF(h, lower, upper) \
	VMOVDQU32 48+64*h(SI), Z12       \
	VPSRLD    $4, Z12, Z13           \
	Q5_CODES(Z12, lower)             \
	Q5_CODES(Z13, upper)             \
	VMOVDQA64 Z12, Z2                \
	VMOVDQA64 Z13, Z3                \
	VPERMI2PS Z17, Z16, Z2           \
	VPERMI2PS Z17, Z16, Z3           \
	VMULPS    512*h(DX), Z2, Z2      \
	VMULPS    512*h+64(DX), Z3, Z3   \
	FIVE(h, 1, 0, Z12, Z8, Z2)       \
	FIVE(h, 1, 1, Z13, Z9, Z3)       \
	FIVE(h, 2, 0, Z12, Z10, Z2)      \
	FIVE(h, 2, 1, Z13, Z11, Z3)      \
	FIVE(h, 3, 0, Z12, Z8, Z2)       \
	FIVE(h, 3, 1, Z13, Z9, Z3)

// func dotQ5KAVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ5KAVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VMOVUPS      ·plainFives(SB), Z16
	VMOVUPS      ·plainFives+64(SB), Z17
	VPBROADCASTB ·codeMask+1(SB), Z20
	VMOVDQU32    ·factorsOfK(SB), Z23
	VMOVDQU32    ·runsOfK(SB), Z24
	VMOVDQU32    ·runsOfK+64(SB), Z25
	VMOVDQU32    ·runsOfK+128(SB), Z26
	VMOVDQU32    ·runsOfK+192(SB), Z27
	VMOVDQU32    ·turnsQ5K(SB), Z28
	VMOVDQU32    ·turnsQ5K+64(SB), Z29
	VMOVDQU32    ·turnsQ5K+128(SB), Z30
	VMOVDQU32    ·turnsQ5K+192(SB), Z31

row:
	ROW_BEGIN

block:
	PREFETCHES
	K_SCALES
	VBROADCASTI64X4 16(SI), Z15
	Q5_HALF(0, Z28, Z29)
	SCALED_HALF(Z24, Z25)
	Q5_HALF(1, Z30, Z31)
	SCALED_HALF(Z26, Z27)
	ADDQ $176, SI
	ADDQ $BLOCK_OF_X, DX
	DECQ CX
	JNZ  block
	ROW_END
	JNZ  row
	VZEROUPPER
	RET

// Codes of 6 bits are too many for a table. Byte t of a word is masked where it
// stands and so becomes a number too large by 2^8t, which x makes up for. Codes are
// 32 too large, too: the sums of x have the factor -32.
#define SIX(h, t, half, codes, mask, wide, sum) \
	VPANDD      mask, codes, wide                  \
	VCVTDQ2PS   wide, wide                         \
	VFMADD231PS 512*h+128*t+64*half(DX), wide, sum

#define Q6_HALF(h) \
	VMOVDQU32       64*h(SI), Z12            \
	VBROADCASTI64X4 128+32*h(SI), Z15        \
	VPSRLD          $4, Z12, Z13             \
	VPROLVD         Z28, Z15, Z14            \
	VPROLVD         Z29, Z15, Z15            \
	VPTERNLOGD      $0xd8, Z22, Z14, Z12     \
	VPTERNLOGD      $0xd8, Z22, Z15, Z13     \
	VPANDD          Z16, Z12, Z2             \
	VPANDD          Z16, Z13, Z3             \
	VCVTDQ2PS       Z2, Z2                   \
	VCVTDQ2PS       Z3, Z3                   \
	VMULPS          512*h(DX), Z2, Z2        \
	VMULPS          512*h+64(DX), Z3, Z3     \
	SIX(h, 1, 0, Z12, Z17, Z8, Z2)           \
	SIX(h, 1, 1, Z13, Z17, Z9, Z3)           \
	SIX(h, 2, 0, Z12, Z18, Z10, Z2)          \
	SIX(h, 2, 1, Z13, Z18, Z11, Z3)          \
	SIX(h, 3, 0, Z12, Z19, Z8, Z2)           \
	SIX(h, 3, 1, Z13, Z19, Z9, Z3)

// func dotQ6KAVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ6KAVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VPBROADCASTD ·sixes(SB), Z16
	VPSLLD       $8, Z16, Z17
	VPSLLD       $16, Z16, Z18
	VPSLLD       $24, Z16, Z19
	VPBROADCASTB ·codeMask+2(SB), Z22
	VMOVDQU32    ·runsQ6K(SB), Z24
	VMOVDQU32    ·runsQ6K+64(SB), Z25
	VMOVDQU32    ·runsQ6K+128(SB), Z26
	VMOVDQU32    ·runsQ6K+192(SB), Z27
	VMOVDQU32    ·turnsQ6K(SB), Z28
	VMOVDQU32    ·turnsQ6K+64(SB), Z29

row:
	ROW_BEGIN

block:
	PREFETCHES
	PREFETCHT0   AHEAD+192(SI)
	VPMOVSXBD    192(SI), Z1
	VPBROADCASTW 208(SI), Y0
	VCVTDQ2PS    Z1, Z1
	VCVTPH2PS    Y0, Z0
	VMULPS       Z0, Z1, Z1
	VFMADD231PS  SUMS(DX), Z1, Z6
	Q6_HALF(0)
	SCALED_HALF(Z24, Z25)
	Q6_HALF(1)
	SCALED_HALF(Z26, Z27)
	ADDQ $210, SI
	ADDQ $BLOCK_OF_X, DX
	DECQ CX
	JNZ  block
	ROW_END
	JNZ  row
	VZEROUPPER
	RET
