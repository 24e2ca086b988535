//go:build !noasm

#include "textflag.h"

// Products of panels of 16 rows, in 8 bits, by a panel of 16 columns of codes with 128
// added, each of them
//
//	func gemmQ8…VNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)
//
// for panels of A that are step bytes apart. Eight rows at a time: Z8 to Z15 hold their
// sums, Z0 to Z7 those of a block of 32, in integers, which begin with -128 times the sum
// of the row's numbers. A multiplication of 64 bytes and the broadcast of four to it are one
// instruction: eight of them for one of B use both ports for loads as much as both
// for products.
#define PANELS_BEGIN \
	MOVQ c+0(FP), DI       \
	MOVQ ldc+8(FP), R8     \
	SHLQ $2, R8            \
	LEAQ (R8)(R8*2), BX    \
	MOVQ a+16(FP), SI      \
	MOVQ panels+40(FP), R11

// ROWS_BEGIN sets DX to eight rows' bytes, AX to their scales, CX to B, and the sums.
#define ROWS_BEGIN(half) \
	LEAQ   256*half(SI), DX    \
	LEAQ   512+32*half(SI), AX \
	MOVQ   b+24(FP), CX        \
	MOVQ   blocks+32(FP), R10  \
	LEAQ   (DI)(R8*4), R12     \
	VPXORD Z8, Z8, Z8          \
	VPXORD Z9, Z9, Z9          \
	VPXORD Z10, Z10, Z10       \
	VPXORD Z11, Z11, Z11       \
	VPXORD Z12, Z12, Z12       \
	VPXORD Z13, Z13, Z13       \
	VPXORD Z14, Z14, Z14       \
	VPXORD Z15, Z15, Z15       \
	CMPB   add+56(FP), $0

#define ROWS_ADD \
	VMOVUPS (DI), Z8         \
	VMOVUPS (DI)(R8*1), Z9   \
	VMOVUPS (DI)(R8*2), Z10  \
	VMOVUPS (DI)(BX*1), Z11  \
	VMOVUPS (R12), Z12       \
	VMOVUPS (R12)(R8*1), Z13 \
	VMOVUPS (R12)(R8*2), Z14 \
	VMOVUPS (R12)(BX*1), Z15

#define ROWS_END \
	VMOVUPS Z8, (DI)         \
	VMOVUPS Z9, (DI)(R8*1)   \
	VMOVUPS Z10, (DI)(R8*2)  \
	VMOVUPS Z11, (DI)(BX*1)  \
	VMOVUPS Z12, (R12)       \
	VMOVUPS Z13, (R12)(R8*1) \
	VMOVUPS Z14, (R12)(R8*2) \
	VMOVUPS Z15, (R12)(BX*1) \
	LEAQ    (DI)(R8*8), DI

// BEGIN sets the integers to what they begin with, at(AX).
#define BEGIN(at) \
	VPBROADCASTD at(AX), Z0    \
	VPBROADCASTD at+4(AX), Z1  \
	VPBROADCASTD at+8(AX), Z2  \
	VPBROADCASTD at+12(AX), Z3 \
	VPBROADCASTD at+16(AX), Z4 \
	VPBROADCASTD at+20(AX), Z5 \
	VPBROADCASTD at+24(AX), Z6 \
	VPBROADCASTD at+28(AX), Z7

// WORDS multiplies four bytes of each row, word q of a block.
#define WORDS(q) \
	VMOVDQU32     64*q(CX), Z16         \
	VPDPBUSD.BCST 4*q(DX), Z16, Z0      \
	VPDPBUSD.BCST 4*q+32(DX), Z16, Z1   \
	VPDPBUSD.BCST 4*q+64(DX), Z16, Z2   \
	VPDPBUSD.BCST 4*q+96(DX), Z16, Z3   \
	VPDPBUSD.BCST 4*q+128(DX), Z16, Z4  \
	VPDPBUSD.BCST 4*q+160(DX), Z16, Z5  \
	VPDPBUSD.BCST 4*q+192(DX), Z16, Z6  \
	VPDPBUSD.BCST 4*q+224(DX), Z16, Z7

// SCALED adds integers times the columns' scales, Z17, times the row's.
#define SCALED(at, ints, sum) \
	VCVTDQ2PS        ints, ints            \
	VMULPS           Z17, ints, ints       \
	VFMADD231PS.BCST at(AX), ints, sum

// SHIFTED adds the columns' minima, Z18, times the row's scaled sum too.
#define SHIFTED(at, ints, sum) \
	SCALED(at, ints, sum)                  \
	VFMADD231PS.BCST 64+at(AX), Z18, sum

#define EACH_ROW(DO) \
	DO(0, Z0, Z8)   \
	DO(4, Z1, Z9)   \
	DO(8, Z2, Z10)  \
	DO(12, Z3, Z11) \
	DO(16, Z4, Z12) \
	DO(20, Z5, Z13) \
	DO(24, Z6, Z14) \
	DO(28, Z7, Z15)

#define BLOCK_END \
	ADDQ $768, DX \
	ADDQ $768, AX \
	ADDQ $640, CX \
	DECQ R10

#define WHOLE_BLOCK \
	BEGIN(128) \
	WORDS(0)   \
	WORDS(1)   \
	WORDS(2)   \
	WORDS(3)   \
	WORDS(4)   \
	WORDS(5)   \
	WORDS(6)   \
	WORDS(7)   \
	VMOVUPS 512(CX), Z17

#define PLAIN_BLOCK \
	WHOLE_BLOCK \
	EACH_ROW(SCALED)

#define SHIFTED_BLOCK \
	WHOLE_BLOCK           \
	VMOVUPS 576(CX), Z18  \
	EACH_ROW(SHIFTED)

// FIRST sets Z20 to Z27 to the integers of the first 16 elements times their scale; SECOND
// adds those of the others, which begin with what the whole does less what the first did.
#define FIRST(n, ints, product) \
	VCVTDQ2PS ints, product          \
	VMULPS    Z17, product, product

#define LESS(at, ints, product) \
	VPSUBD.BCST 192+at(AX), ints, ints

#define SECOND(at, ints, product) \
	VCVTDQ2PS   ints, ints           \
	VFMADD231PS Z18, ints, product

#define EACH_PRODUCT(DO) \
	DO(0, Z0, Z20)  \
	DO(4, Z1, Z21)  \
	DO(8, Z2, Z22)  \
	DO(12, Z3, Z23) \
	DO(16, Z4, Z24) \
	DO(20, Z5, Z25) \
	DO(24, Z6, Z26) \
	DO(28, Z7, Z27)

#define ADDED(at, product, sum) \
	VFMADD231PS.BCST at(AX), product, sum

#define HALVED_BLOCK \
	BEGIN(192)            \
	WORDS(0)              \
	WORDS(1)              \
	WORDS(2)              \
	WORDS(3)              \
	VMOVUPS 512(CX), Z17  \
	EACH_PRODUCT(FIRST)   \
	BEGIN(128)            \
	EACH_PRODUCT(LESS)    \
	WORDS(4)              \
	WORDS(5)              \
	WORDS(6)              \
	WORDS(7)              \
	VMOVUPS 576(CX), Z18  \
	EACH_PRODUCT(SECOND)  \
	ADDED(0, Z20, Z8)     \
	ADDED(4, Z21, Z9)     \
	ADDED(8, Z22, Z10)    \
	ADDED(12, Z23, Z11)   \
	ADDED(16, Z24, Z12)   \
	ADDED(20, Z25, Z13)   \
	ADDED(24, Z26, Z14)   \
	ADDED(28, Z27, Z15)

#define PANELS(BLOCK) \
	PANELS_BEGIN             \
panel:                           \
	ROWS_BEGIN(0)            \
	JEQ  upper               \
	ROWS_ADD                 \
upper:                           \
	BLOCK                    \
	BLOCK_END                \
	JNZ  upper               \
	ROWS_END                 \
	ROWS_BEGIN(1)            \
	JEQ  lower               \
	ROWS_ADD                 \
lower:                           \
	BLOCK                    \
	BLOCK_END                \
	JNZ  lower               \
	ROWS_END                 \
	ADDQ step+48(FP), SI     \
	DECQ R11                 \
	JNZ  panel               \
	VZEROUPPER               \
	RET

// func gemmQ8PlainVNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)
TEXT ·gemmQ8PlainVNNI(SB), NOSPLIT, $0-57
	PANELS(PLAIN_BLOCK)

// func gemmQ8ShiftedVNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)
TEXT ·gemmQ8ShiftedVNNI(SB), NOSPLIT, $0-57
	PANELS(SHIFTED_BLOCK)

// func gemmQ8HalvedVNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)
TEXT ·gemmQ8HalvedVNNI(SB), NOSPLIT, $0-57
	PANELS(HALVED_BLOCK)
