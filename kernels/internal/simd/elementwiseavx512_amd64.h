// Loops of elementwise AVX-512 kernels, as EACH, LAST and DONE of
// elementwise_amd64.h, whose offsets in activationTable hold here too: the table's
// numbers come broadcast from the first of their eight places. The body stands
// twice, for whole vectors, and for the rest, where K1 has a bit for each element:
// a masked load costs more than a whole one. A body may use Z0 to Z31 and K2 to K7.
// Exponentials fetch both their operands a kilobyte ahead: so few of their loops are
// under way at once that memory would wait for them, and they for memory.

#define EACH512(loop, rest) \
	XORQ AX, AX    \
	MOVQ CX, BX    \
	ANDQ $~15, BX  \
	JZ   rest      \
loop:

#define LAST512(loop, rest, done) \
	ADDQ  $16, AX     \
	CMPQ  AX, BX      \
	JLT   loop        \
rest:                 \
	SUBQ  AX, CX      \
	JZ    done        \
	MOVL  $0xffff, BX \
	BZHIL CX, BX, BX  \
	KMOVW BX, K1

// An exponential is e^x = 2^n·e^r, where n = round(16·x·log2 e)/16, r = x - n·ln 2. The
// fraction of n chooses one of 16 powers of two in a register, which leaves so little
// for e^r that a cubic is enough; scaling takes the rest of n and reaches every
// float32, denormals and Inf included.
//
// Constants stay in registers: an operand in memory for each multiply-add made
// exponentials a sixth slower.
#define LOG2E512 Z31
#define SHIFT512 Z30
#define LN2_HI512 Z29
#define LN2_LO512 Z28
#define POWERS512 Z27
#define CUBE512 Z26
#define SQUARE512 Z25
#define ONE512 Z24
#define LOW512 Z23
#define HIGH512 Z22
#define LOST512 Z21

// EXP_CONSTANTS512 loads them, low and high being bounds that a body may use.
#define EXP_CONSTANTS512(low, high) \
	LEAQ         ·activationTable(SB), R8 \
	VBROADCASTSS LOG2E(R8), LOG2E512      \
	VBROADCASTSS EXP_SHIFT16(R8), SHIFT512 \
	VBROADCASTSS LN2_HI(R8), LN2_HI512    \
	VBROADCASTSS LN2_LO(R8), LN2_LO512    \
	VMOVUPS      ·sixteenths+0(SB), POWERS512 \
	VMOVUPS      ·sixteenths+64(SB), LOST512  \
	VBROADCASTSS EXP_CUBE(R8), CUBE512    \
	VBROADCASTSS EXP_SQUARE(R8), SQUARE512 \
	VBROADCASTSS ONE(R8), ONE512          \
	VBROADCASTSS low(R8), LOW512          \
	VBROADCASTSS high(R8), HIGH512

// EXP_REDUCE512: x = r; t has the fraction of n in its low bits: SHIFT512 is large
// enough to leave a sum with it nothing below sixteenths.
#define EXP_REDUCE512(x, n, t) \
	VMOVAPS      SHIFT512, t     \
	VFMADD231PS  LOG2E512, x, t  \
	VSUBPS       SHIFT512, t, n  \
	VFNMADD231PS LN2_HI512, n, x \
	VFNMADD231PS LN2_LO512, n, x

// EXP_REST512: p = e^r·2^(the fraction of n); t and Z20 are lost. What rounding took from
// the power, relative to it, goes to e^r - 1.
#define EXP_REST512(r, t, p) \
	VMOVAPS     CUBE512, p        \
	VFMADD213PS SQUARE512, r, p   \
	VFMADD213PS ONE512, r, p      \
	VPERMPS     LOST512, t, Z20   \
	VPERMPS     POWERS512, t, t   \
	VFMADD213PS Z20, r, p         \
	VFMADD213PS t, t, p

// EXP512: x = e^x, with EXP_MIN and EXP_MAX for bounds; n, t, p are scratch. Minimum
// and maximum take x second, so that NaN stays.
#define EXP512(x, n, t, p) \
	VMAXPS    x, LOW512, x  \
	VMINPS    x, HIGH512, x \
	EXP_REDUCE512(x, n, t)  \
	EXP_REST512(x, t, p)    \
	VSCALEFPS n, p, x

// EXP_DOWN512: the same for x ≤ EXP_MAX, and 0 below EXP_LOW, which LOW512 is: e^x is
// no normal number there, and what follows would be slow with denormals. K2 is
// scratch as well.
#define EXP_DOWN512(x, n, t, p) \
	VCMPPS      $0x15, LOW512, x, K2 \
	EXP_REDUCE512(x, n, t)           \
	EXP_REST512(x, t, p)             \
	VSCALEFPS.Z n, p, K2, x

// RECIPROCAL512: r = 1/d of normal d, whose reciprocal is normal, within 0.6 units; t is
// scratch. One step of Newton's on 14 digits takes a third of a division's time.
#define RECIPROCAL512(d, r, t) \
	VRCP14PS     d, r         \
	VMOVAPS      ONE512, t    \
	VFNMADD231PS r, d, t      \
	VFMADD231PS  r, t, r

// QUOTIENT512: q = x/d, as exact as a division to a tenth of a unit: what the first
// guess leaves mends it. x and d are finite, r is scratch, x is lost.
#define QUOTIENT512(x, d, q, r) \
	VRCP14PS     d, r    \
	VMULPS       r, x, q \
	VFNMADD231PS q, d, x \
	VFMADD231PS  r, x, q

// LOGISTIC_EXP512: x = e = e^-|x| and p = 1+e: σ(|x|) is 1/p, and σ(-|x|) e/p. n and t are
// scratch. LOW512 is EXP_MIN, sign has the sign bit of each lane.
#define LOGISTIC_EXP512(sign, x, n, t, p) \
	VORPS     sign, x, x     \
	VMAXPS    x, LOW512, x   \
	EXP_REDUCE512(x, n, t)   \
	EXP_REST512(x, t, p)     \
	VSCALEFPS n, p, x        \
	VADDPS    ONE512, x, p

// SIGMOID512: y = σ(x); e, n, p and K2 are scratch.
#define SIGMOID512(sign, x, y, e, n, p) \
	VPMOVD2M x, K2                    \
	VMOVAPS  x, e                     \
	LOGISTIC_EXP512(sign, e, y, n, p) \
	VMOVAPS  ONE512, n                \
	VMOVAPS  e, K2, n                 \
	QUOTIENT512(n, p, y, e)

// SIGMOIDS512: y = σ(x) and z = σ(-x), which is 1-y, but with all its digits; e, n, p and
// K2 are scratch.
#define SIGMOIDS512(sign, x, y, z, e, n, p) \
	VPMOVD2M  x, K2                   \
	VMOVAPS   x, e                    \
	LOGISTIC_EXP512(sign, e, y, n, p) \
	RECIPROCAL512(p, z, n)            \
	VMULPS    z, e, e                 \
	VBLENDMPS e, z, K2, y             \
	VBLENDMPS z, e, K2, z

// SUM512: the sum of z's lanes in x, its lowest quarter: halves, and pairs of what is
// left. y is z's lower half; ty and tx, halves of one register, are scratch.
#define SUM512(z, y, x, ty, tx) \
	VEXTRACTF64X4 $1, z, ty \
	VADDPS        ty, y, y  \
	VEXTRACTF128  $1, y, tx \
	VADDPS        tx, x, x  \
	VHADDPS       x, x, x   \
	VHADDPS       x, x, x

// LARGEST512: the largest of z's lanes in x, as SUM512.
#define LARGEST512(z, y, x, ty, tx) \
	VEXTRACTF64X4 $1, z, ty    \
	VMAXPS        ty, y, y     \
	VEXTRACTF128  $1, y, tx    \
	VMAXPS        tx, x, x     \
	VPERMILPS     $0x4e, x, tx \
	VMAXPS        tx, x, x     \
	VPERMILPS     $0xb1, x, tx \
	VMAXPS        tx, x, x
