//go:build !noasm

#include "textflag.h"
#include "clearavx512_amd64.h"

// A tile is 8 rows by three vectors of 16 lanes: row i is Z(8+3i), Z(9+3i), Z(10+3i).
// Its 24 sums cover the latency of a fused product three times over, and 11 loads
// feed 24 of them. Rows of lanes are 48 floats. SI points to row 0 of what is
// broadcast, R8 to R14 are how far behind it rows 1 to 7 begin, DX points to the
// lanes of a step. Vectors that see nothing are the first ones: they are left out.

// FOLLOW: row n begins step bytes behind the one before it, or where that begins if
// there are no more than n rows, whose number is in R15.
#define FOLLOW(n, step, before, row) \
	LEAQ    (before)(step*1), row \
	CMPQ    R15, $n               \
	CMOVQLE before, row

// ROWS sets R8 to R14 for R15 rows, or 8 if there are more, AX bytes apart.
#define ROWS \
	XORQ R8, R8 \
	CMPQ R15, $1 \
	CMOVQGT AX, R8 \
	FOLLOW(2, AX, R8, R9) \
	FOLLOW(3, AX, R9, R10) \
	FOLLOW(4, AX, R10, R11) \
	FOLLOW(5, AX, R11, R12) \
	FOLLOW(6, AX, R12, R13) \
	FOLLOW(7, AX, R13, R14)

#define ROW3(at, a, x, y, z) \
	VBROADCASTSS at, a   \
	VFMADD231PS Z0, a, x \
	VFMADD231PS Z1, a, y \
	VFMADD231PS Z2, a, z

#define ROW2(at, a, y, z) \
	VBROADCASTSS at, a   \
	VFMADD231PS Z1, a, y \
	VFMADD231PS Z2, a, z

#define ROW1(at, a, z) \
	VFMADD231PS.BCST at, Z2, z

// STEP3, STEP2 and STEP1 add one product to all vectors, to the last two or to the
// last one.
#define STEP3(aoff, boff) \
	VMOVUPS boff(DX), Z0     \
	VMOVUPS boff+64(DX), Z1  \
	VMOVUPS boff+128(DX), Z2 \
	ROW3(aoff(SI), Z3, Z8, Z9, Z10)           \
	ROW3(aoff(SI)(R8*1), Z4, Z11, Z12, Z13)   \
	ROW3(aoff(SI)(R9*1), Z3, Z14, Z15, Z16)   \
	ROW3(aoff(SI)(R10*1), Z4, Z17, Z18, Z19)  \
	ROW3(aoff(SI)(R11*1), Z3, Z20, Z21, Z22)  \
	ROW3(aoff(SI)(R12*1), Z4, Z23, Z24, Z25)  \
	ROW3(aoff(SI)(R13*1), Z3, Z26, Z27, Z28)  \
	ROW3(aoff(SI)(R14*1), Z4, Z29, Z30, Z31)

#define STEP2(aoff, boff) \
	VMOVUPS boff+64(DX), Z1  \
	VMOVUPS boff+128(DX), Z2 \
	ROW2(aoff(SI), Z3, Z9, Z10)           \
	ROW2(aoff(SI)(R8*1), Z4, Z12, Z13)    \
	ROW2(aoff(SI)(R9*1), Z3, Z15, Z16)    \
	ROW2(aoff(SI)(R10*1), Z4, Z18, Z19)   \
	ROW2(aoff(SI)(R11*1), Z3, Z21, Z22)   \
	ROW2(aoff(SI)(R12*1), Z4, Z24, Z25)   \
	ROW2(aoff(SI)(R13*1), Z3, Z27, Z28)   \
	ROW2(aoff(SI)(R14*1), Z4, Z30, Z31)

#define STEP1(aoff, boff) \
	VMOVUPS boff+128(DX), Z2 \
	ROW1(aoff(SI), Z3, Z10)           \
	ROW1(aoff(SI)(R8*1), Z4, Z13)     \
	ROW1(aoff(SI)(R9*1), Z3, Z16)     \
	ROW1(aoff(SI)(R10*1), Z4, Z19)    \
	ROW1(aoff(SI)(R11*1), Z3, Z22)    \
	ROW1(aoff(SI)(R12*1), Z4, Z25)    \
	ROW1(aoff(SI)(R13*1), Z3, Z28)    \
	ROW1(aoff(SI)(R14*1), Z4, Z31)

// PUT3, PUT2 and PUT1 store a row and go to the label done after the last of R15
// rows.
#define PUT3(x, y, z) \
	VMOVUPS x, (DI)    \
	VMOVUPS y, 64(DI)  \
	VMOVUPS z, 128(DI) \
	ADDQ $192, DI      \
	DECQ R15           \
	JZ   done

#define PUT2(y, z) \
	VMOVUPS y, 64(DI)  \
	VMOVUPS z, 128(DI) \
	ADDQ $192, DI      \
	DECQ R15           \
	JZ   done

#define PUT1(z) \
	VMOVUPS z, 128(DI) \
	ADDQ $192, DI      \
	DECQ R15           \
	JZ   done

// SCORES is a tile of scores and all after it: keys at BX, R15 of them left.
#define SCORES(tile, loop, tail, one, write, step) \
tile:              \
	ROWS           \
	MOVQ BX, SI    \
	MOVQ q+8(FP), DX \
	MOVQ k+16(FP), CX \
	CLEAR_TILE     \
	SUBQ $4, CX    \
	JLT  tail      \
loop:              \
	step(0, 0)     \
	step(4, 192)   \
	step(8, 384)   \
	step(12, 576)  \
	ADDQ $16, SI   \
	ADDQ $768, DX  \
	SUBQ $4, CX    \
	JGE  loop      \
tail:              \
	ADDQ $4, CX    \
	JZ   write     \
one:               \
	step(0, 0)     \
	ADDQ $4, SI    \
	ADDQ $192, DX  \
	DECQ CX        \
	JNZ  one       \
write:             \
	LEAQ (BX)(AX*8), BX

// func laneScoresAVX512(s, q *float32, k int, keys *float32, stride, n, first int)
//
// s[48i+16u+l] = Σ_p keys[i·stride+p]·q[48p+16u+l]   first ≤ u < 3
TEXT ·laneScoresAVX512(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), DI
	MOVQ keys+24(FP), BX
	MOVQ stride+32(FP), AX
	MOVQ n+40(FP), R15
	MOVQ first+48(FP), CX
	SHLQ $2, AX
	CMPQ CX, $1
	JEQ  tile2
	JGT  tile1

	SCORES(tile3, loop3, tail3, one3, write3, STEP3)
	PUT3(Z8, Z9, Z10)
	PUT3(Z11, Z12, Z13)
	PUT3(Z14, Z15, Z16)
	PUT3(Z17, Z18, Z19)
	PUT3(Z20, Z21, Z22)
	PUT3(Z23, Z24, Z25)
	PUT3(Z26, Z27, Z28)
	PUT3(Z29, Z30, Z31)
	JMP  tile3

	SCORES(tile2, loop2, tail2, one2, write2, STEP2)
	PUT2(Z9, Z10)
	PUT2(Z12, Z13)
	PUT2(Z15, Z16)
	PUT2(Z18, Z19)
	PUT2(Z21, Z22)
	PUT2(Z24, Z25)
	PUT2(Z27, Z28)
	PUT2(Z30, Z31)
	JMP  tile2

	SCORES(tile1, loop1, tail1, one1, write1, STEP1)
	PUT1(Z10)
	PUT1(Z13)
	PUT1(Z16)
	PUT1(Z19)
	PUT1(Z22)
	PUT1(Z25)
	PUT1(Z28)
	PUT1(Z31)
	JMP  tile1

done:
	VZEROUPPER
	RET

// SEEN turns Z5, Z6, Z7, the number of the key less how many each lane sees, into
// K1, K2, K3: lanes that see the key. The next key follows. Z4 is -1.
#define SEEN1 \
	VPMOVD2M Z7, K3 \
	VPSUBD Z4, Z7, Z7

#define SEEN2 \
	VPMOVD2M Z6, K2 \
	VPSUBD Z4, Z6, Z6 \
	SEEN1

#define SEEN3 \
	VPMOVD2M Z5, K1 \
	VPSUBD Z4, Z5, Z5 \
	SEEN2

#define MASKED3(at, x, y, z) \
	VBROADCASTSS at, Z3       \
	VFMADD231PS Z0, Z3, K1, x \
	VFMADD231PS Z1, Z3, K2, y \
	VFMADD231PS Z2, Z3, K3, z

#define MASKED2(at, y, z) \
	VBROADCASTSS at, Z3       \
	VFMADD231PS Z1, Z3, K2, y \
	VFMADD231PS Z2, Z3, K3, z

#define MASKED1(at, z) \
	VFMADD231PS.BCST at, Z2, K3, z

#define EDGE3 \
	SEEN3 \
	VMOVUPS (DX), Z0         \
	VMOVUPS 64(DX), Z1       \
	VMOVUPS 128(DX), Z2      \
	MASKED3((SI), Z8, Z9, Z10)           \
	MASKED3((SI)(R8*1), Z11, Z12, Z13)   \
	MASKED3((SI)(R9*1), Z14, Z15, Z16)   \
	MASKED3((SI)(R10*1), Z17, Z18, Z19)  \
	MASKED3((SI)(R11*1), Z20, Z21, Z22)  \
	MASKED3((SI)(R12*1), Z23, Z24, Z25)  \
	MASKED3((SI)(R13*1), Z26, Z27, Z28)  \
	MASKED3((SI)(R14*1), Z29, Z30, Z31)

#define EDGE2 \
	SEEN2 \
	VMOVUPS 64(DX), Z1       \
	VMOVUPS 128(DX), Z2      \
	MASKED2((SI), Z9, Z10)           \
	MASKED2((SI)(R8*1), Z12, Z13)    \
	MASKED2((SI)(R9*1), Z15, Z16)    \
	MASKED2((SI)(R10*1), Z18, Z19)   \
	MASKED2((SI)(R11*1), Z21, Z22)   \
	MASKED2((SI)(R12*1), Z24, Z25)   \
	MASKED2((SI)(R13*1), Z27, Z28)   \
	MASKED2((SI)(R14*1), Z30, Z31)

#define EDGE1 \
	SEEN1 \
	VMOVUPS 128(DX), Z2      \
	MASKED1((SI), Z10)           \
	MASKED1((SI)(R8*1), Z13)     \
	MASKED1((SI)(R9*1), Z16)     \
	MASKED1((SI)(R10*1), Z19)    \
	MASKED1((SI)(R11*1), Z22)    \
	MASKED1((SI)(R12*1), Z25)    \
	MASKED1((SI)(R13*1), Z28)    \
	MASKED1((SI)(R14*1), Z31)

// RUN does CX steps, BX bytes apart.
#define RUN(loop, rest, one, end, step) \
	SUBQ $4, CX    \
	JLT  rest      \
loop:              \
	step(0, 0)     \
	ADDQ BX, SI    \
	step(0, 192)   \
	ADDQ BX, SI    \
	step(0, 384)   \
	ADDQ BX, SI    \
	step(0, 576)   \
	ADDQ BX, SI    \
	ADDQ $768, DX  \
	SUBQ $4, CX    \
	JGE  loop      \
rest:              \
	ADDQ $4, CX    \
	JZ   end       \
one:               \
	step(0, 0)     \
	ADDQ BX, SI    \
	ADDQ $192, DX  \
	DECQ CX        \
	JNZ  one       \
end:

// EDGE does CX steps in which not every lane sees the key.
#define EDGE(loop, end, step) \
	TESTQ CX, CX   \
	JZ   end       \
loop:              \
	step           \
	ADDQ BX, SI    \
	ADDQ $192, DX  \
	DECQ CX        \
	JNZ  loop      \
end:

// SET and GROW write a row of sums, the latter with shrink times what stood there.
#define SET(x, y, z) \
	VMOVUPS x, K1, (DI)    \
	VMOVUPS y, K2, 64(DI)  \
	VMOVUPS z, K3, 128(DI) \
	ADDQ $192, DI      \
	DECQ R15           \
	JZ   done

#define GROW(x, y, z) \
	VFMADD231PS (DI), Z0, K1, x    \
	VFMADD231PS 64(DI), Z1, K2, y  \
	VFMADD231PS 128(DI), Z2, K3, z \
	SET(x, y, z)

// func laneValuesAVX512(o, p, values *float32, stride, panel, width int, runs *laneRuns, shrink *float32)
//
// o[48d+j] = shrink[j]·o[48d+j] + Σ_i values[d/8·panel+i·stride+d%8]·p[48i+j]
TEXT ·laneValuesAVX512(SB), NOSPLIT, $0-64
	MOVQ o+0(FP), DI
	MOVQ stride+24(FP), BX
	MOVQ width+40(FP), R15
	SHLQ $2, BX
	SHLQ $2, panel+32(FP)
	MOVL $4, AX

tile:
	ROWS
	CLEAR_TILE
	MOVQ p+8(FP), DX
	MOVQ values+16(FP), SI
	MOVQ panel+32(FP), CX
	ADDQ CX, values+16(FP)
	MOVQ runs+48(FP), CX
	VPTERNLOGD $0xff, Z4, Z4, Z4
	VPBROADCASTD 4(CX), Z3
	VMOVDQU32 ·laneNumbers(SB), Z2
	VPADDD.BCST 20(CX), Z2, Z5
	VPADDD.BCST 24(CX), Z2, Z6
	VPADDD.BCST 28(CX), Z2, Z7
	VPSUBD Z5, Z3, Z5
	VPSUBD Z6, Z3, Z6
	VPSUBD Z7, Z3, Z7
	MOVL (CX), AX
	MOVLQSX 4(CX), CX
	CMPL AX, $1
	JEQ  run2
	JGT  run1
	RUN(loop3, rest3, one3, end3, STEP3)
	VPTERNLOGD $0xff, Z4, Z4, Z4
	MOVQ runs+48(FP), AX
	MOVLQSX 8(AX), CX
	EDGE(edge3, seen3, EDGE3)
	JMP  from2

run2:
	RUN(loop2, rest2, one2, end2, STEP2)
	VPTERNLOGD $0xff, Z4, Z4, Z4
from2:
	MOVQ runs+48(FP), AX
	MOVLQSX 12(AX), CX
	EDGE(edge2, seen2, EDGE2)
	JMP  from1

run1:
	RUN(loop1, rest1, one1, end1, STEP1)
	VPTERNLOGD $0xff, Z4, Z4, Z4
from1:
	MOVQ runs+48(FP), AX
	MOVLQSX 16(AX), CX
	EDGE(edge1, seen1, EDGE1)

	// Lanes that see no key keep what they have.
	VMOVDQU32 ·laneNumbers(SB), Z2
	MOVQ runs+48(FP), CX
	VPXORD Z3, Z3, Z3
	VPADDD.BCST 20(CX), Z2, Z5
	VPADDD.BCST 24(CX), Z2, Z6
	VPADDD.BCST 28(CX), Z2, Z7
	VPCMPD $6, Z3, Z5, K1
	VPCMPD $6, Z3, Z6, K2
	VPCMPD $6, Z3, Z7, K3
	MOVL $4, AX
	MOVQ shrink+56(FP), CX
	TESTQ CX, CX
	JNZ  grow
	SET(Z8, Z9, Z10)
	SET(Z11, Z12, Z13)
	SET(Z14, Z15, Z16)
	SET(Z17, Z18, Z19)
	SET(Z20, Z21, Z22)
	SET(Z23, Z24, Z25)
	SET(Z26, Z27, Z28)
	SET(Z29, Z30, Z31)
	JMP  tile

grow:
	VMOVUPS (CX), Z0
	VMOVUPS 64(CX), Z1
	VMOVUPS 128(CX), Z2
	GROW(Z8, Z9, Z10)
	GROW(Z11, Z12, Z13)
	GROW(Z14, Z15, Z16)
	GROW(Z17, Z18, Z19)
	GROW(Z20, Z21, Z22)
	GROW(Z23, Z24, Z25)
	GROW(Z26, Z27, Z28)
	GROW(Z29, Z30, Z31)
	JMP  tile

done:
	VZEROUPPER
	RET

// func laneScaleAVX512(o *float32, width int, f *float32)
TEXT ·laneScaleAVX512(SB), NOSPLIT, $0-24
	MOVQ o+0(FP), DI
	MOVQ width+8(FP), CX
	MOVQ f+16(FP), SI
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2

row:
	VMULPS (DI), Z0, Z3
	VMULPS 64(DI), Z1, Z4
	VMULPS 128(DI), Z2, Z5
	VMOVUPS Z3, (DI)
	VMOVUPS Z4, 64(DI)
	VMOVUPS Z5, 128(DI)
	ADDQ $192, DI
	DECQ CX
	JNZ  row
	VZEROUPPER
	RET

// func laneDistancesAVX512(s *float32, n int, sees *int, slopes *float32)
//
// Z4 = 1, Z5 to Z7 the lanes' distances to the key.
TEXT ·laneDistancesAVX512(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), DI
	MOVQ n+8(FP), CX
	MOVQ sees+16(FP), SI
	MOVQ slopes+24(FP), DX
	VBROADCASTSS (DX), Z0
	VBROADCASTSS 4(DX), Z1
	VBROADCASTSS 8(DX), Z2
	VMOVDQU32 ·laneNumbers(SB), Z3
	MOVL $1, AX
	VPBROADCASTD AX, Z4
	VPADDD.BCST (SI), Z3, Z5
	VPADDD.BCST 8(SI), Z3, Z6
	VPADDD.BCST 16(SI), Z3, Z7
	VPSUBD Z5, Z4, Z5
	VPSUBD Z6, Z4, Z6
	VPSUBD Z7, Z4, Z7
	VCVTDQ2PS Z4, Z4
	VCVTDQ2PS Z5, Z5
	VCVTDQ2PS Z6, Z6
	VCVTDQ2PS Z7, Z7

row:
	VMOVUPS (DI), Z8
	VMOVUPS 64(DI), Z9
	VMOVUPS 128(DI), Z10
	VFMADD231PS Z0, Z5, Z8
	VFMADD231PS Z1, Z6, Z9
	VFMADD231PS Z2, Z7, Z10
	VADDPS Z4, Z5, Z5
	VADDPS Z4, Z6, Z6
	VADDPS Z4, Z7, Z7
	VMOVUPS Z8, (DI)
	VMOVUPS Z9, 64(DI)
	VMOVUPS Z10, 128(DI)
	ADDQ $192, DI
	DECQ CX
	JNZ  row
	VZEROUPPER
	RET

// func gather8AVX2(dst, src *float32, stride, panels, k int)
TEXT ·gather8AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ panels+24(FP), R10
	MOVQ k+32(FP), CX
	SHLQ $2, R9
	MOVQ CX, R8
	SHLQ $5, R8               // a panel

row8:
	MOVQ SI, BX
	MOVQ DI, DX
	MOVQ R10, AX

panel8:
	VMOVUPS (BX), Y0
	VMOVUPS Y0, (DX)
	ADDQ $32, BX
	ADDQ R8, DX
	DECQ AX
	JNZ  panel8
	ADDQ R9, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  row8
	VZEROUPPER
	RET

// func copyRowsAVX512(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)
//
// K1 has a bit for each of the last elements of a row.
TEXT ·copyRowsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ srcStride+24(FP), R9
	MOVQ rows+32(FP), R10
	MOVQ cols+40(FP), R11
	SHLQ $2, R8
	SHLQ $2, R9
	MOVQ R11, CX
	ANDQ $15, CX
	MOVL $-1, BX
	BZHIL CX, BX, BX
	KMOVW BX, K1
	SHLQ $2, R11
	ANDQ $~63, R11

row:
	XORQ AX, AX
	MOVQ R11, DX
	SUBQ $256, DX
	JLT  few

four:
	VMOVUPS (SI)(AX*1), Z0
	VMOVUPS 64(SI)(AX*1), Z1
	VMOVUPS 128(SI)(AX*1), Z2
	VMOVUPS 192(SI)(AX*1), Z3
	VMOVUPS Z0, (DI)(AX*1)
	VMOVUPS Z1, 64(DI)(AX*1)
	VMOVUPS Z2, 128(DI)(AX*1)
	VMOVUPS Z3, 192(DI)(AX*1)
	ADDQ $256, AX
	CMPQ AX, DX
	JLE  four

few:
	CMPQ AX, R11
	JGE  rest
	VMOVUPS (SI)(AX*1), Z0
	VMOVUPS Z0, (DI)(AX*1)
	ADDQ $64, AX
	JMP  few

rest:
	TESTQ CX, CX
	JZ   next
	VMOVUPS (SI)(AX*1), K1, Z0
	VMOVUPS Z0, K1, (DI)(AX*1)

next:
	ADDQ R9, SI
	ADDQ R8, DI
	DECQ R10
	JNZ  row
	VZEROUPPER
	RET
