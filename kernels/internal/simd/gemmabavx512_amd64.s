//go:build !noasm

#include "textflag.h"

// A tile of up to 12 rows and 32 columns, both operands where they are. Row i of the
// tile is Z(8+2i), Z(9+2i); B's columns are Z0, Z1; A is broadcast to Z2 to Z5. Rows 0
// to 2 of A are at SI, 3 to 5 at BX, 6 to 8 at R13, 9 to 11 at AX, R11 apart; the next
// inner index of A is R12 further, that of B, at DX, R10. There is a loop for each
// height: rows that are not there cost nothing.

#define ROW(mem, x, lo, hi) \
	VBROADCASTSS mem, x     \
	VFMADD231PS  Z0, x, lo  \
	VFMADD231PS  Z1, x, hi

// EACH is ROW without the broadcast, for addresses without an index: with one, an
// instruction counts as two.
#define EACH(mem, lo, hi) \
	VFMADD231PS.BCST mem, Z0, lo \
	VFMADD231PS.BCST mem, Z1, hi

#define ROWS1(d) EACH(d(SI), Z8, Z9)
#define ROWS2(d) ROWS1(d) ROW(d(SI)(R11*1), Z3, Z10, Z11)
#define ROWS3(d) ROWS2(d) ROW(d(SI)(R11*2), Z4, Z12, Z13)
#define ROWS4(d) ROWS3(d) EACH(d(BX), Z14, Z15)
#define ROWS5(d) ROWS4(d) ROW(d(BX)(R11*1), Z2, Z16, Z17)
#define ROWS6(d) ROWS5(d) ROW(d(BX)(R11*2), Z3, Z18, Z19)
#define ROWS7(d) ROWS6(d) EACH(d(R13), Z20, Z21)
#define ROWS8(d) ROWS7(d) ROW(d(R13)(R11*1), Z5, Z22, Z23)
#define ROWS9(d) ROWS8(d) ROW(d(R13)(R11*2), Z2, Z24, Z25)
#define ROWS10(d) ROWS9(d) EACH(d(AX), Z26, Z27)
#define ROWS11(d) ROWS10(d) ROW(d(AX)(R11*1), Z4, Z28, Z29)
#define ROWS12(d) ROWS11(d) ROW(d(AX)(R11*2), Z5, Z30, Z31)

// COLUMNS1 to COLUMNS12 are for an A stored by columns: its rows are side by side at SI.
#define COLUMNS1 EACH(0(SI), Z8, Z9)
#define COLUMNS2 COLUMNS1 ROW(4(SI), Z2, Z10, Z11)
#define COLUMNS3 COLUMNS2 EACH(8(SI), Z12, Z13)
#define COLUMNS4 COLUMNS3 ROW(12(SI), Z3, Z14, Z15)
#define COLUMNS5 COLUMNS4 EACH(16(SI), Z16, Z17)
#define COLUMNS6 COLUMNS5 ROW(20(SI), Z4, Z18, Z19)
#define COLUMNS7 COLUMNS6 EACH(24(SI), Z20, Z21)
#define COLUMNS8 COLUMNS7 ROW(28(SI), Z5, Z22, Z23)
#define COLUMNS9 COLUMNS8 EACH(32(SI), Z24, Z25)
#define COLUMNS10 COLUMNS9 ROW(36(SI), Z2, Z26, Z27)
#define COLUMNS11 COLUMNS10 EACH(40(SI), Z28, Z29)
#define COLUMNS12 COLUMNS11 ROW(44(SI), Z3, Z30, Z31)

// HALF is a row of up to 16 columns.
#define HALF(mem, lo) VFMADD231PS.BCST mem, Z0, lo

#define HALVES1 HALF((SI), Z8)
#define HALVES2 HALVES1; HALF((SI)(R11*1), Z10)
#define HALVES3 HALVES2; HALF((SI)(R11*2), Z12)
#define HALVES4 HALVES3; HALF((BX), Z14)
#define HALVES5 HALVES4; HALF((BX)(R11*1), Z16)
#define HALVES6 HALVES5; HALF((BX)(R11*2), Z18)
#define HALVES7 HALVES6; HALF((R13), Z20)
#define HALVES8 HALVES7; HALF((R13)(R11*1), Z22)
#define HALVES9 HALVES8; HALF((R13)(R11*2), Z24)
#define HALVES10 HALVES9; HALF((AX), Z26)
#define HALVES11 HALVES10; HALF((AX)(R11*1), Z28)
#define HALVES12 HALVES11; HALF((AX)(R11*2), Z30)

#define ADVANCE \
	ADDQ R12, SI  \
	ADDQ R12, BX  \
	ADDQ R12, R13 \
	ADDQ R12, AX  \
	ADDQ R10, DX

#define WIDE(loop, ROWS) \
	VMOVUPS (DX), Z0   \
	VMOVUPS 64(DX), Z1 \
	ROWS(0)            \
	ADVANCE            \
	DECQ CX            \
	JNZ  loop          \
	JMP  rest

// FOURS is WIDE for an A stored by rows, R14 times four inner indices.
#define FOURS(loop, ROWS) \
	STEP(ROWS, 0)  \
	STEP(ROWS, 4)  \
	STEP(ROWS, 8)  \
	STEP(ROWS, 12) \
	ADDQ $16, SI       \
	ADDQ $16, BX       \
	ADDQ $16, R13      \
	ADDQ $16, AX       \
	DECQ R14           \
	JNZ  loop          \
	JMP  left

#define STEP(ROWS, d) \
	VMOVUPS (DX), Z0   \
	VMOVUPS 64(DX), Z1 \
	ADDQ R10, DX       \
	ROWS(d)

// UPRIGHT is WIDE for an A stored by columns, whose rows lie too far apart to be fetched ahead.
#define UPRIGHT(loop, COLUMNS) \
	VMOVUPS (DX), Z0   \
	VMOVUPS 64(DX), Z1 \
	COLUMNS            \
	PREFETCHT0 (SI)(R12*8) \
	ADDQ R12, SI       \
	ADDQ R10, DX       \
	DECQ CX            \
	JNZ  loop          \
	JMP  upright

#define NARROW(loop, ROWS) \
	VMOVUPS (DX), Z0 \
	ROWS             \
	ADVANCE          \
	DECQ CX          \
	JNZ  loop        \
	JMP  rest

// BYHEIGHT goes to the loop for as many rows as R15 says.
#define BYHEIGHT(h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, h12) \
	CMPQ R15, $12 \
	JEQ  h12 \
	CMPQ R15, $11 \
	JEQ  h11 \
	CMPQ R15, $10 \
	JEQ  h10 \
	CMPQ R15, $9 \
	JEQ  h9 \
	CMPQ R15, $8 \
	JEQ  h8 \
	CMPQ R15, $7 \
	JEQ  h7 \
	CMPQ R15, $6 \
	JEQ  h6 \
	CMPQ R15, $5 \
	JEQ  h5 \
	CMPQ R15, $4 \
	JEQ  h4 \
	CMPQ R15, $3 \
	JEQ  h3 \
	CMPQ R15, $2 \
	JEQ  h2 \
	JMP  h1

// UPTO goes to a label after the last row, which R15 counts.
#define UPTO(row, label) \
	CMPQ R15, $row \
	JEQ  label

#define CLEAR(row, lo, hi, label) \
	VPXORD lo, lo, lo \
	VPXORD hi, hi, hi \
	UPTO(row, label)

#define FETCH(row, lo, hi, label) \
	VMOVUPS.Z (DX), K1, lo   \
	VMOVUPS.Z 64(DX), K2, hi \
	ADDQ R8, DX              \
	UPTO(row, label)

#define STORE(row, lo, hi) \
	VMOVUPS lo, K1, (DX)   \
	VMOVUPS hi, K2, 64(DX) \
	ADDQ R8, DX            \
	UPTO(row, next)

#define ADDROW(row, lo, hi) \
	VADDPS (DX), lo, K1, lo   \
	VADDPS 64(DX), hi, K2, hi \
	STORE(row, lo, hi)

// func gemmABAVX512(c *float32, ldc int, a *float32, outer, inner int, b *float32, ldb, k, rows, cols, whole, sum int)
TEXT ·gemmABAVX512(SB), NOSPLIT, $0-96
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ outer+24(FP), R11
	MOVQ inner+32(FP), R12
	MOVQ ldb+48(FP), R10
	MOVQ rows+64(FP), R15
	SHLQ $2, R8
	SHLQ $2, R11
	SHLQ $2, R12
	SHLQ $2, R10
	MOVL $-1, AX
	KMOVW AX, K1
	KMOVW AX, K2

panel:
	MOVQ cols+72(FP), R14
	CMPQ R14, $32
	JGE  begin
	MOVL $32, CX
	SUBL R14, CX
	MOVL $-1, BX
	SHRL CX, BX
	KMOVW BX, K1
	SHRL $16, BX
	KMOVW BX, K2

begin:
	MOVQ DI, DX
	CMPQ sum+88(FP), $2
	JEQ  fetch
	CLEAR(1, Z8, Z9, ready)
	CLEAR(2, Z10, Z11, ready)
	CLEAR(3, Z12, Z13, ready)
	CLEAR(4, Z14, Z15, ready)
	CLEAR(5, Z16, Z17, ready)
	CLEAR(6, Z18, Z19, ready)
	CLEAR(7, Z20, Z21, ready)
	CLEAR(8, Z22, Z23, ready)
	CLEAR(9, Z24, Z25, ready)
	CLEAR(10, Z26, Z27, ready)
	CLEAR(11, Z28, Z29, ready)
	CLEAR(12, Z30, Z31, ready)

fetch:
	FETCH(1, Z8, Z9, ready)
	FETCH(2, Z10, Z11, ready)
	FETCH(3, Z12, Z13, ready)
	FETCH(4, Z14, Z15, ready)
	FETCH(5, Z16, Z17, ready)
	FETCH(6, Z18, Z19, ready)
	FETCH(7, Z20, Z21, ready)
	FETCH(8, Z22, Z23, ready)
	FETCH(9, Z24, Z25, ready)
	FETCH(10, Z26, Z27, ready)
	FETCH(11, Z28, Z29, ready)
	FETCH(12, Z30, Z31, ready)

ready:
	MOVQ a+16(FP), SI
	LEAQ (R11)(R11*2), CX
	LEAQ (SI)(CX*1), BX
	LEAQ (SI)(CX*2), R13
	LEAQ (BX)(CX*2), AX
	MOVQ b+40(FP), DX
	MOVQ k+56(FP), CX
	XORL R9, R9                // inner indices left for masks
	CMPQ R14, $32
	JGE  wide
	MOVQ CX, R9
	MOVQ whole+80(FP), CX
	SUBQ CX, R9
	TESTQ CX, CX
	JZ   rest
	CMPQ R14, $16
	JLE  half

wide:
	CMPQ R11, $4
	JEQ  byColumns
	CMPQ R12, $4
	JNE  any
	MOVQ CX, R14
	ANDQ $3, CX
	SHRQ $2, R14
	JZ   any
	BYHEIGHT(four1, four2, four3, four4, four5, four6, four7, four8, four9, four10, four11, four12)

byColumns:
	BYHEIGHT(column1, column2, column3, column4, column5, column6, column7, column8, column9, column10, column11, column12)

left:
	TESTQ CX, CX
	JZ   rest

any:
	BYHEIGHT(wide1, wide2, wide3, wide4, wide5, wide6, wide7, wide8, wide9, wide10, wide11, wide12)

wide1:
	WIDE(wide1, ROWS1)

wide2:
	WIDE(wide2, ROWS2)

wide3:
	WIDE(wide3, ROWS3)

wide4:
	WIDE(wide4, ROWS4)

wide5:
	WIDE(wide5, ROWS5)

wide6:
	WIDE(wide6, ROWS6)

wide7:
	WIDE(wide7, ROWS7)

wide8:
	WIDE(wide8, ROWS8)

wide9:
	WIDE(wide9, ROWS9)

wide10:
	WIDE(wide10, ROWS10)

wide11:
	WIDE(wide11, ROWS11)

wide12:
	WIDE(wide12, ROWS12)

four1:
	FOURS(four1, ROWS1)

four2:
	FOURS(four2, ROWS2)

four3:
	FOURS(four3, ROWS3)

four4:
	FOURS(four4, ROWS4)

four5:
	FOURS(four5, ROWS5)

four6:
	FOURS(four6, ROWS6)

four7:
	FOURS(four7, ROWS7)

four8:
	FOURS(four8, ROWS8)

four9:
	FOURS(four9, ROWS9)

four10:
	FOURS(four10, ROWS10)

four11:
	FOURS(four11, ROWS11)

four12:
	FOURS(four12, ROWS12)

column1:
	UPRIGHT(column1, COLUMNS1)

column2:
	UPRIGHT(column2, COLUMNS2)

column3:
	UPRIGHT(column3, COLUMNS3)

column4:
	UPRIGHT(column4, COLUMNS4)

column5:
	UPRIGHT(column5, COLUMNS5)

column6:
	UPRIGHT(column6, COLUMNS6)

column7:
	UPRIGHT(column7, COLUMNS7)

column8:
	UPRIGHT(column8, COLUMNS8)

column9:
	UPRIGHT(column9, COLUMNS9)

column10:
	UPRIGHT(column10, COLUMNS10)

column11:
	UPRIGHT(column11, COLUMNS11)

column12:
	UPRIGHT(column12, COLUMNS12)

	// Where the pointers to A's other rows would have come.
upright:
	LEAQ (R11)(R11*2), CX
	LEAQ (SI)(CX*1), BX
	LEAQ (SI)(CX*2), R13
	LEAQ (BX)(CX*2), AX
	JMP  rest

half:
	BYHEIGHT(half1, half2, half3, half4, half5, half6, half7, half8, half9, half10, half11, half12)

half1:
	NARROW(half1, HALVES1)

half2:
	NARROW(half2, HALVES2)

half3:
	NARROW(half3, HALVES3)

half4:
	NARROW(half4, HALVES4)

half5:
	NARROW(half5, HALVES5)

half6:
	NARROW(half6, HALVES6)

half7:
	NARROW(half7, HALVES7)

half8:
	NARROW(half8, HALVES8)

half9:
	NARROW(half9, HALVES9)

half10:
	NARROW(half10, HALVES10)

half11:
	NARROW(half11, HALVES11)

half12:
	NARROW(half12, HALVES12)

	// Rows of B of which nothing but the columns may be read.
masked:
	VMOVUPS.Z (DX), K1, Z0
	VMOVUPS.Z 64(DX), K2, Z1
	ROW((SI), Z2, Z8, Z9)
	UPTO(1, maskedNext)
	ROW((SI)(R11*1), Z3, Z10, Z11)
	UPTO(2, maskedNext)
	ROW((SI)(R11*2), Z4, Z12, Z13)
	UPTO(3, maskedNext)
	ROW((BX), Z5, Z14, Z15)
	UPTO(4, maskedNext)
	ROW((BX)(R11*1), Z2, Z16, Z17)
	UPTO(5, maskedNext)
	ROW((BX)(R11*2), Z3, Z18, Z19)
	UPTO(6, maskedNext)
	ROW((R13), Z4, Z20, Z21)
	UPTO(7, maskedNext)
	ROW((R13)(R11*1), Z5, Z22, Z23)
	UPTO(8, maskedNext)
	ROW((R13)(R11*2), Z2, Z24, Z25)
	UPTO(9, maskedNext)
	ROW((AX), Z3, Z26, Z27)
	UPTO(10, maskedNext)
	ROW((AX)(R11*1), Z4, Z28, Z29)
	UPTO(11, maskedNext)
	ROW((AX)(R11*2), Z5, Z30, Z31)

maskedNext:
	ADVANCE
	DECQ R9

rest:
	TESTQ R9, R9
	JNZ  masked
	MOVQ DI, DX
	CMPQ sum+88(FP), $1
	JEQ  accumulate
	STORE(1, Z8, Z9)
	STORE(2, Z10, Z11)
	STORE(3, Z12, Z13)
	STORE(4, Z14, Z15)
	STORE(5, Z16, Z17)
	STORE(6, Z18, Z19)
	STORE(7, Z20, Z21)
	STORE(8, Z22, Z23)
	STORE(9, Z24, Z25)
	STORE(10, Z26, Z27)
	STORE(11, Z28, Z29)
	STORE(12, Z30, Z31)

accumulate:
	ADDROW(1, Z8, Z9)
	ADDROW(2, Z10, Z11)
	ADDROW(3, Z12, Z13)
	ADDROW(4, Z14, Z15)
	ADDROW(5, Z16, Z17)
	ADDROW(6, Z18, Z19)
	ADDROW(7, Z20, Z21)
	ADDROW(8, Z22, Z23)
	ADDROW(9, Z24, Z25)
	ADDROW(10, Z26, Z27)
	ADDROW(11, Z28, Z29)
	ADDROW(12, Z30, Z31)

next:
	ADDQ $128, DI
	ADDQ $128, b+40(FP)
	SUBQ $32, cols+72(FP)
	JGT  panel
	VZEROUPPER
	RET
