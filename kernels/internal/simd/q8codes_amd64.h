// Codes and scales of weights in blocks. R9 points to q8Table, whose first row Y15 holds:
// bytes of 15 and of 16; for fifth bits the byte of each element, of the lower and the
// upper halves of two blocks and of one block, and its bit; bits 4 and 5 of each byte;
// bytes of 128; words of 1.
#define SIXTEEN  32(R9)
#define SPREAD0  64(R9)
#define SPREAD1  96(R9)
#define SPREAD   128(R9)
#define EACH_BIT 160(R9)
#define UPPER    192(R9)
#define TOP_BITS 224(R9)
#define ONES     256(R9)

// HALVES sets Y0 and Y1 to the lower and the upper halves of the bytes of Y0.
#define HALVES \
	VPSRLW $4, Y0, Y1   \
	VPAND  Y15, Y0, Y0  \
	VPAND  Y15, Y1, Y1

// FIFTHS adds 16 to the bytes of w whose bit in Y7 is set.
#define FIFTHS(spread, w) \
	VPSHUFB  spread, Y7, Y2   \
	VPAND    EACH_BIT, Y2, Y2 \
	VPCMPEQB EACH_BIT, Y2, Y2 \
	VPAND    SIXTEEN, Y2, Y2  \
	VPOR     Y2, w, w

// K_SCALES unpacks the eight 6-bit scales of a block of 256 (tensor's kScales) in the
// general registers, four at a time, and sets Y3 to d times them; K_MINIMA, after it, does
// so for minima. They use AX, BX, R12, R13, Y0 and Y1.
#define K_SCALES \
	VPBROADCASTD (SI), X0         \
	VCVTPH2PS    X0, Y0           \
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
	VMOVQ        AX, X3           \
	VPMOVZXBD    X3, Y3           \
	VCVTDQ2PS    Y3, Y3           \
	VMOVSLDUP    Y0, Y1           \
	VMULPS       Y1, Y3, Y3

#define K_MINIMA \
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
	VMOVQ        AX, X3           \
	VPMOVZXBD    X3, Y3           \
	VCVTDQ2PS    Y3, Y3           \
	VMOVSHDUP    Y0, Y0           \
	VMULPS       Y0, Y3, Y3

// K_FIFTHS adds 16 to the bytes of w whose bit in Y7 SHIFT by n moves to bit 4.
#define K_FIFTHS(SHIFT, n, w) \
	SHIFT  $n, Y7, Y2     \
	VPAND  SIXTEEN, Y2, Y2 \
	VPOR   Y2, w, w

// SIXTHS adds to the bytes of w the two bits of Y7 that SHIFT by n moves to bits 4 and 5.
#define SIXTHS(SHIFT, n, w) \
	SHIFT  $n, Y7, Y2    \
	VPAND  UPPER, Y2, Y2 \
	VPOR   Y2, w, w

// SIX_SCALES sets Y0 and Y1 to the 16 scales of a block of Q6_K.
#define SIX_SCALES \
	VPMOVSXBD    192(SI), Y0 \
	VPMOVSXBD    200(SI), Y1 \
	VPBROADCASTW 208(SI), X2 \
	VCVTPH2PS    X2, Y2      \
	VCVTDQ2PS    Y0, Y0      \
	VCVTDQ2PS    Y1, Y1      \
	VMULPS       Y2, Y0, Y0  \
	VMULPS       Y2, Y1, Y1
