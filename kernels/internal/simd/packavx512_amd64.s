//go:build !noasm

#include "textflag.h"
#include "turn16_amd64.h"

// COLUMNS stores columns c, 4+c, 8+c and 12+c, DX = dst + c·width: the quarters of
// u0 (rows 0 to 3), u1, u2, u3 are exchanged.
#define COLUMNS(u0, u1, u2, u3) \
	VSHUFF32X4 $0x44, u1, u0, Z16 \
	VSHUFF32X4 $0xee, u1, u0, Z17 \
	VSHUFF32X4 $0x44, u3, u2, Z18 \
	VSHUFF32X4 $0xee, u3, u2, Z19 \
	VSHUFF32X4 $0x88, Z18, Z16, Z20 \
	VSHUFF32X4 $0xdd, Z18, Z16, Z21 \
	VSHUFF32X4 $0x88, Z19, Z17, Z22 \
	VSHUFF32X4 $0xdd, Z19, Z17, Z23 \
	VMOVUPS Z20, K1, (DX) \
	VMOVUPS Z21, K1, (DX)(R8*4) \
	VMOVUPS Z22, K1, (DX)(R8*8) \
	VMOVUPS Z23, K1, (DX)(R11*4)

// func interleaveAVX512(dst *float32, width int, src *float32, stride, rows, blocks int)
//
// Blocks of 16 columns. K1 has a bit for each row.
TEXT ·interleaveAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ width+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ stride+24(FP), R9
	MOVQ rows+32(FP), AX
	MOVQ blocks+40(FP), CX
	SHLQ $2, R8
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10      // three rows of src
	LEAQ (R8)(R8*2), R11      // three columns
	MOVL $0xffff, R12
	CMPQ AX, $16
	JEQ  mask
	MOVL $0x0fff, R12

mask:
	KMOVW R12, K1

block:
	LEAQ (SI)(R9*4), BX
	VMOVUPS (SI), Z0
	VMOVUPS (SI)(R9*1), Z1
	VMOVUPS (SI)(R9*2), Z2
	VMOVUPS (SI)(R10*1), Z3
	VMOVUPS (BX), Z4
	VMOVUPS (BX)(R9*1), Z5
	VMOVUPS (BX)(R9*2), Z6
	VMOVUPS (BX)(R10*1), Z7
	LEAQ (BX)(R9*4), BX
	VMOVUPS (BX), Z8
	VMOVUPS (BX)(R9*1), Z9
	VMOVUPS (BX)(R9*2), Z10
	VMOVUPS (BX)(R10*1), Z11
	CMPQ AX, $16
	JNE  twelve
	LEAQ (BX)(R9*4), BX
	VMOVUPS (BX), Z12
	VMOVUPS (BX)(R9*1), Z13
	VMOVUPS (BX)(R9*2), Z14
	VMOVUPS (BX)(R10*1), Z15

twelve:
	TURN_QUARTERS
	MOVQ DI, DX
	COLUMNS(Z0, Z4, Z8, Z12)
	ADDQ R8, DX
	COLUMNS(Z1, Z5, Z9, Z13)
	ADDQ R8, DX
	COLUMNS(Z2, Z6, Z10, Z14)
	ADDQ R8, DX
	COLUMNS(Z3, Z7, Z11, Z15)
	LEAQ (DI)(R8*8), DI
	LEAQ (DI)(R8*8), DI
	ADDQ $64, SI
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET

// func gather32AVX512(dst, src *float32, stride, panels, k int)
TEXT ·gather32AVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ panels+24(FP), R10
	MOVQ k+32(FP), CX
	SHLQ $2, R9
	MOVQ CX, R8
	SHLQ $7, R8               // a panel

row32:
	MOVQ SI, BX
	MOVQ DI, DX
	MOVQ R10, AX

panel32:
	VMOVUPS (BX), Z0
	VMOVUPS 64(BX), Z1
	VMOVUPS Z0, (DX)
	VMOVUPS Z1, 64(DX)
	ADDQ $128, BX
	ADDQ R8, DX
	DECQ AX
	JNZ  panel32
	ADDQ R9, SI
	ADDQ $128, DI
	DECQ CX
	JNZ  row32
	VZEROUPPER
	RET

// func gather12AVX512(dst, src *float32, stride, panels, k int)
TEXT ·gather12AVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ panels+24(FP), R10
	MOVQ k+32(FP), CX
	SHLQ $2, R9
	IMUL3Q $48, CX, R8        // a panel

row12:
	MOVQ SI, BX
	MOVQ DI, DX
	MOVQ R10, AX

panel12:
	VMOVUPS (BX), Y0
	VMOVUPS 32(BX), X1
	VMOVUPS Y0, (DX)
	VMOVUPS X1, 32(DX)
	ADDQ $48, BX
	ADDQ R8, DX
	DECQ AX
	JNZ  panel12
	ADDQ R9, SI
	ADDQ $48, DI
	DECQ CX
	JNZ  row12
	VZEROUPPER
	RET
