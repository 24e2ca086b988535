//go:build !noasm

#include "textflag.h"

// A tile is 6 keys by 64 columns, or by 32 at the end: 24 sums and 12, of which the
// latter still cover the latency of a fused product at two a cycle. Row i is Z(8+4i) to
// Z(11+4i), of which the second half is idle with 32 columns.

#define ZERO4(a, b, c, d) \
	VPXORD a, a, a \
	VPXORD b, b, b \
	VPXORD c, c, c \
	VPXORD d, d, d

#define GET4(a, b, c, d) \
	VMOVUPS.Z (R9), K1, a     \
	VMOVUPS.Z 64(R9), K2, b   \
	VMOVUPS.Z 128(R9), K3, c  \
	VMOVUPS.Z 192(R9), K4, d  \
	ADDQ R8, R9               \
	DECQ R10                  \
	JZ   begin

#define PUT4(a, b, c, d) \
	VMOVUPS a, K1, (DI)     \
	VMOVUPS b, K2, 64(DI)   \
	VMOVUPS c, K3, 128(DI)  \
	VMOVUPS d, K4, 192(DI)  \
	ADDQ R8, DI             \
	DECQ R13                \
	JZ   done

#define ROW4(at, s, a, b, c, d) \
	VBROADCASTSS at, s   \
	VFMADD231PS Z0, s, a \
	VFMADD231PS Z1, s, b \
	VFMADD231PS Z2, s, c \
	VFMADD231PS Z3, s, d

#define STEP4(off) \
	VMOVUPS.Z (DX), K1, Z0     \
	VMOVUPS.Z 64(DX), K2, Z1   \
	VMOVUPS.Z 128(DX), K3, Z2  \
	VMOVUPS.Z 192(DX), K4, Z3  \
	ADDQ R11, DX               \
	ROW4(off(SI), Z4, Z8, Z9, Z10, Z11)       \
	ROW4(off+192(SI), Z5, Z12, Z13, Z14, Z15) \
	ROW4(off+384(SI), Z6, Z16, Z17, Z18, Z19) \
	ROW4(off+576(SI), Z7, Z20, Z21, Z22, Z23) \
	ROW4(off+768(SI), Z4, Z24, Z25, Z26, Z27) \
	ROW4(off+960(SI), Z5, Z28, Z29, Z30, Z31)

// func laneOuterAVX512(c *float32, ldc int, p, b *float32, ldb, m, k, cols, step int, add bool)
//
// c[i·ldc+j] (+)= Σ_l p[48i+l]·b[l·ldb+j]   i < m, j < cols ≤ 64, i/6·step ≤ l < k
TEXT ·laneOuterAVX512(SB), NOSPLIT, $0-73
	MOVQ c+0(FP), DI
	MOVQ ldc+8(FP), R8
	MOVQ p+16(FP), AX
	MOVQ b+24(FP), BX
	MOVQ ldb+32(FP), R11
	MOVQ m+40(FP), R13
	MOVQ k+48(FP), R12
	MOVQ cols+56(FP), CX
	SHLQ $2, R8
	SHLQ $2, R11
	MOVQ $-1, R9
	BZHIQ CX, R9, R9
	CMPQ CX, $64
	JLT  masks
	MOVQ $-1, R9

masks:
	KMOVW R9, K1
	SHRQ $16, R9
	KMOVW R9, K2
	SHRQ $16, R9
	KMOVW R9, K3
	SHRQ $16, R9
	KMOVW R9, K4

tile:
	ZERO4(Z8, Z9, Z10, Z11)
	ZERO4(Z12, Z13, Z14, Z15)
	ZERO4(Z16, Z17, Z18, Z19)
	ZERO4(Z20, Z21, Z22, Z23)
	ZERO4(Z24, Z25, Z26, Z27)
	ZERO4(Z28, Z29, Z30, Z31)
	CMPB add+72(FP), $0
	JEQ  begin
	MOVQ DI, R9
	MOVQ R13, R10
	GET4(Z8, Z9, Z10, Z11)
	GET4(Z12, Z13, Z14, Z15)
	GET4(Z16, Z17, Z18, Z19)
	GET4(Z20, Z21, Z22, Z23)
	GET4(Z24, Z25, Z26, Z27)
	GET4(Z28, Z29, Z30, Z31)

begin:
	MOVQ AX, SI
	MOVQ BX, DX
	MOVQ R12, CX
	SUBQ $4, CX
	JLT  rest

loop:
	STEP4(0)
	STEP4(4)
	STEP4(8)
	STEP4(12)
	ADDQ $16, SI
	SUBQ $4, CX
	JGE  loop

rest:
	ADDQ $4, CX
	JLE  write

one:
	STEP4(0)
	ADDQ $4, SI
	DECQ CX
	JNZ  one

write:
	MOVQ step+64(FP), CX
	SUBQ CX, R12
	LEAQ 1152(AX)(CX*4), AX
	IMULQ R11, CX
	ADDQ CX, BX
	PUT4(Z8, Z9, Z10, Z11)
	PUT4(Z12, Z13, Z14, Z15)
	PUT4(Z16, Z17, Z18, Z19)
	PUT4(Z20, Z21, Z22, Z23)
	PUT4(Z24, Z25, Z26, Z27)
	PUT4(Z28, Z29, Z30, Z31)
	JMP  tile

done:
	VZEROUPPER
	RET
