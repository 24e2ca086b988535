//go:build !noasm

#include "textflag.h"
#include "gemmabavx512_amd64.h"

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
