// What the AVX2 kernels that take parts of tiles have in common. DI points to C,
// R8 is the length of its rows in bytes, R10 the number of columns, R14 not 0 to
// add to C.

// EDGE_TILE writes AX rows of the tile, cols columns of each. The tile goes to the
// frame, 64 bytes a row, takes the rows of C on if it is added to them, and is
// copied in pieces of 8, 4, 2 and 1: storing under a mask takes AMD's Zen longer.
#define EDGE_TILE \
	VMOVUPS Y4, 0(SP)    \
	VMOVUPS Y5, 32(SP)   \
	VMOVUPS Y6, 64(SP)   \
	VMOVUPS Y7, 96(SP)   \
	VMOVUPS Y8, 128(SP)  \
	VMOVUPS Y9, 160(SP)  \
	VMOVUPS Y10, 192(SP) \
	VMOVUPS Y11, 224(SP) \
	VMOVUPS Y12, 256(SP) \
	VMOVUPS Y13, 288(SP) \
	VMOVUPS Y14, 320(SP) \
	VMOVUPS Y15, 352(SP) \
	LEAQ    ·edgeMask(SB), CX \
	MOVQ    $16, DX      \
	SUBQ    R10, DX      \
	VMOVUPS (CX)(DX*4), Y0   \
	VMOVUPS 32(CX)(DX*4), Y1 \
	LEAQ    0(SP), BX    \
	                     \
edgeRow:                 \
	TESTQ   R14, R14     \
	JZ      edgeCopy     \
	VMASKMOVPS (DI), Y0, Y2   \
	VMASKMOVPS 32(DI), Y1, Y3 \
	VADDPS  (BX), Y2, Y2 \
	VADDPS  32(BX), Y3, Y3 \
	VMOVUPS Y2, (BX)     \
	VMOVUPS Y3, 32(BX)   \
	                     \
edgeCopy:                \
	MOVQ    BX, CX       \
	MOVQ    DI, DX       \
	TESTQ   $16, R10     \
	JZ      edge8        \
	VMOVUPS (CX), Y2     \
	VMOVUPS 32(CX), Y3   \
	VMOVUPS Y2, (DX)     \
	VMOVUPS Y3, 32(DX)   \
	JMP     edgeNext     \
	                     \
edge8:                   \
	TESTQ   $8, R10      \
	JZ      edge4        \
	VMOVUPS (CX), Y2     \
	VMOVUPS Y2, (DX)     \
	ADDQ    $32, CX      \
	ADDQ    $32, DX      \
	                     \
edge4:                   \
	TESTQ   $4, R10      \
	JZ      edge2        \
	VMOVUPS (CX), X2     \
	VMOVUPS X2, (DX)     \
	ADDQ    $16, CX      \
	ADDQ    $16, DX      \
	                     \
edge2:                   \
	TESTQ   $2, R10      \
	JZ      edge1        \
	VMOVSD  (CX), X2     \
	VMOVSD  X2, (DX)     \
	ADDQ    $8, CX       \
	ADDQ    $8, DX       \
	                     \
edge1:                   \
	TESTQ   $1, R10      \
	JZ      edgeNext     \
	VMOVSS  (CX), X2     \
	VMOVSS  X2, (DX)     \
	                     \
edgeNext:                \
	ADDQ    R8, DI       \
	ADDQ    $64, BX      \
	DECQ    AX           \
	JNZ     edgeRow

// ROW multiplies the broadcast element at mem by the step's columns of B in Y0, Y1.
#define ROW(mem, y, lo, hi) \
	VBROADCASTSS mem, y    \
	VFMADD231PS  Y0, y, lo \
	VFMADD231PS  Y1, y, hi
