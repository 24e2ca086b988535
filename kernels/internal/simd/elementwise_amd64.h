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
#define BIAS 352
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

// STEP: p = p·x + coefficient.
#define STEP(k, x, p) VFMADD213PS k(R8), x, p

// EXP: x = e^x as in exp_generic.go; a, b, c are scratch. Minimum and maximum
// take x second, so that NaN stays.
#define EXP(x, a, b, c) \
	VMOVUPS      EXP_MIN(R8), a   \
	VMAXPS       x, a, x          \
	VMOVUPS      EXP_MAX(R8), a   \
	VMINPS       x, a, x          \
	VMULPS       LOG2E(R8), x, a  \
	VROUNDPS     $0, a, a         \
	VFNMADD231PS LN2_HI(R8), a, x \
	VFNMADD231PS LN2_LO(R8), a, x \
	VMOVUPS      EXP4(R8), b      \
	STEP(EXP3, x, b)              \
	STEP(EXP2, x, b)              \
	STEP(EXP1, x, b)              \
	STEP(EXP0, x, b)              \
	VMULPS       x, x, c          \
	VFMADD213PS  x, c, b          \
	VADDPS       ONE(R8), b, b    \
	VCVTPS2DQ    a, a             \
	VPSRAD       $1, a, c         \
	VPSUBD       c, a, a          \
	VPADDD       BIAS(R8), c, c   \
	VPADDD       BIAS(R8), a, a   \
	VPSLLD       $23, c, c        \
	VPSLLD       $23, a, a        \
	VMULPS       c, b, b          \
	VMULPS       a, b, x

// EXP_DOWN: x = e^x for x ≤ EXP_MAX, Inf from 2^127.5 on, 0 below EXP_LOW, where
// e^x is no normal number;
// a, b, c are scratch. EXP_SHIFT is large enough to leave a sum with it no
// fraction: a holds n and the exponent's bias in its low bits.
#define EXP_DOWN(x, a, b, c) \
	VCMPPS       $0x15, EXP_LOW(R8), x, c \
	VMOVUPS      EXP_SHIFT(R8), a  \
	VFMADD231PS  LOG2E(R8), x, a   \
	VSUBPS       EXP_SHIFT(R8), a, b \
	VFNMADD231PS LN2_HI(R8), b, x  \
	VFNMADD231PS LN2_LO(R8), b, x  \
	VMOVUPS      EXP4(R8), b       \
	STEP(EXP3, x, b)               \
	STEP(EXP2, x, b)               \
	STEP(EXP1, x, b)               \
	STEP(EXP0, x, b)               \
	STEP(ONE, x, b)                \
	STEP(ONE, x, b)                \
	VPSLLD       $23, a, a         \
	VMULPS       a, b, b           \
	VANDPS       c, b, x

// LOGISTIC: e = e^-x and s = 1/(1+e); e holds x before, a, b and s are scratch.
#define LOGISTIC(e, s, a, b) \
	VXORPS  SIGN(R8), e, e \
	EXP(e, a, b, s)        \
	VMOVUPS ONE(R8), a     \
	VADDPS  a, e, s        \
	VDIVPS  s, a, s
