//go:build !noasm

#include "textflag.h"
#include "dotrowsavx512_amd64.h"

// Blocks of 32 by fours: Z0 has the 16 bytes of codes of each in a quarter, that is
// 16 words of 32 bits, and so has every vector that comes of it. Codes are taken
// from the low end of each word and become floats by a look into a table, whose
// index is the low end of a word; the words are then moved on. x is arranged to
// match, in groups of GROUP bytes: vector 2t is that of the lower halves of bytes t,
// 2t+1 of the upper ones, and behind them one of sums, whose lanes that are minima's
// in Z3 hold Σx of their block.
//
// Y3 has the words with which the blocks begin, each twice, so that VCVTPH2PS makes
// of them d and what is next to it, m or nothing of use, side by side.
#define GROUP 576
#define SUMS  512

// Z1+Z2 = Σ code·x over the group, by the table of 16 in Z16.
#define NIBBLE(n, wide, sum) \
	VPSRLD      $(4*n), Z0, wide \
	VPERMPS     Z16, wide, wide  \
	VFMADD231PS 64*n(DX), wide, sum

#define NIBBLES \
	VPSRLD  $4, Z0, Z2     \
	VPERMPS Z16, Z0, Z1    \
	VPERMPS Z16, Z2, Z2    \
	VMULPS  (DX), Z1, Z1   \
	VMULPS  64(DX), Z2, Z2 \
	NIBBLE(2, Z10, Z1)     \
	NIBBLE(3, Z11, Z2)     \
	NIBBLE(4, Z8, Z1)      \
	NIBBLE(5, Z9, Z2)      \
	NIBBLE(6, Z10, Z1)     \
	NIBBLE(7, Z11, Z2)

// FIFTHS puts the lower halves of the bytes of Z0 with the fifth bits in Z1 into Z12,
// the upper halves into Z13: SPREAD_LOWER and SPREAD_UPPER, in Z18 and Z19, take to
// each byte that of Z1 which has its bit, Z20 is that bit.
#define FIFTHS \
	VPSRLW   $4, Z0, Z13           \
	VPANDD   Z21, Z0, Z12          \
	VPANDD   Z21, Z13, Z13         \
	VPSHUFB  Z18, Z1, Z14          \
	VPTESTMB Z20, Z14, K1          \
	VPADDB   Z22, Z12, K1, Z12     \
	VPSHUFB  Z19, Z1, Z15          \
	VPTESTMB Z20, Z15, K2          \
	VPADDB   Z22, Z13, K2, Z13

// FIVE moves byte t of codes down and takes its float out of the table of 32 in Z16
// and Z17.
#define FIVE(t, codes, half, wide, sum) \
	VPSRLD      $(8*t), codes, wide       \
	VPERMI2PS   Z17, Z16, wide            \
	VFMADD231PS 128*t+64*half(DX), wide, sum

#define FIVE_BITS \
	VMOVDQA64 Z12, Z1       \
	VMOVDQA64 Z13, Z2       \
	VPERMI2PS Z17, Z16, Z1  \
	VPERMI2PS Z17, Z16, Z2  \
	VMULPS    (DX), Z1, Z1  \
	VMULPS    64(DX), Z2, Z2 \
	FIVE(1, Z12, 0, Z8, Z1)  \
	FIVE(1, Z13, 1, Z9, Z2)  \
	FIVE(2, Z12, 0, Z10, Z1) \
	FIVE(2, Z13, 1, Z11, Z2) \
	FIVE(3, Z12, 0, Z8, Z1)  \
	FIVE(3, Z13, 1, Z9, Z2)

// SCALED ends a group: Z4 += d·Z1, Z6 += d·Z2. SHIFTED adds m·Σx to Z5 as well.
#define SCALED \
	VCVTPH2PS   Y3, Z3     \
	VMOVSLDUP   Z3, Z3     \
	VFMADD231PS Z3, Z1, Z4 \
	VFMADD231PS Z3, Z2, Z6

#define SHIFTED \
	VCVTPH2PS   Y3, Z3           \
	VFMADD231PS SUMS(DX), Z3, Z5 \
	VMOVSLDUP   Z3, Z3           \
	VFMADD231PS Z3, Z1, Z4 \
	VFMADD231PS Z3, Z2, Z6

// QUARTERS loads 16 bytes of each of four blocks, SOME_QUARTERS of as many as are
// left.
#define QUARTERS(size, at, codes, x) \
	VMOVDQU      at(SI), x                       \
	VINSERTI32X4 $1, size+at(SI), codes, codes   \
	VINSERTI32X4 $2, 2*size+at(SI), codes, codes \
	VINSERTI32X4 $3, 3*size+at(SI), codes, codes

#define SOME_QUARTERS(size, at, codes, x) \
	VMOVDQU         at(SI), x                \
	VBROADCASTI32X4 size+at(SI), K6, codes   \
	VBROADCASTI32X4 2*size+at(SI), K7, codes

// REST_OF_QUARTERS sets K6 and K7 to the second and third quarter of the blocks BX that
// a row ends with, and REST_OF_WORDS to those of their words that are in the first
// 64 bytes and in the 64 from byte second on. What is masked off is not read.
#define REST_OF_QUARTERS(size, second) \
	XORL    AX, AX       \
	MOVL    $0x00f0, R12 \
	CMPQ    BX, $2       \
	CMOVLLT AX, R12      \
	KMOVW   R12, K6      \
	MOVL    $0x0f00, R12 \
	CMPQ    BX, $3       \
	CMOVLLT AX, R12      \
	KMOVW   R12, K7

#define REST_OF_WORDS(size, second) \
	MOVQ  BX, AX             \
	IMULQ $(size/4), AX      \
	MOVL  $1, R12            \
	SHLXL AX, R12, R12       \
	DECL  R12                \
	KMOVW R12, K6            \
	SHRL  $(second/4), R12   \
	KMOVW R12, K7

// ROWS_OF_GROUPS runs the kernel: ADD does four blocks, ADD_SOME the fewer that may
// be left.
#define ROWS_OF_GROUPS(size, REST, second, ADD, ADD_SOME) \
	MOVQ R11, BX                \
	ANDQ $3, BX                 \
	SHRQ $2, R11                \
	REST(size, second)          \
row:                            \
	ROW_BEGIN                   \
	TESTQ CX, CX                \
	JZ    rest                  \
group:                          \
	PREFETCHT0 AHEAD(SI)        \
	PREFETCHT0 AHEAD+64(SI)     \
	ADD                         \
	ADDQ $(4*size), SI          \
	ADDQ $GROUP, DX             \
	DECQ CX                     \
	JNZ  group                  \
rest:                           \
	TESTQ BX, BX                \
	JZ    done                  \
	ADD_SOME                    \
	IMUL3Q $size, BX, AX        \
	ADDQ  AX, SI                \
done:                           \
	ROW_END                     \
	JNZ row                     \
	VZEROUPPER                  \
	RET

#define ADD_Q4_0 \
	VPBROADCASTD (SI), Y3       \
	VPBROADCASTD 18(SI), K1, Y3 \
	VPBROADCASTD 36(SI), K2, Y3 \
	VPBROADCASTD 54(SI), K3, Y3 \
	QUARTERS(18, 2, Z0, X0)    \
	NIBBLES                    \
	SCALED

#define ADD_SOME_Q4_0 \
	VMOVD        (SI), X3       \
	VPBROADCASTD 18(SI), K6, Z3 \
	VPBROADCASTD 36(SI), K7, Z3 \
	VPERMD       Z3, Z23, Z3    \
	SOME_QUARTERS(18, 2, Z0, X0) \
	NIBBLES                    \
	SCALED

// func dotQ40AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ40AVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VMOVUPS   ·signedCodes(SB), Z16
	MOVL      $0x0c, AX
	KMOVW     AX, K1
	MOVL      $0x30, AX
	KMOVW     AX, K2
	MOVL      $0xc0, AX
	KMOVW     AX, K3
	VMOVDQU32 ·headsOfQuarters(SB), Z23
	ROWS_OF_GROUPS(18, REST_OF_QUARTERS, 0, ADD_Q4_0, ADD_SOME_Q4_0)

// A group is 20 words of 32 bits, of which Z0 and Z1 have 16 each.
#define MULTIPLY_Q4_1 \
	VPERMD    Z0, Z17, Z3  \
	VPERMT2D  Z1, Z18, Z0  \
	NIBBLES                \
	SHIFTED

#define ADD_Q4_1 \
	VMOVDQU32 (SI), Z0   \
	VMOVDQU32 16(SI), Z1 \
	MULTIPLY_Q4_1

#define ADD_SOME_Q4_1 \
	VMOVDQU32.Z (SI), K6, Z0   \
	VMOVDQU32.Z 16(SI), K7, Z1 \
	MULTIPLY_Q4_1

// func dotQ41AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ41AVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VMOVUPS   ·plainCodes(SB), Z16
	VMOVDQU32 ·headsQ41(SB), Z17
	VMOVDQU32 ·codesQ41(SB), Z18
	ROWS_OF_GROUPS(20, REST_OF_WORDS, 16, ADD_Q4_1, ADD_SOME_Q4_1)

// A block's d and fifth bits are in the same 16 bytes, at 0 and 2.
#define MULTIPLY_Q5_0 \
	VPERMD Z1, Z23, Z3 \
	FIFTHS             \
	FIVE_BITS          \
	SCALED

#define ADD_Q5_0 \
	QUARTERS(22, 0, Z1, X1) \
	QUARTERS(22, 6, Z0, X0) \
	MULTIPLY_Q5_0

#define ADD_SOME_Q5_0 \
	SOME_QUARTERS(22, 0, Z1, X1) \
	SOME_QUARTERS(22, 6, Z0, X0) \
	MULTIPLY_Q5_0

// func dotQ50AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ50AVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VMOVUPS      ·signedFives(SB), Z16
	VMOVUPS      ·signedFives+64(SB), Z17
	VMOVDQU32    ·spreadQ50(SB), Z18
	VMOVDQU32    ·spreadQ50+64(SB), Z19
	VMOVDQU32    ·bitOfByte(SB), Z20
	VPBROADCASTB ·codeMask(SB), Z21
	VPBROADCASTB ·codeMask+1(SB), Z22
	VMOVDQU32    ·headsOfQuarters(SB), Z23
	ROWS_OF_GROUPS(22, REST_OF_QUARTERS, 0, ADD_Q5_0, ADD_SOME_Q5_0)

// A group is 24 words, of which Z0 has the first 16 and Z2 the last. Each quarter of
// Z1 begins with d, m and the fifth bits.
#define MULTIPLY_Q5_1 \
	VMOVDQA64 Z24, Z1       \
	VPERMI2D  Z2, Z0, Z1    \
	VPERMT2D  Z2, Z25, Z0   \
	VPERMD    Z1, Z23, Z3   \
	FIFTHS                  \
	FIVE_BITS               \
	SHIFTED

#define ADD_Q5_1 \
	VMOVDQU32 (SI), Z0   \
	VMOVDQU32 32(SI), Z2 \
	MULTIPLY_Q5_1

#define ADD_SOME_Q5_1 \
	VMOVDQU32.Z (SI), K6, Z0   \
	VMOVDQU32.Z 32(SI), K7, Z2 \
	MULTIPLY_Q5_1

// func dotQ51AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ51AVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	VMOVUPS      ·plainFives(SB), Z16
	VMOVUPS      ·plainFives+64(SB), Z17
	VMOVDQU32    ·spreadQ51(SB), Z18
	VMOVDQU32    ·spreadQ51+64(SB), Z19
	VMOVDQU32    ·bitOfByte(SB), Z20
	VPBROADCASTB ·codeMask(SB), Z21
	VPBROADCASTB ·codeMask+1(SB), Z22
	VMOVDQU32    ·headsOfQuarters(SB), Z23
	VMOVDQU32    ·headsQ51(SB), Z24
	VMOVDQU32    ·codesQ51(SB), Z25
	ROWS_OF_GROUPS(24, REST_OF_WORDS, 32, ADD_Q5_1, ADD_SOME_Q5_1)
