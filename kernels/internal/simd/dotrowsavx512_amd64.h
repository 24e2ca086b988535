// Frame of the AVX-512 kernels of Vector.DotRows, the counterpart of
// dotrows_amd64.h: a row's sums gather in Z4 to Z7.

// A core asks memory for no more than some 16 lines at once by its own loads and
// prefetches, too few for its latency: it is the second-level cache's prefetcher
// that fills the gap, and only where something goes ahead of the loads far enough
// to start it on the next page in time.
#define AHEAD 2048

#define ROWS_BEGIN \
	MOVQ y+0(FP), DI      \
	MOVQ x+8(FP), R8      \
	MOVQ src+16(FP), SI   \
	MOVQ rows+24(FP), R10 \
	MOVQ blocks+32(FP), R11

#define ROW_BEGIN \
	MOVQ   R8, DX     \
	MOVQ   R11, CX    \
	VPXORD Z4, Z4, Z4 \
	VPXORD Z5, Z5, Z5 \
	VPXORD Z6, Z6, Z6 \
	VPXORD Z7, Z7, Z7

// ROW_END adds (Z4+Z5)+(Z6+Z7), the lanes of that by halves, to y[i] and goes to
// the next row. The flags are those of rows left.
#define ROW_END \
	VADDPS        Z5, Z4, Z4           \
	VADDPS        Z7, Z6, Z6           \
	VADDPS        Z6, Z4, Z4           \
	VEXTRACTF64X4 $1, Z4, Y0           \
	VADDPS        Y0, Y4, Y4           \
	VEXTRACTF128  $1, Y4, X0           \
	VADDPS        X0, X4, X4           \
	VPERMILPS     $0x4e, X4, X0        \
	VADDPS        X0, X4, X4           \
	VMOVSHDUP     X4, X0               \
	VADDSS        X0, X4, X4           \
	VADDSS        (DI), X4, X4         \
	VMOVSS        X4, (DI)             \
	ADDQ          o_src+48(FP), SI     \
	ADDQ          o_y+64(FP), DI       \
	CMPQ          DI, o_last+40(FP)    \
	JLS           next                 \
	SUBQ          o_srcBack+56(FP), SI \
	SUBQ          o_yBack+72(FP), DI   \
next:                                  \
	DECQ          R10
