//go:build !noasm

#include "textflag.h"

// BROADCASTS sets what ROUND needs: Z28 the lowest bit kept, Z29 half of it less
// one, Z30 the quiet bit, Z31 the bits kept.
#define BROADCASTS \
	MOVL $1, AX \
	VPBROADCASTD AX, Z28 \
	MOVL $0x7fff, AX \
	VPBROADCASTD AX, Z29 \
	MOVL $0x00400000, AX \
	VPBROADCASTD AX, Z30 \
	MOVL $0xffff0000, AX \
	VPBROADCASTD AX, Z31

// ROUND rounds x to nearest even into the upper halves of y, NaN made quiet; the
// lower halves are left over. mask is scratch.
#define ROUND(x, y, mask) \
	VPSRLD $16, x, y \
	VCMPPS $3, x, x, mask \
	VPANDD Z28, y, y \
	VPADDD Z29, y, y \
	VPADDD x, y, y \
	VPORD Z30, x, mask, y

// func pairBF16AVX512(dst, src *float32, width, k int)
//
// Whole vectors of a row, then the rest under K1.
TEXT ·pairBF16AVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ width+16(FP), R8
	MOVQ k+24(FP), R9
	BROADCASTS
	MOVQ R8, CX
	ANDQ $15, CX
	MOVL $1, AX
	SHLL CX, AX
	DECL AX
	KMOVW AX, K1
	SHRQ $4, R8               // whole vectors
	MOVQ width+16(FP), R10
	SHLQ $2, R10

pair:
	CMPQ R9, $0
	JLE  done
	XORL BX, BX
	CMPQ R9, $1
	JE   last
	LEAQ (SI)(R10*1), R11     // the odd row
	MOVQ R8, CX
	TESTQ CX, CX
	JZ   rest

vector:
	VMOVUPS (SI)(BX*1), Z0
	VMOVUPS (R11)(BX*1), Z1
	ROUND(Z0, Z2, K2)
	ROUND(Z1, Z3, K3)
	VPSRLD $16, Z2, Z2
	VPANDD Z31, Z3, Z3
	VPORD Z2, Z3, Z3
	VMOVUPS Z3, (DI)(BX*1)
	ADDQ $64, BX
	DECQ CX
	JNZ  vector

rest:
	CMPQ BX, R10
	JEQ  next
	VMOVUPS.Z (SI)(BX*1), K1, Z0
	VMOVUPS.Z (R11)(BX*1), K1, Z1
	ROUND(Z0, Z2, K2)
	ROUND(Z1, Z3, K3)
	VPSRLD $16, Z2, Z2
	VPANDD Z31, Z3, Z3
	VPORD Z2, Z3, Z3
	VMOVUPS Z3, K1, (DI)(BX*1)

next:
	LEAQ (SI)(R10*2), SI
	ADDQ R10, DI
	SUBQ $2, R9
	JMP  pair

last: // a row without a partner
	MOVQ R8, CX
	TESTQ CX, CX
	JZ   lastrest

lastvector:
	VMOVUPS (SI)(BX*1), Z0
	ROUND(Z0, Z2, K2)
	VPSRLD $16, Z2, Z2
	VMOVUPS Z2, (DI)(BX*1)
	ADDQ $64, BX
	DECQ CX
	JNZ  lastvector

lastrest:
	CMPQ BX, R10
	JEQ  done
	VMOVUPS.Z (SI)(BX*1), K1, Z0
	ROUND(Z0, Z2, K2)
	VPSRLD $16, Z2, Z2
	VMOVUPS Z2, K1, (DI)(BX*1)

done:
	VZEROUPPER
	RET
