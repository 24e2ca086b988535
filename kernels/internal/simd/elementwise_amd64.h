// Loops of elementwise AVX2 kernels. A kernel loads its pointers, sets CX to the
// length and wraps its body in EACH … LAST … DONE: the body stands twice, once
// for whole vectors and once for the rest, where Y15 masks loads and stores.
// AX counts elements. A body may use Y0 to Y14.

#define EACH(loop, rest) \
	XORQ AX, AX    \
	MOVQ CX, BX    \
	ANDQ $~7, BX   \
	JZ   rest      \
loop:

#define LAST(loop, rest, done) \
	ADDQ $8, AX                  \
	CMPQ AX, BX                  \
	JLT  loop                    \
rest:                            \
	SUBQ AX, CX                  \
	JZ   done                    \
	NEGQ CX                      \
	LEAQ ·tailMask(SB), BX       \
	VMOVDQU 32(BX)(CX*4), Y15

#define DONE(done) \
done:          \
	VZEROUPPER \
	RET

// Offsets in activationTable, which R8 points to: every constant fills a vector.
#define EXP_MIN 0
#define EXP_MAX 32
#define LOG2E 64
#define LN2_HI 96
#define LN2_LO 128
#define EXP4 160
#define EXP3 192
#define EXP2 224
#define EXP1 256
#define EXP0 288
#define ONE 320
#define EXP_SHIFT2 352
#define SIGN 384
#define MAGNITUDE 416
#define TAIL_MAX 448
#define TAIL_SCALE 480
#define TAIL9 512
#define TAIL8 544
#define TAIL7 576
#define TAIL6 608
#define TAIL5 640
#define TAIL4 672
#define TAIL3 704
#define TAIL2 736
#define TAIL1 768
#define TAIL0 800
#define DENSITY 832
#define HALF 864
#define GELU_LINEAR 896
#define GELU_CUBIC 928
#define GELU_CUBIC3 960
#define GELU_MIN 992
#define GELU_MAX 1024
#define LOGISTIC_MIN 1056
#define EXP_SHIFT 1088
#define EXP_LOW 1120
#define LOGISTIC_MAX 1152
#define EXP_MAX_DOWN 1184
#define EXP_SHIFT1 1216
#define GELU_LINEAR_HI 1248
#define GELU_LINEAR_LO 1280
#define GELU_CUBIC_LO 1312
#define MINUS_HALF 1344
#define GELU_TANH_MIN 1376
#define GELU_TANH_MAX 1408
#define EXP_SHIFT16 1440
#define EXP_SQUARE 1472
#define EXP_CUBE 1504

// STEP: p = p·x + coefficient.
#define STEP(k, x, p) VFMADD213PS k(R8), x, p

// EXP_POLYNOMIAL: p = e^r, q and s scratch; r is lost. Its terms are paired, so
// that fewer wait for each other than in Horner's order.
#define EXP_POLYNOMIAL(r, p, q, s) \
	VMOVUPS     EXP1(R8), q    \
	VFMADD213PS EXP0(R8), r, q \
	VMOVUPS     EXP3(R8), p    \
	VFMADD213PS EXP2(R8), r, p \
	VMULPS      r, r, s        \
	VADDPS      ONE(R8), r, r  \
	VFMADD231PS EXP4(R8), s, p \
	VFMADD213PS q, s, p        \
	VFMADD213PS r, s, p

// EXP: x = e^x as in exp_generic.go; a, b, c and Y10 are scratch. Minimum and
// maximum take x second, so that NaN stays. EXP_SHIFT2 is large enough to leave a
// sum with it no fraction: a holds n and twice the exponent's bias in its low bits,
// which two factors share.
#define EXP(x, a, b, c) \
	VMOVUPS      EXP_MIN(R8), a    \
	VMAXPS       x, a, x           \
	VMOVUPS      EXP_MAX(R8), a    \
	VMINPS       x, a, x           \
	VMOVUPS      EXP_SHIFT2(R8), a \
	VFMADD231PS  LOG2E(R8), x, a   \
	VSUBPS       EXP_SHIFT2(R8), a, b \
	VFNMADD231PS LN2_HI(R8), b, x  \
	VFNMADD231PS LN2_LO(R8), b, x  \
	EXP_POLYNOMIAL(x, b, c, Y10)   \
	VPSRLD       $1, a, c          \
	VPSUBD       c, a, a           \
	VPSLLD       $23, c, c         \
	VPSLLD       $23, a, a         \
	VMULPS       c, b, b           \
	VMULPS       a, b, x

// EXP_DOWN: the same with one factor for x ≤ EXP_MAX: Inf from 2^127.5 on, and 0
// below EXP_LOW, where e^x is no normal number. a, b, c, Y8 and Y9 are scratch.
#define EXP_DOWN(x, a, b, c) \
	VMOVUPS      EXP_SHIFT(R8), a  \
	VFMADD231PS  LOG2E(R8), x, a   \
	VCMPPS       $0x15, EXP_LOW(R8), x, Y8 \
	VSUBPS       EXP_SHIFT(R8), a, b \
	VFNMADD231PS LN2_HI(R8), b, x  \
	VFNMADD231PS LN2_LO(R8), b, x  \
	VPSLLD       $23, a, a         \
	EXP_POLYNOMIAL(x, b, c, Y9)    \
	VMULPS       a, b, b           \
	VANDPS       Y8, b, x

// LOGISTIC: e = e^-x and s = 1/(1+e); e holds x before, a, b, s, Y10 and Y11 are
// scratch. e is 0 from 87 on. The polynomial is that of -r, which e holds between the
// two parts, and half a power of two reaches every finite e.
#define LOGISTIC(e, s, a, b) \
	VMOVUPS      LOGISTIC_MAX(R8), a \
	VMINPS       e, a, e            \
	VMOVUPS      EXP_MAX_DOWN(R8), a \
	VMAXPS       e, a, e            \
	LOGISTIC_REDUCE(e, s, a)        \
	LOGISTIC_REST(e, s, a, b)

#define LOGISTIC_REDUCE(e, s, a) \
	VMOVUPS      EXP_SHIFT1(R8), a  \
	VFNMADD231PS LOG2E(R8), e, a    \
	VSUBPS       EXP_SHIFT1(R8), a, s \
	VFMADD231PS  LN2_HI(R8), s, e   \
	VFMADD231PS  LN2_LO(R8), s, e

#define LOGISTIC_REST(e, s, a, b) \
	VMOVUPS      ONE(R8), Y11       \
	VPSLLD       $23, a, a          \
	VMOVUPS      EXP1(R8), b        \
	VFNMADD213PS EXP0(R8), e, b     \
	VMOVUPS      EXP3(R8), s        \
	VFNMADD213PS EXP2(R8), e, s     \
	VMULPS       e, e, Y10          \
	VSUBPS       e, Y11, e          \
	VFMADD231PS  EXP4(R8), Y10, s   \
	VFMADD213PS  b, Y10, s          \
	VFMADD213PS  e, Y10, s          \
	VMULPS       a, s, e            \
	VADDPS       e, e, e            \
	VADDPS       Y11, e, s          \
	VDIVPS       s, Y11, s
