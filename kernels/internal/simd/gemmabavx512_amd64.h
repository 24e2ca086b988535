// A tile of up to 12 rows and 32 columns, both operands where they are. Row i of the
// tile is Z(8+2i), Z(9+2i); B's columns are Z0, Z1; A is broadcast to Z2 to Z5. Rows 0
// to 2 of A are at SI, 3 to 5 at BX, 6 to 8 at R13, 9 to 11 at AX, R11 apart; the next
// inner index of A is R12 further, that of B, at DX, R10. There is a loop for each
// height, so that rows that are not there cost nothing, and three of each: for an A stored
// by rows, for one stored by columns, and for what is left.

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
