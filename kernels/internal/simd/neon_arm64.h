// Instructions that Go's assembler has no name for, or none for numbers of registers,
// named as the architecture has them: d is the register written, n and m are those read,
// in the architecture's order. Registers hold four floats or words, 16 bytes (_B), or two
// float64 (_D). TestWordsAreTheInstruction holds each of them.

#define FADD(d, n, m) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))
#define FSUB(d, n, m) WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d))
#define FMUL(d, n, m) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))

#define FDIV(d, n, m) WORD $(0x6E20FC00 | (m)<<16 | (n)<<5 | (d))

// FMAX and FMIN are NaN where n or m is.
#define FMAX(d, n, m) WORD $(0x4E20F400 | (m)<<16 | (n)<<5 | (d))
#define FMIN(d, n, m) WORD $(0x4EA0F400 | (m)<<16 | (n)<<5 | (d))
#define FABS(d, n) WORD $(0x4EA0F800 | (n)<<5 | (d))
#define FNEG(d, n) WORD $(0x6EA0F800 | (n)<<5 | (d))
#define FSQRT(d, n) WORD $(0x6EA1F800 | (n)<<5 | (d))

// FMAXV: the largest of four.
#define FMAXV(d, n) WORD $(0x6E30F800 | (n)<<5 | (d))

// FRINTN rounds to nearest even; FCVTNS makes numbers words so, FCVTZS towards 0; of NaN
// they make 0.
#define FCVTNS(d, n) WORD $(0x4E21A800 | (n)<<5 | (d))
#define FRINTN(d, n) WORD $(0x4E218800 | (n)<<5 | (d))
#define FCVTZS(d, n) WORD $(0x4EA1B800 | (n)<<5 | (d))

// FCMGE and FCMGT: words of ones where n ≥ m, or n > m.
#define FCMGE(d, n, m) WORD $(0x6E20E400 | (m)<<16 | (n)<<5 | (d))
#define FCMGT(d, n, m) WORD $(0x6EA0E400 | (m)<<16 | (n)<<5 | (d))

// FMLA: d += n·m, rounded once.
#define FMLA(d, n, m) WORD $(0x4E20CC00 | (m)<<16 | (n)<<5 | (d))
#define FMLS(d, n, m) WORD $(0x4EA0CC00 | (m)<<16 | (n)<<5 | (d))

// FMLA_LANE: d += n·m[i], element by element with one element of m.
#define FMLA_LANE(d, n, m, i) WORD $(0x4F801000 | ((i)&1)<<21 | (m)<<16 | ((i)>>1)<<11 | (n)<<5 | (d))
#define FMUL_LANE(d, n, m, i) WORD $(0x4F809000 | ((i)&1)<<21 | (m)<<16 | ((i)>>1)<<11 | (n)<<5 | (d))

// FADDP: the sums of neighbours of n, then of m.
#define FADDP(d, n, m) WORD $(0x6E20D400 | (m)<<16 | (n)<<5 | (d))

#define SCVTF(d, n) WORD $(0x4E21D800 | (n)<<5 | (d))

// SCVTF_FRACTION: d = n/2^f of signed words n.
#define SCVTF_FRACTION(d, n, f) WORD $(0x4F00E400 | (64-(f))<<16 | (n)<<5 | (d))

// FCVTL widens the lower four F16 of n, FCVTL2 the upper four. SHLL and SHLL2 move 16
// bits to the upper half of a word, which widens BF16.
#define FCVTL(d, n) WORD $(0x0E217800 | (n)<<5 | (d))
#define FCVTL2(d, n) WORD $(0x4E217800 | (n)<<5 | (d))
#define SHLL(d, n) WORD $(0x2E613800 | (n)<<5 | (d))
#define SHLL2(d, n) WORD $(0x6E613800 | (n)<<5 | (d))

// SXTL and UXTL widen eight bytes; SXTL_H and SXTL2_H widen four of eight halves.
#define SXTL(d, n) WORD $(0x0F08A400 | (n)<<5 | (d))
#define UXTL(d, n) WORD $(0x2F08A400 | (n)<<5 | (d))
#define SXTL_H(d, n) WORD $(0x0F10A400 | (n)<<5 | (d))
#define SXTL2_H(d, n) WORD $(0x4F10A400 | (n)<<5 | (d))

// Two float64: FCVTL_D widens the lower two floats of n, FCVTL2_D the upper two; FCVTN_D
// rounds to them, and the upper two become 0; FCVTN2_D leaves the lower two.
#define FADD_D(d, n, m) WORD $(0x4E60D400 | (m)<<16 | (n)<<5 | (d))
#define FSUB_D(d, n, m) WORD $(0x4EE0D400 | (m)<<16 | (n)<<5 | (d))
#define FMUL_D(d, n, m) WORD $(0x6E60DC00 | (m)<<16 | (n)<<5 | (d))
#define FMLA_D(d, n, m) WORD $(0x4E60CC00 | (m)<<16 | (n)<<5 | (d))
#define FCVTL_D(d, n) WORD $(0x0E617800 | (n)<<5 | (d))
#define FCVTL2_D(d, n) WORD $(0x4E617800 | (n)<<5 | (d))
#define FCVTN_D(d, n) WORD $(0x0E616800 | (n)<<5 | (d))
#define FCVTN2_D(d, n) WORD $(0x4E616800 | (n)<<5 | (d))

#define ADDP_S(d, n, m) WORD $(0x4EA0BC00 | (m)<<16 | (n)<<5 | (d))
#define ADD_S(d, n, m) WORD $(0x4EA08400 | (m)<<16 | (n)<<5 | (d))
#define SUB_S(d, n, m) WORD $(0x6EA08400 | (m)<<16 | (n)<<5 | (d))
#define SHL_S(d, n, s) WORD $(0x4F005400 | (32+(s))<<16 | (n)<<5 | (d))
#define USHR_S(d, n, s) WORD $(0x6F000400 | (64-(s))<<16 | (n)<<5 | (d))
#define SSHR_S(d, n, s) WORD $(0x4F000400 | (64-(s))<<16 | (n)<<5 | (d))

// BIT_B: bits of n go to d where m has ones. BSL_B: d chooses between the bits of n, where
// it has ones, and m.
#define BIT_B(d, n, m) WORD $(0x6EA01C00 | (m)<<16 | (n)<<5 | (d))
#define BSL_B(d, n, m) WORD $(0x6E601C00 | (m)<<16 | (n)<<5 | (d))
#define EOR_B(d, n, m) WORD $(0x6E201C00 | (m)<<16 | (n)<<5 | (d))
// Products of eight signed bytes, the lower and the upper, and sums of neighbours among
// halves: as halves, as words, and added to words.
#define SMULL(d, n, m) WORD $(0x0E20C000 | (m)<<16 | (n)<<5 | (d))
#define SMULL2(d, n, m) WORD $(0x4E20C000 | (m)<<16 | (n)<<5 | (d))
#define ADDP_H(d, n, m) WORD $(0x4E60BC00 | (m)<<16 | (n)<<5 | (d))
#define SADDLP_H(d, n) WORD $(0x4E602800 | (n)<<5 | (d))
#define SADALP_H(d, n) WORD $(0x4E606800 | (n)<<5 | (d))

// XTN takes the lower halves of words (_H) or of halves (_B) to the lower eight bytes,
// XTN2 to the upper eight.
#define XTN_H(d, n) WORD $(0x0E612800 | (n)<<5 | (d))
#define XTN2_H(d, n) WORD $(0x4E612800 | (n)<<5 | (d))
#define XTN_B(d, n) WORD $(0x0E212800 | (n)<<5 | (d))
#define XTN2_B(d, n) WORD $(0x4E212800 | (n)<<5 | (d))

// UMULL and UMULL2: 64-bit products of words, the lower and the upper two. CMHI: words of
// ones where n > m without sign.
#define UMULL(d, n, m) WORD $(0x2EA0C000 | (m)<<16 | (n)<<5 | (d))
#define UMULL2(d, n, m) WORD $(0x6EA0C000 | (m)<<16 | (n)<<5 | (d))
#define CMHI(d, n, m) WORD $(0x6EA03400 | (m)<<16 | (n)<<5 | (d))

#define AND_B(d, n, m) WORD $(0x4E201C00 | (m)<<16 | (n)<<5 | (d))
#define ORR_B(d, n, m) WORD $(0x4EA01C00 | (m)<<16 | (n)<<5 | (d))
#define BIC_B(d, n, m) WORD $(0x4E601C00 | (m)<<16 | (n)<<5 | (d))

// CMTST_B: bytes of ones where n and m share a bit.
#define CMTST_B(d, n, m) WORD $(0x4E208C00 | (m)<<16 | (n)<<5 | (d))
#define SUB_B(d, n, m) WORD $(0x6E208400 | (m)<<16 | (n)<<5 | (d))
#define SHL_B(d, n, s) WORD $(0x4F005400 | (8+(s))<<16 | (n)<<5 | (d))
#define USHR_B(d, n, s) WORD $(0x6F000400 | (16-(s))<<16 | (n)<<5 | (d))

// TBL: byte i of d is byte m[i] of n, 0 where n has no such byte.
#define TBL(d, n, m) WORD $(0x4E000000 | (m)<<16 | (n)<<5 | (d))
#define DUP_S(d, n, i) WORD $(0x4E040400 | (i)<<19 | (n)<<5 | (d))
