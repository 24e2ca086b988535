// Frame of the kernels of Vector.DotRows, each of them
//
//	func dot…NEON(y, x *float32, src *byte, rows, blocks int)
//
// which does y[i] += Σ_p x[p]·w[i,p] for i < rows, whose blocks lie one after the other
// from src on: R2 goes through them, R0 through y and R5 through x, which is read again
// for each row. R7 is at the sums of x behind it, where a type has minima.

#define ROWS_BEGIN \
	MOVD y+0(FP), R0    \
	MOVD x+8(FP), R1    \
	MOVD src+16(FP), R2 \
	MOVD rows+24(FP), R3 \
	MOVD blocks+32(FP), R4

#define ROW_BEGIN \
	MOVD R1, R5                   \
	MOVD R4, R6                   \
	VEOR V24.B16, V24.B16, V24.B16 \
	VEOR V25.B16, V25.B16, V25.B16

// ROW_END adds the lanes of V24 to y[i].
#define ROW_END \
	FADDP(24, 24, 24)     \
	FADDP(24, 24, 24)     \
	FMOVS   (R0), F25     \
	FADDS   F25, F24, F24 \
	FMOVS.P F24, 4(R0)    \
	SUB     $1, R3

#define LOAD_X \
	VLD1.P 64(R5), [V16.S4, V17.S4, V18.S4, V19.S4] \
	VLD1.P 64(R5), [V20.S4, V21.S4, V22.S4, V23.S4]

// DOT_CODES multiplies the codes in V8 and V9 with 32 of x: sums are in V0 and V1.
#define DOT_CODES \
	LOAD_X                \
	FLOATS(0, 1, 2, 3, 8) \
	FLOATS(4, 5, 6, 7, 9) \
	FMUL(0, 0, 16)        \
	FMUL(1, 1, 17)        \
	FMLA(0, 2, 18)        \
	FMLA(1, 3, 19)        \
	FMLA(0, 4, 20)        \
	FMLA(1, 5, 21)        \
	FMLA(0, 6, 22)        \
	FMLA(1, 7, 23)
