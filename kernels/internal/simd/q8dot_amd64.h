// Kernels of weights in blocks by a vector rounded to 8 bits, each of them
//
//	func q8…(y *float32, x, src *byte, rows, blocks int)
//
// which does y[i] += Σ_p x[p]·w[i,p] for i < rows of blocks, one after the other from
// src on. x, at DX, is laid out for the type by q8Vector.arrange and read again for each
// row. Products of a block are summed in integers, by DOT and its like, which come from
// the file that includes this; only then are they floats, and scaled. A row's sums gather
// in Y4, of even blocks or of pairs, in Y6, of odd ones, and in Y5, of minima.
//
// Eight lanes are as wide as two blocks of 16 bytes of codes, or one of 32, and the work
// that is done once a block runs on three ports, where vectors of 16 lanes have two: they
// were no faster.

// Weights are gone along in one run, and fetched so far ahead, beyond the last row
// without harm.
#define AHEAD 1536

#define ROWS_BEGIN \
	MOVQ y+0(FP), DI       \
	MOVQ x+8(FP), R8       \
	MOVQ src+16(FP), SI    \
	MOVQ rows+24(FP), R10  \
	MOVQ blocks+32(FP), R11 \
	LEAQ ·q8Table(SB), R9  \
	VMOVDQU (R9), Y15      \
	CONSTANTS

#define ROW_BEGIN \
	MOVQ   R8, DX     \
	MOVQ   R11, CX    \
	VXORPS Y4, Y4, Y4 \
	VXORPS Y5, Y5, Y5 \
	VXORPS Y6, Y6, Y6

// ROW_END adds (Y4+Y5)+Y6, the lanes of that pairwise, to y[i] and goes to the next row.
// The flags are those of rows left.
#define ROW_END \
	VADDPS       Y5, Y4, Y4 \
	VADDPS       Y6, Y4, Y4 \
	VEXTRACTF128 $1, Y4, X0 \
	VADDPS       X0, X4, X4 \
	VHADDPS      X4, X4, X4 \
	VHADDPS      X4, X4, X4 \
	VADDSS       (DI), X4, X4 \
	VMOVSS       X4, (DI)   \
	ADDQ         $4, DI     \
	DECQ         R10

// Blocks of 32 with codes of 4 or 5 bits, two side by side. x comes in groups of 128
// bytes for two blocks: the bytes of elements 0 to 15 of both, of 16 to 31 of both; for
// each block two lanes of its scale and its scaled sum, in turn; and the integers that
// sums of products begin with.
#define PAIR 128

// LOAD_PAIR sets Y0 to the codes of two blocks and Y3 to what their first two halves of 16
// bits, a scale and a minimum or nothing of use, are times the lanes of x. LOAD_LAST does
// so for one block, beside zeros.
#define LOAD_PAIR(size, codes) \
	VMOVDQU      codes(SI), X0              \
	VINSERTI128  $1, size+codes(SI), Y0, Y0 \
	VPBROADCASTD (SI), X3                   \
	VPBROADCASTD size(SI), X2               \
	VPBLENDD     $12, X2, X3, X3            \
	VCVTPH2PS    X3, Y3                     \
	VMULPS       64(DX), Y3, Y3

#define LOAD_LAST(codes) \
	VMOVDQU   codes(SI), X0  \
	VMOVD     (SI), X3       \
	VPSHUFD   $0xa0, X3, X3  \
	VCVTPH2PS X3, Y3         \
	VMULPS    64(DX), Y3, Y3

// FIFTHS_OF_PAIR and FIFTHS_OF_LAST put the fifth bits of each block into all words of
// its half of Y7.
#define FIFTHS_OF_PAIR(size, at) \
	VPBROADCASTD at(SI), Y7       \
	VPBROADCASTD size+at(SI), Y2  \
	VPBLENDD     $0xf0, Y2, Y7, Y7

#define FIFTHS_OF_LAST(at) \
	VPBROADCASTD at(SI), X7

#define HALVES_AND_FIFTHS \
	HALVES              \
	FIFTHS(SPREAD0, Y0) \
	FIFTHS(SPREAD1, Y1)

// SCALED adds the products of Y0 and Y1 times the scales, SHIFTED minima times sums too:
// they stand in odd lanes of Y3, and what stands in the others is left out in the end.
#define SCALED \
	VMOVDQU     96(DX), Y2            \
	DOTS(0(DX), Y0, 32(DX), Y1, Y2)   \
	VCVTDQ2PS   Y2, Y2                \
	VMOVSLDUP   Y3, Y3                \
	VFMADD231PS Y3, Y2, Y4

#define SHIFTED \
	VADDPS Y3, Y5, Y5 \
	SCALED

#define NO_MINIMA

#define MINIMA \
	VXORPS   Y0, Y0, Y0         \
	VBLENDPS $0x22, Y5, Y0, Y5

// ROWS_OF_PAIRS runs a kernel: TWO does a group of two blocks, ONE the last one, END
// what is to be done after a row.
#define ROWS_OF_PAIRS(size, TWO, ONE, END) \
	ROWS_BEGIN             \
	MOVQ  R11, BX          \
	ANDQ  $1, BX           \
	SHRQ  $1, R11          \
row:                           \
	ROW_BEGIN              \
	TESTQ CX, CX           \
	JZ    last             \
pair:                          \
	PREFETCHT0 AHEAD(SI)   \
	TWO                    \
	ADDQ  $(2*size), SI    \
	ADDQ  $PAIR, DX        \
	DECQ  CX               \
	JNZ   pair             \
last:                          \
	TESTQ BX, BX           \
	JZ    done             \
	ONE                    \
	ADDQ  $size, SI        \
done:                          \
	END                    \
	ROW_END                \
	JNZ   row              \
	VZEROUPPER             \
	RET

#define Q40_TWO \
	LOAD_PAIR(18, 2) \
	HALVES           \
	SCALED

#define Q40_ONE \
	LOAD_LAST(2) \
	HALVES       \
	SCALED

#define Q41_TWO \
	LOAD_PAIR(20, 4) \
	HALVES           \
	SHIFTED

#define Q41_ONE \
	LOAD_LAST(4) \
	HALVES       \
	SHIFTED

#define Q50_TWO \
	LOAD_PAIR(22, 6)      \
	FIFTHS_OF_PAIR(22, 2) \
	HALVES_AND_FIFTHS     \
	SCALED

#define Q50_ONE \
	LOAD_LAST(6)      \
	FIFTHS_OF_LAST(2) \
	HALVES_AND_FIFTHS \
	SCALED

#define Q51_TWO \
	LOAD_PAIR(24, 8)      \
	FIFTHS_OF_PAIR(24, 4) \
	HALVES_AND_FIFTHS     \
	SHIFTED

#define Q51_ONE \
	LOAD_LAST(8)      \
	FIFTHS_OF_LAST(4) \
	HALVES_AND_FIFTHS \
	SHIFTED

// Blocks of 32 signed bytes. x comes in groups of 160 bytes for two blocks: the bytes of
// both, the integers that their sums begin with, their scales.
#define Q80_BLOCK(off, at, scale, sum) \
	VMOVDQU      off+2(SI), Y0          \
	DOT_SIGNED(at(DX), at+64(DX), Y0, Y2) \
	VCVTDQ2PS    Y2, Y2                 \
	VPBROADCASTW off(SI), X3            \
	VCVTPH2PS    X3, Y3                 \
	VBROADCASTSS scale(DX), Y1          \
	VMULPS       Y1, Y3, Y3             \
	VFMADD231PS  Y3, Y2, sum

#define Q80 \
	ROWS_BEGIN           \
	MOVQ  R11, BX        \
	ANDQ  $1, BX         \
	SHRQ  $1, R11        \
row:                         \
	ROW_BEGIN            \
	TESTQ CX, CX         \
	JZ    last           \
pair:                        \
	PREFETCHT0 AHEAD(SI) \
	Q80_BLOCK(0, 0, 128, Y4)   \
	Q80_BLOCK(34, 32, 132, Y6) \
	ADDQ  $68, SI        \
	ADDQ  $160, DX       \
	DECQ  CX             \
	JNZ   pair           \
last:                        \
	TESTQ BX, BX         \
	JZ    done           \
	Q80_BLOCK(0, 0, 128, Y4) \
	ADDQ  $34, SI        \
done:                        \
	ROW_END              \
	JNZ   row            \
	VZEROUPPER           \
	RET

// K_PART multiplies the codes of w, 32 elements at x, and the scale in the frame.
#define K_PART(x, w, scale, sum) \
	DOT_ZERO(x(DX), w, Y2)         \
	VCVTDQ2PS    Y2, Y2            \
	VBROADCASTSS scale(SP), Y3     \
	VFMADD231PS  Y3, Y2, sum

// Q4K_RUN does run i of 64 elements: the lower halves of 32 bytes, then the upper ones.
// Q5K_RUN has their fifth bits in bits 2i and 2i+1 of the bytes of Y7, which the shifts
// move to bit 4.
#define Q4K_RUN(i) \
	VMOVDQU 16+32*i(SI), Y0           \
	HALVES                            \
	K_PART(64*i, Y0, 8*i, Y4)         \
	K_PART(64*i+32, Y1, 8*i+4, Y6)

#define Q5K_RUN(i, SHIFT0, n0, SHIFT1, n1) \
	VMOVDQU 48+32*i(SI), Y0           \
	HALVES                            \
	K_FIFTHS(SHIFT0, n0, Y0)          \
	K_FIFTHS(SHIFT1, n1, Y1)          \
	K_PART(64*i, Y0, 8*i, Y4)         \
	K_PART(64*i+32, Y1, 8*i+4, Y6)

// x of a block of 256 with minima: its bytes, eight scales, and eight scaled sums with
// their signs changed.
#define ROWS_OF_K(size, group, BLOCK) \
	ROWS_BEGIN            \
row:                          \
	ROW_BEGIN             \
block:                        \
	PREFETCHT0 AHEAD(SI)  \
	PREFETCHT0 AHEAD+64(SI) \
	PREFETCHT0 AHEAD+128(SI) \
	BLOCK                 \
	ADDQ  $size, SI       \
	ADDQ  $group, DX      \
	DECQ  CX              \
	JNZ   block           \
	ROW_END               \
	JNZ   row             \
	VZEROUPPER            \
	RET

// K_LANES leaves scales of both sides in the frame, and adds minima times sums.
#define K_LANES \
	K_SCALES                     \
	VMULPS      256(DX), Y3, Y3  \
	VMOVUPS     Y3, (SP)         \
	K_MINIMA                     \
	VFMADD231PS 288(DX), Y3, Y5

#define Q4K_BLOCK \
	K_LANES                    \
	Q4K_RUN(0)                 \
	Q4K_RUN(1)                 \
	Q4K_RUN(2)                 \
	Q4K_RUN(3)

#define Q5K_BLOCK \
	K_LANES                       \
	VMOVDQU 16(SI), Y7            \
	Q5K_RUN(0, VPSLLW, 4, VPSLLW, 3) \
	Q5K_RUN(1, VPSLLW, 2, VPSLLW, 1) \
	Q5K_RUN(2, VPSRLW, 0, VPSRLW, 1) \
	Q5K_RUN(3, VPSRLW, 2, VPSRLW, 3)

// Q6K_PART multiplies 32 elements: the bytes of w, 4 bits each, with the two bits of Y7
// that SHIFT by n moves to bits 4 and 5. A scale is for 16 elements, four lanes. x of a
// block of 256: its bytes, the integers that the sums of each 32 begin with, and the
// scales of each 32, twice.
#define Q6K_PART(SHIFT, n, g, w, sum) \
	SIXTHS(SHIFT, n, w)                   \
	VMOVDQU      256+32*(g)(DX), Y2       \
	DOT(32*(g)(DX), w, Y2)                \
	VCVTDQ2PS    Y2, Y2                   \
	VBROADCASTSS 8*(g)(SP), Y3            \
	VBROADCASTSS 8*(g)+4(SP), w           \
	VBLENDPS     $0xf0, w, Y3, Y3         \
	VFMADD231PS  Y3, Y2, sum

#define Q6K_HALF(h) \
	VMOVDQU 128+32*h(SI), Y7           \
	VMOVDQU 64*h(SI), Y0               \
	HALVES                             \
	Q6K_PART(VPSLLW, 4, 4*h, Y0, Y4)   \
	Q6K_PART(VPSRLW, 0, 4*h+2, Y1, Y4) \
	VMOVDQU 64*h+32(SI), Y0            \
	HALVES                             \
	Q6K_PART(VPSLLW, 2, 4*h+1, Y0, Y6) \
	Q6K_PART(VPSRLW, 2, 4*h+3, Y1, Y6)

#define Q6K_BLOCK \
	SIX_SCALES                   \
	VMULPS       512(DX), Y0, Y0 \
	VMULPS       544(DX), Y1, Y1 \
	VMOVUPS      Y0, (SP)        \
	VMOVUPS      Y1, 32(SP)      \
	Q6K_HALF(0)                  \
	Q6K_HALF(1)
