//go:build !noasm

#include "textflag.h"
#include "dotrowsavx512_amd64.h"

// F32, BF16, F16 and Q8_0: 16 elements i of a run become floats in Z0 to Z3 and are
// multiplied with x as it stands. That takes three instructions of the two vector
// units at most, so memory is the limit.

#define ADD_F32(i, wide, sum) \
	VMOVUPS     64*i(SI), wide      \
	VFMADD231PS 64*i(DX), wide, sum

#define ADD_BF16(i, wide, sum) \
	VPMOVZXWD   32*i(SI), wide      \
	VPSLLD      $16, wide, wide     \
	VFMADD231PS 64*i(DX), wide, sum

#define ADD_F16(i, wide, sum) \
	VCVTPH2PS   32*i(SI), wide      \
	VFMADD231PS 64*i(DX), wide, sum

// ROWS_OF_FLOATS goes through each row 64 elements at a time, then 32 if that many
// are left; size is the bytes of 64.
#define ROWS_OF_FLOATS(ADD, size) \
	ROWS_BEGIN                  \
	MOVQ R11, BX                \
	ANDQ $1, BX                 \
	SHRQ $1, R11                \
row:                            \
	ROW_BEGIN                   \
	TESTQ CX, CX                \
	JZ    rest                  \
block:                          \
	PREFETCHT0 AHEAD(SI)        \
	PREFETCHT0 AHEAD+size/2(SI) \
	ADD(0, Z0, Z4)              \
	ADD(1, Z1, Z5)              \
	ADD(2, Z2, Z6)              \
	ADD(3, Z3, Z7)              \
	ADDQ $size, SI              \
	ADDQ $256, DX               \
	DECQ CX                     \
	JNZ  block                  \
rest:                           \
	TESTQ BX, BX                \
	JZ    done                  \
	ADD(0, Z0, Z4)              \
	ADD(1, Z1, Z5)              \
	ADDQ $(size/2), SI          \
done:                           \
	ROW_END                     \
	JNZ row                     \
	VZEROUPPER                  \
	RET

// func dotF32AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotF32AVX512(SB), NOSPLIT, $0-80
	ROWS_OF_FLOATS(ADD_F32, 256)

// func dotBF16AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotBF16AVX512(SB), NOSPLIT, $0-80
	ROWS_OF_FLOATS(ADD_BF16, 128)

// func dotF16AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotF16AVX512(SB), NOSPLIT, $0-80
	ROWS_OF_FLOATS(ADD_F16, 128)

// ADD_Q8 adds d·(Σ q·x) of a block to sum.
#define ADD_Q8(off, at, sum) \
	VPBROADCASTW off(SI), Y2        \
	VPMOVSXBD    off+2(SI), Z0      \
	VPMOVSXBD    off+18(SI), Z1     \
	VCVTDQ2PS    Z0, Z0             \
	VCVTDQ2PS    Z1, Z1             \
	VCVTPH2PS    Y2, Z2             \
	VMULPS       at(DX), Z0, Z0     \
	VFMADD231PS  at+64(DX), Z1, Z0  \
	VFMADD231PS  Z2, Z0, sum

// func dotQ80AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
TEXT ·dotQ80AVX512(SB), NOSPLIT, $0-80
	ROWS_BEGIN
	MOVQ R11, BX
	ANDQ $1, BX
	SHRQ $1, R11

row:
	ROW_BEGIN
	TESTQ CX, CX
	JZ    rest

pair:
	PREFETCHT0 AHEAD(SI)
	ADD_Q8(0, 0, Z4)
	ADD_Q8(34, 128, Z5)
	ADDQ $68, SI
	ADDQ $256, DX
	DECQ CX
	JNZ  pair

rest:
	TESTQ BX, BX
	JZ    done
	ADD_Q8(0, 0, Z4)
	ADDQ  $34, SI

done:
	ROW_END
	JNZ row
	VZEROUPPER
	RET
