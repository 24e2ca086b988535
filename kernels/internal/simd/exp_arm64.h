// Exponentials, four at a time, with the bits of their Go twins: every operation rounds by
// itself, but for products that are exact.

// LOAD_EXP loads the constants of EXP, V20 to V31, and leaves the table of constants that
// CONSTANT takes others from in R11 (exp_arm64.go).
#define LOAD_EXP \
	MOVD   $·floatTable(SB), R11                        \
	MOVD   R11, R12                                     \
	VLD1.P 64(R12), [V20.S4, V21.S4, V22.S4, V23.S4]    \
	VLD1.P 64(R12), [V24.S4, V25.S4, V26.S4, V27.S4]    \
	VLD1.P 64(R12), [V28.S4, V29.S4, V30.S4, V31.S4]

#define ONE 30

// CONSTANT loads one by its place in the table.
#define CONSTANT(place, f) \
	FMOVQ 16*(place)(R11), f

#define TAIL_MAX 12
#define TAIL_SCALE 13
#define TAIL9 14
#define DENSITY 24
#define HALF 25
#define GELU_LINEAR 26
#define GELU_CUBIC 27
#define GELU_CUBIC3 28
#define GELU_MAX 29
#define GELU_MIN 30
#define LOGISTIC_MIN 31
#define TANH_SMALL 32
#define TANH4 33
#define EXP_LOW 38
#define EXP_HIGH 39
#define INFINITY 40
#define SIGN 41
#define GELU_LINEAR_D 42
#define GELU_CUBIC_D 43

// EXP does x = e^x; n, r and q are lost.
#define EXP(x, n, r, q) \
	FMAX(x, x, 20)  \
	FMIN(x, x, 21)  \
	FMUL(n, x, 22)  \
	FRINTN(n, n)    \
	FMLS(x, n, 23)  \
	FMUL(r, n, 24)  \
	FSUB(r, x, r)   \
	FMUL(q, 25, r)  \
	FADD(q, q, 26)  \
	FMUL(q, q, r)   \
	FADD(q, q, 27)  \
	FMUL(q, q, r)   \
	FADD(q, q, 28)  \
	FMUL(q, q, r)   \
	FADD(q, q, 29)  \
	FMUL(x, r, r)   \
	FMUL(q, q, x)   \
	FADD(q, q, r)   \
	FADD(q, q, ONE) \
	FCVTZS(n, n)    \
	SSHR_S(r, n, 1) \
	SUB_S(n, n, r)  \
	ADD_S(r, r, 31) \
	ADD_S(n, n, 31) \
	SHL_S(r, r, 23) \
	SHL_S(n, n, 23) \
	FMUL(x, q, r)   \
	FMUL(x, x, n)

// SIGMOID_OF_EXP does s = 1/(1+e).
#define SIGMOID_OF_EXP(s, e) \
	FADD(s, e, ONE) \
	FDIV(s, ONE, s)

// LOGISTIC_TAIL does e = e^-x and s = 1/(1+e), 0 where x is less than V16.
#define LOGISTIC_TAIL(x, e, s) \
	FCMGT(4, 16, x)      \
	FMAX(e, x, 16)       \
	FNEG(e, e)           \
	EXP(e, 5, 6, 7)      \
	SIGMOID_OF_EXP(s, e) \
	BIC_B(s, s, 4)

// UNARY takes numbers in V0 and leaves results there. BEGIN loads constants.
#define UNARY(BEGIN, BODY) \
	MOVD   dst+0(FP), R0      \
	MOVD   x+8(FP), R1        \
	MOVD   runs+16(FP), R4    \
	BEGIN                     \
loop:                         \
	VLD1.P 16(R1), [V0.S4]    \
	BODY                      \
	VST1.P [V0.S4], 16(R0)    \
	SUB    $1, R4             \
	CBNZ   R4, loop           \
	RET
