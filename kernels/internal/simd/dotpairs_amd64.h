// Blocks of 32 in pairs, side by side: Y12 has 16 bytes of codes of the first block
// in its lower half and of the second in its upper one, and so has every vector
// that comes of it. Y13 gets the halves of 16 bits with which the blocks begin as
// floats: scales in even lanes and minima, or nothing of use, in odd ones. The
// last block of an odd number stands beside zeros.

#define LOAD_PAIR(size, codes) \
	VMOVDQU      codes(SI), X12               \
	VINSERTI128  $1, size+codes(SI), Y12, Y12 \
	VPBROADCASTD (SI), X13                    \
	VPBROADCASTD size(SI), X14                \
	VPBLENDD     $12, X14, X13, X13           \
	VCVTPH2PS    X13, Y13

#define LOAD_LAST(codes) \
	VMOVDQU   codes(SI), X12 \
	VMOVD     (SI), X13      \
	VPSHUFD   $0xa0, X13, X13 \
	VCVTPH2PS X13, Y13

// x comes in groups of 72 floats for two blocks: 32 for the lower halves of their
// bytes, 32 for the upper ones, and eight that hold sums of x.
#define GROUP 288
#define SUMS  256

// NIBBLE_PRODUCTS adds the products of the lower halves to Y15 and sets Y7 to those
// of the upper ones. Two sums keep chains of additions short: a register is free
// again only when the last of them is through.
#define NIBBLE_PRODUCTS \
	FROM_NIBBLES(Y12)     \
	MORE_PRODUCTS(0, Y15) \
	VPSRLD $4, Y12, Y12   \
	FROM_NIBBLES(Y12)     \
	PRODUCTS(128, Y7)

// SCALED and SHIFTED end a group: Y4 and Y6 += scales·products, Y5 += minima·sums.
#define SCALED(upper) \
	VMOVSLDUP   Y13, Y14      \
	VFMADD231PS Y14, Y15, Y4  \
	VFMADD231PS Y14, upper, Y6

#define SHIFTED(upper) \
	VFMADD231PS SUMS(DX), Y13, Y5 \
	SCALED(upper)

// ROWS_OF_PAIRS runs the kernel: TWO does a group of two blocks, ONE the last one.
#define ROWS_OF_PAIRS(size, TWO, ONE) \
	MOVQ R11, BX       \
	ANDQ $1, BX        \
	SHRQ $1, R11       \
row:                       \
	ROW_BEGIN          \
	TESTQ CX, CX       \
	JZ    last         \
pair:                      \
	PREFETCHT0 AHEAD(SI) \
	TWO                \
	ADDQ $(2*size), SI \
	ADDQ $GROUP, DX    \
	DECQ CX            \
	JNZ  pair          \
last:                      \
	TESTQ BX, BX       \
	JZ    done         \
	ONE                \
	ADDQ $size, SI     \
done:                      \
	VXORPS Y7, Y7, Y7  \
	ROW_END            \
	JNZ row            \
	VZEROUPPER         \
	RET
