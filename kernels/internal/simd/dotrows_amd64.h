// Frame of the kernels of Vector.DotRows, each of them
//
//	func dot…AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
//
// which does y[i] += Σ_p x[p]·w[i,p] for i < rows. The rows of w lie one after
// the other from src on; SI and DI go through them and y in the order o. x, at DX,
// is read again for each row. A row's sums gather in Y4 to Y7.

// Kernels that are slower than memory go along it in one run, and fetch so far
// ahead, beyond the last row without harm.
#define AHEAD 1536

#define ROWS_BEGIN \
	MOVQ y+0(FP), DI      \
	MOVQ x+8(FP), R8      \
	MOVQ src+16(FP), SI   \
	MOVQ rows+24(FP), R10 \
	MOVQ blocks+32(FP), R11

#define ROW_BEGIN \
	MOVQ   R8, DX     \
	MOVQ   R11, CX    \
	VXORPS Y4, Y4, Y4 \
	VXORPS Y5, Y5, Y5 \
	VXORPS Y6, Y6, Y6 \
	VXORPS Y7, Y7, Y7

// ROW_END adds (Y4+Y5)+(Y6+Y7), the lanes of that pairwise, to y[i] and goes to
// the next row. The flags are those of rows left.
#define ROW_END \
	VADDPS       Y5, Y4, Y4           \
	VADDPS       Y7, Y6, Y6           \
	VADDPS       Y6, Y4, Y4           \
	VEXTRACTF128 $1, Y4, X0           \
	VADDPS       X0, X4, X4           \
	VHADDPS      X4, X4, X4           \
	VHADDPS      X4, X4, X4           \
	VADDSS       (DI), X4, X4         \
	VMOVSS       X4, (DI)             \
	ADDQ         o_src+48(FP), SI     \
	ADDQ         o_y+64(FP), DI       \
	CMPQ         DI, o_last+40(FP)    \
	JLS          next                 \
	SUBQ         o_srcBack+56(FP), SI \
	SUBQ         o_yBack+72(FP), DI   \
next:                                 \
	DECQ         R10
