// The tile of the AVX2 GEMM kernels: row i is Y(4+2i), Y(5+2i). DI points to C,
// R8 is the length of its rows in bytes.

#define CLEAR_TILE \
	VXORPS Y4, Y4, Y4 \
	VXORPS Y5, Y5, Y5 \
	VXORPS Y6, Y6, Y6 \
	VXORPS Y7, Y7, Y7 \
	VXORPS Y8, Y8, Y8 \
	VXORPS Y9, Y9, Y9 \
	VXORPS Y10, Y10, Y10 \
	VXORPS Y11, Y11, Y11 \
	VXORPS Y12, Y12, Y12 \
	VXORPS Y13, Y13, Y13 \
	VXORPS Y14, Y14, Y14 \
	VXORPS Y15, Y15, Y15

// FETCH_TILE: C's rows arrive while the products run. R9 and R10 are scratch.
#define FETCH_TILE \
	MOVQ DI, R9 \
	LEAQ (R8)(R8*2), R10 \
	PREFETCHT0 (R9) \
	PREFETCHT0 (R9)(R8*1) \
	PREFETCHT0 (R9)(R8*2) \
	ADDQ R10, R9 \
	PREFETCHT0 (R9) \
	PREFETCHT0 (R9)(R8*1) \
	PREFETCHT0 (R9)(R8*2)

#define STORE(lo, hi) \
	VMOVUPS lo, (DI) \
	VMOVUPS hi, 32(DI) \
	ADDQ R8, DI

#define ADDROW(lo, hi) \
	VADDPS (DI), lo, lo \
	VADDPS 32(DI), hi, hi \
	VMOVUPS lo, (DI) \
	VMOVUPS hi, 32(DI) \
	ADDQ R8, DI

#define STORE_ROWS \
	STORE(Y4, Y5) \
	STORE(Y6, Y7) \
	STORE(Y8, Y9) \
	STORE(Y10, Y11) \
	STORE(Y12, Y13) \
	STORE(Y14, Y15)

#define STORE_TILE \
	STORE_ROWS \
	VZEROUPPER \
	RET

#define ADD_ROWS \
	ADDROW(Y4, Y5) \
	ADDROW(Y6, Y7) \
	ADDROW(Y8, Y9) \
	ADDROW(Y10, Y11) \
	ADDROW(Y12, Y13) \
	ADDROW(Y14, Y15)

#define ADD_TILE \
	ADD_ROWS \
	VZEROUPPER \
	RET
