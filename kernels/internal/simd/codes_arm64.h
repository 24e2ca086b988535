// Codes of block types as floats, for the kernels that widen weights and those that
// multiply rows. V28 to V31 place bytes 0 to 3, 4 to 7, ... of a register at the top of
// words, where they are numbers 2^24 times too large.

#define LOAD_PLACES \
	MOVD   $·codeTable(SB), R11                           \
	VLD1.P 64(R11), [V28.B16, V29.B16, V30.B16, V31.B16]

// FLOATS makes the 16 signed bytes of register n floats.
#define FLOATS(a, b, c, d, n) \
	TBL(a, n, 28)            \
	TBL(b, n, 29)            \
	TBL(c, n, 30)            \
	TBL(d, n, 31)            \
	SCVTF_FRACTION(a, a, 24) \
	SCVTF_FRACTION(b, b, 24) \
	SCVTF_FRACTION(c, c, 24) \
	SCVTF_FRACTION(d, d, 24)

// LOAD_HALF fills a register with the F16 at R2 as float and goes on behind it.
#define LOAD_HALF(v, n) \
	VLD1R.P 2(R2), [v.H8] \
	FCVTL(n, n)

// Blocks of 32: each macro puts the codes at R2 in V8 and V9, the scale in V10 and the
// minimum, if there is one, in V11. Their constants are V12: bytes of 15, V13: what an
// offset or a fifth bit is, V14: a bit for each byte, V15 and V27: which of four bytes.

#define NIBBLES \
	VLD1.P 16(R2), [V8.B16] \
	USHR_B(9, 8, 4)         \
	AND_B(8, 8, 12)

#define CODES_Q80 \
	LOAD_HALF(V10, 10)              \
	VLD1.P 32(R2), [V8.B16, V9.B16]

#define BEGIN_Q40 \
	VMOVI $15, V12.B16 \
	VMOVI $8, V13.B16

#define CODES_Q40 \
	LOAD_HALF(V10, 10) \
	NIBBLES            \
	SUB_B(8, 8, 13)    \
	SUB_B(9, 9, 13)

#define BEGIN_Q41 \
	VMOVI $15, V12.B16

#define CODES_Q41 \
	LOAD_HALF(V10, 10) \
	LOAD_HALF(V11, 11) \
	NIBBLES

#define LOAD_FIFTHS \
	VLD1   (R11), [V13.B16, V14.B16, V15.B16] \
	VORR   V13.B16, V13.B16, V27.B16          \
	VMOVI  $15, V12.B16

// V0 and V1 become ones where the 32 bits at R2 are set.
#define FIFTHS \
	VLD1R.P 4(R2), [V1.S4] \
	TBL(0, 1, 15)          \
	TBL(1, 1, 27)          \
	CMTST_B(0, 0, 14)      \
	CMTST_B(1, 1, 14)

// A code with its fifth bit is 16 more than one without: less 16, a byte with 0xf0.
#define BEGIN_Q50 \
	LOAD_FIFTHS         \
	VMOVI $0xf0, V13.B16

#define CODES_Q50 \
	LOAD_HALF(V10, 10) \
	FIFTHS             \
	NIBBLES            \
	BIC_B(0, 13, 0)      \
	BIC_B(1, 13, 1)      \
	ORR_B(8, 8, 0)       \
	ORR_B(9, 9, 1)

#define BEGIN_Q51 \
	LOAD_FIFTHS        \
	VMOVI $16, V13.B16

#define CODES_Q51 \
	LOAD_HALF(V10, 10) \
	LOAD_HALF(V11, 11) \
	FIFTHS             \
	NIBBLES            \
	AND_B(0, 13, 0)      \
	AND_B(1, 13, 1)      \
	ORR_B(8, 8, 0)       \
	ORR_B(9, 9, 1)

// Blocks of 256. K_SCALES unpacks scales and minima (tensor's kScales) of the block at
// R2 and goes on behind them: d·scales are in V10 and V11, dmin·minima in V16 and V17.
#define K_SCALES \
	LOAD_HALF(V10, 10)        \
	LOAD_HALF(V16, 16)        \
	MOVWU.P 4(R2), R8         \
	MOVWU.P 4(R2), R9         \
	MOVWU.P 4(R2), R10        \
	K_SIXES(R8, R10)          \
	LSR     $4, R10           \
	K_SIXES(R9, R10)          \
	VMOV    R8, V18.D[0]      \
	VMOV    R9, V19.D[0]      \
	UXTL(18, 18)              \
	UXTL(19, 19)              \
	SXTL2_H(20, 18)           \
	SXTL_H(18, 18)            \
	SXTL2_H(21, 19)           \
	SXTL_H(19, 19)            \
	SCVTF(18, 18)             \
	SCVTF(20, 20)             \
	SCVTF(19, 19)             \
	SCVTF(21, 21)             \
	FMUL(11, 20, 10)          \
	FMUL(10, 18, 10)          \
	FMUL(17, 21, 16)          \
	FMUL(16, 19, 16)

// K_SIXES makes of four bytes, and four whose lower halves go with their upper bits,
// eight numbers of six bits.
#define K_SIXES(six, four) \
	ANDW $0x3f3f3f3f, six, R12 \
	LSR  $2, six               \
	ANDW $0x30303030, six      \
	ANDW $0x0f0f0f0f, four, R13 \
	ORR  R13, six              \
	ORR  six<<32, R12, six

// SIX_SCALES puts d·scales of eight runs of 16 at R10 in V10 and V11; V26 has d.
#define SIX_SCALES \
	VLD1.P 8(R10), [V10.B8] \
	SXTL(10, 10)            \
	SXTL2_H(11, 10)         \
	SXTL_H(10, 10)          \
	SCVTF(10, 10)           \
	SCVTF(11, 11)           \
	FMUL(10, 10, 26)        \
	FMUL(11, 11, 26)

// SIX_BEGIN has bytes of 15, 0x30 and 32.
#define SIX_BEGIN \
	VMOVI $15, V12.B16   \
	VMOVI $0x30, V13.B16 \
	VMOVI $32, V14.B16

// SIX_BLOCK finds the parts of the block at R2 and goes on behind it: codes at R8,
// upper bits at R9, scales at R10.
#define SIX_BLOCK \
	MOVD    R2, R8      \
	ADD     $128, R2, R9  \
	ADD     $192, R2, R10 \
	ADD     $208, R2      \
	LOAD_HALF(V26, 26)

// SIX_JOIN puts the upper bits in V0 and V1 above the codes in V8 and V9.
#define SIX_JOIN \
	AND_B(0, 0, 13)   \
	AND_B(1, 1, 13)   \
	ORR_B(8, 8, 0)    \
	ORR_B(9, 9, 1)    \
	SUB_B(8, 8, 14) \
	SUB_B(9, 9, 14)
