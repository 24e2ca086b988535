// The tile of the AVX-512 GEMM kernels: row i is Z(8+2i), Z(9+2i), i < 12. DI
// points to C, R8 is the length of its rows in bytes.
//
// 12×32 has 24 sums, which covers four cycles of latency at two FMA a cycle three
// times over, and takes 14 loads for 24 FMA, of 24 that there is time for: some more can
// save instructions. 14×32 would take 16 for 28, no better, leave nothing for B and A to
// run ahead in, and pad M to multiples of 14.

#include "clearavx512_amd64.h"

// FETCH3 fetches three rows of C.
#define FETCH3 \
	PREFETCHT0 (R9) \
	PREFETCHT0 64(R9) \
	PREFETCHT0 (R9)(R8*1) \
	PREFETCHT0 64(R9)(R8*1) \
	PREFETCHT0 (R9)(R8*2) \
	PREFETCHT0 64(R9)(R8*2) \
	ADDQ R10, R9

// FETCH_TILE: C's rows arrive while the products run. R9 and R10 are scratch.
#define FETCH_TILE \
	MOVQ DI, R9 \
	LEAQ (R8)(R8*2), R10 \
	FETCH3 \
	FETCH3 \
	FETCH3 \
	FETCH3

// MASKS turns the number of columns in AX, 1 to 32, into K1 for the first 16 and
// K2 for the others. BX and CX are scratch.
#define MASKS \
	MOVL $32, CX \
	SUBL AX, CX \
	MOVL $-1, BX \
	SHRL CX, BX \
	KMOVW BX, K1 \
	SHRL $16, BX \
	KMOVW BX, K2

// STORE and ADDROW write a row and go to the label done after the last of R13 rows.
#define STORE(lo, hi) \
	VMOVUPS lo, K1, (DI) \
	VMOVUPS hi, K2, 64(DI) \
	ADDQ R8, DI \
	DECQ R13 \
	JZ   done

#define ADDROW(lo, hi) \
	VADDPS (DI), lo, K1, lo \
	VADDPS 64(DI), hi, K2, hi \
	STORE(lo, hi)

#define STORE_TILE \
	STORE(Z8, Z9) \
	STORE(Z10, Z11) \
	STORE(Z12, Z13) \
	STORE(Z14, Z15) \
	STORE(Z16, Z17) \
	STORE(Z18, Z19) \
	STORE(Z20, Z21) \
	STORE(Z22, Z23) \
	STORE(Z24, Z25) \
	STORE(Z26, Z27) \
	STORE(Z28, Z29) \
	STORE(Z30, Z31)

#define ADD_TILE \
	ADDROW(Z8, Z9) \
	ADDROW(Z10, Z11) \
	ADDROW(Z12, Z13) \
	ADDROW(Z14, Z15) \
	ADDROW(Z16, Z17) \
	ADDROW(Z18, Z19) \
	ADDROW(Z20, Z21) \
	ADDROW(Z22, Z23) \
	ADDROW(Z24, Z25) \
	ADDROW(Z26, Z27) \
	ADDROW(Z28, Z29) \
	ADDROW(Z30, Z31)
