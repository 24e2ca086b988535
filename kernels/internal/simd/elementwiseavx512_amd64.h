// Loops of elementwise AVX-512 kernels, as EACH, LAST and DONE of
// elementwise_amd64.h, whose offsets in activationTable hold here too: the table's
// numbers come broadcast from the first of their eight places. The body stands
// twice, for whole vectors, and for the rest, where K1 has a bit for each element:
// a masked load costs more than a whole one. A body may use Z0 to Z31 and K2 to K7.

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

// Constants of exponentials stay in registers: an operand in memory for each
// multiply-add made them a sixth slower.
#define LOG2E512 Z31
#define SHIFT512 Z30
#define LN2_HI512 Z29
#define LN2_LO512 Z28
#define E4 Z27
#define E3 Z26
#define E2 Z25
#define E1 Z24
#define E0 Z23
#define ONE512 Z22
#define LOW512 Z21
#define HIGH512 Z20

// EXP_CONSTANTS512 loads them, low and high being the bounds of the exponent.
#define EXP_CONSTANTS512(low, high) \
	LEAQ         ·activationTable(SB), R8 \
	VBROADCASTSS LOG2E(R8), LOG2E512      \
	VBROADCASTSS EXP_SHIFT(R8), SHIFT512  \
	VBROADCASTSS LN2_HI(R8), LN2_HI512    \
	VBROADCASTSS LN2_LO(R8), LN2_LO512    \
	VBROADCASTSS EXP4(R8), E4             \
	VBROADCASTSS EXP3(R8), E3             \
	VBROADCASTSS EXP2(R8), E2             \
	VBROADCASTSS EXP1(R8), E1             \
	VBROADCASTSS EXP0(R8), E0             \
	VBROADCASTSS ONE(R8), ONE512          \
	VBROADCASTSS low(R8), LOW512          \
	VBROADCASTSS high(R8), HIGH512

// EXP_REDUCE512: n = round(x·log2 e), x = x - n·ln 2.
#define EXP_REDUCE512(x, n) \
	VMOVAPS      SHIFT512, n     \
	VFMADD231PS  LOG2E512, x, n  \
	VSUBPS       SHIFT512, n, n  \
	VFNMADD231PS LN2_HI512, n, x \
	VFNMADD231PS LN2_LO512, n, x

// EXP_POLYNOMIAL512: p = e^r; q and s are scratch. Its terms are paired, so that
// fewer wait for each other than in Horner's order; 1 comes last, when what it is
// added to is below 0.42, and so is that sum's error.
#define EXP_POLYNOMIAL512(r, p, q, s) \
	VMOVAPS     E1, q        \
	VFMADD213PS E0, r, q     \
	VMOVAPS     E3, p        \
	VFMADD213PS E2, r, p     \
	VMULPS      r, r, s      \
	VFMADD231PS E4, s, p     \
	VFMADD213PS q, s, p      \
	VFMADD213PS r, s, p      \
	VADDPS      ONE512, p, p

// EXP512: x = e^x as in exp_generic.go, with EXP_MIN and EXP_MAX for bounds; n, p, q, s
// are scratch. Minimum and maximum take x second, so that NaN stays. Scaling by n
// reaches every float32, denormals and Inf included.
#define EXP512(x, n, p, q, s) \
	VMAXPS    x, LOW512, x           \
	VMINPS    x, HIGH512, x          \
	EXP_REDUCE512(x, n)              \
	EXP_POLYNOMIAL512(x, p, q, s)    \
	VSCALEFPS n, p, x

// EXP_DOWN512: the same for x ≤ EXP_MAX, and 0 below EXP_LOW, which LOW512 is: e^x is
// no normal number there, and what follows would be slow with denormals. K2 is
// scratch as well.
#define EXP_DOWN512(x, n, p, q, s) \
	VCMPPS      $0x15, LOW512, x, K2 \
	EXP_REDUCE512(x, n)              \
	EXP_POLYNOMIAL512(x, p, q, s)    \
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

// LOGISTIC_EXP512: x = e = e^-|x| and p = 1+e: σ(|x|) is 1/p, and σ(-|x|) e/p. n, q, s are
// scratch. LOW512 is EXP_MIN, sign has the sign bit of each lane.
#define LOGISTIC_EXP512(sign, x, n, p, q, s) \
	VORPS     sign, x, x          \
	VMAXPS    x, LOW512, x        \
	EXP_REDUCE512(x, n)           \
	EXP_POLYNOMIAL512(x, p, q, s) \
	VSCALEFPS n, p, x             \
	VADDPS    ONE512, x, p

// SIGMOID512: y = σ(x); n, p, q, s and K2 are scratch.
#define SIGMOID512(sign, x, y, n, p, q, s) \
	VPMOVD2M x, K2                          \
	VMOVAPS  x, n                           \
	LOGISTIC_EXP512(sign, n, y, p, q, s)    \
	VMOVAPS  ONE512, q                      \
	VMOVAPS  n, K2, q                       \
	QUOTIENT512(q, p, y, s)

// SIGMOIDS512: y = σ(x) and z = σ(-x), which is 1-y, but with all its digits; n, p, q, s
// and K2 are scratch.
#define SIGMOIDS512(sign, x, y, z, n, p, q, s) \
	VPMOVD2M  x, K2                         \
	VMOVAPS   x, n                          \
	LOGISTIC_EXP512(sign, n, y, p, q, s)    \
	RECIPROCAL512(p, z, q)                  \
	VMULPS    z, n, n                       \
	VBLENDMPS n, z, K2, y                   \
	VBLENDMPS z, n, K2, z

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
