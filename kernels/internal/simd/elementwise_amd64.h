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

// Offsets in activationTable, which R8 points to.
#define EXP_MIN 0
#define EXP_MAX 4
#define LOG2E 8
#define LN2_HI 12
#define LN2_LO 16
#define EXP4 20
#define EXP3 24
#define EXP2 28
#define EXP1 32
#define EXP0 36
#define ONE 40
#define BIAS 44
#define SIGN 48
#define MAGNITUDE 52
#define TAIL_MAX 56
#define TAIL_SCALE 60
#define TAIL9 64
#define TAIL8 68
#define TAIL7 72
#define TAIL6 76
#define TAIL5 80
#define TAIL4 84
#define TAIL3 88
#define TAIL2 92
#define TAIL1 96
#define TAIL0 100
#define DENSITY 104
#define HALF 108
#define GELU_LINEAR 112
#define GELU_CUBIC 116
#define GELU_CUBIC3 120
#define GELU_MIN 124
#define GELU_MAX 128
#define LOGISTIC_MIN 132

// STEP: p = p·x + coefficient.
#define STEP(k, x, p, t) \
	VBROADCASTSS k(R8), t \
	VFMADD213PS  t, x, p

// EXP: x = e^x as in exp_generic.go; a, b, c are scratch. Minimum and maximum
// take x second, so that NaN stays.
#define EXP(x, a, b, c) \
	VBROADCASTSS EXP_MIN(R8), a \
	VMAXPS       x, a, x        \
	VBROADCASTSS EXP_MAX(R8), a \
	VMINPS       x, a, x        \
	VBROADCASTSS LOG2E(R8), a   \
	VMULPS       a, x, a        \
	VROUNDPS     $0, a, a       \
	VBROADCASTSS LN2_HI(R8), b  \
	VFNMADD231PS b, a, x        \
	VBROADCASTSS LN2_LO(R8), b  \
	VFNMADD231PS b, a, x        \
	VBROADCASTSS EXP4(R8), b    \
	STEP(EXP3, x, b, c)         \
	STEP(EXP2, x, b, c)         \
	STEP(EXP1, x, b, c)         \
	STEP(EXP0, x, b, c)         \
	VMULPS       x, x, c        \
	VFMADD213PS  x, c, b        \
	VBROADCASTSS ONE(R8), c     \
	VADDPS       c, b, b        \
	VCVTPS2DQ    a, a           \
	VPSRAD       $1, a, c       \
	VPSUBD       c, a, a        \
	VBROADCASTSS BIAS(R8), x    \
	VPADDD       x, c, c        \
	VPADDD       x, a, a        \
	VPSLLD       $23, c, c      \
	VPSLLD       $23, a, a      \
	VMULPS       c, b, b        \
	VMULPS       a, b, x

// LOGISTIC: e = e^-x and s = 1/(1+e); e holds x before, a, b and s are scratch.
#define LOGISTIC(e, s, a, b) \
	VBROADCASTSS SIGN(R8), a \
	VXORPS       a, e, e     \
	EXP(e, a, b, s)          \
	VBROADCASTSS ONE(R8), a  \
	VADDPS       a, e, s     \
	VDIVPS       s, a, s
