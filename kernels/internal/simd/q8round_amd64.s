//go:build !noasm

#include "textflag.h"

// ROUND_BEGIN and ROUND are the rounding of blocks of 32 numbers. Magnitudes are compared
// as integers, whose order is theirs, NaN above all: X14 is the largest of all, X13 the
// smallest largest one of a block less one, which leaves out zeros.
#define ROUND_BEGIN \
	LEAQ     ·q8Table(SB), R10                    \
	VMOVDQU  288(R10), Y8        /* 127 */        \
	VMOVDQU  320(R10), Y9        /* order of packed words */ \
	VMOVDQU  256(R10), Y10       /* words of 1 */ \
	VPCMPEQD Y15, Y15, Y15                        \
	VPSRLD   $1, Y15, Y12        /* all but signs */ \
	VPABSB   Y15, Y11            /* bytes of 1 */ \
	VPXOR    X14, X14, X14                        \
	VMOVDQA  X15, X13                             \
	VPXOR    Y7, Y7, Y7

// ROUND sets Y0 to the codes of the block at SI, Y1 to their sums by four, and X4 to their
// scale.
#define ROUND \
	VMOVUPS      (SI), Y0       \
	VMOVUPS      32(SI), Y1     \
	VMOVUPS      64(SI), Y2     \
	VMOVUPS      96(SI), Y3     \
	VPAND        Y12, Y0, Y4    \
	VPAND        Y12, Y1, Y5    \
	VPMAXUD      Y5, Y4, Y4     \
	VPAND        Y12, Y2, Y5    \
	VPAND        Y12, Y3, Y6    \
	VPMAXUD      Y6, Y5, Y5     \
	VPMAXUD      Y5, Y4, Y4     \
	VEXTRACTI128 $1, Y4, X5     \
	VPMAXUD      X5, X4, X4     \
	VPSHUFD      $0x4e, X4, X5  \
	VPMAXUD      X5, X4, X4     \
	VPSHUFD      $0xb1, X4, X5  \
	VPMAXUD      X5, X4, X4     \
	VPMAXUD      X4, X14, X14   \
	VPADDD       X15, X4, X5    \
	VPMINUD      X5, X13, X13   \
	VPCMPEQD     X7, X4, X6     \
	VDIVSS       X4, X8, X5     \
	VPANDN       X5, X6, X5     /* 127/max, or 0 */ \
	VDIVSS       X8, X4, X4     \
	VBROADCASTSS X5, Y5         \
	VMULPS       Y5, Y0, Y0     \
	VMULPS       Y5, Y1, Y1     \
	VMULPS       Y5, Y2, Y2     \
	VMULPS       Y5, Y3, Y3     \
	VCVTPS2DQ    Y0, Y0         \
	VCVTPS2DQ    Y1, Y1         \
	VCVTPS2DQ    Y2, Y2         \
	VCVTPS2DQ    Y3, Y3         \
	VPACKSSDW    Y1, Y0, Y0     \
	VPACKSSDW    Y3, Y2, Y2     \
	VPACKSSWB    Y2, Y0, Y0     \
	VPERMD       Y0, Y9, Y0     \
	VPMADDUBSW   Y0, Y11, Y1    \
	VPMADDWD     Y10, Y1, Y1

// func roundQ8AVX2(q *int8, d *float32, sums *int32, x *float32, blocks int) (most, least uint32)
TEXT ·roundQ8AVX2(SB), NOSPLIT, $0-48
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ sums+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ blocks+32(FP), CX
	ROUND_BEGIN

block:
	ROUND
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, (R9)
	VMOVSS X4, (R8)
	ADDQ $128, SI
	ADDQ $32, DI
	ADDQ $4, R8
	ADDQ $32, R9
	DECQ CX
	JNZ  block
	VMOVD X14, AX
	MOVL AX, most+40(FP)
	VMOVD X13, AX
	MOVL AX, least+44(FP)
	VZEROUPPER
	RET

// func roundRowQ8AVX2(q, scales *float32, x *float32, blocks int) (most, least uint32)
//
// Sums times -128 are negative and shifted by 7.
TEXT ·roundRowQ8AVX2(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), DI
	MOVQ scales+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ blocks+24(FP), CX
	ROUND_BEGIN

block:
	ROUND
	VMOVDQU Y0, (DI)
	VMOVSS X4, (R8)
	VEXTRACTI128 $1, Y1, X2
	VPHADDD X2, X1, X1
	VPHADDD X1, X1, X1          // sums of 16 and 16, twice
	VPSHUFD $0xb1, X1, X2
	VPADDD X1, X2, X2           // of all
	VCVTDQ2PS X2, X3
	VMULSS X4, X3, X3
	VMOVSS X3, 64(R8)
	VPSUBD X2, X7, X2
	VPSLLD $7, X2, X2
	VMOVD X2, 128(R8)
	VPSUBD X1, X7, X1
	VPSLLD $7, X1, X1
	VMOVD X1, 192(R8)
	ADDQ $128, SI
	ADDQ $768, DI
	ADDQ $768, R8
	DECQ CX
	JNZ  block
	VMOVD X14, AX
	MOVL AX, most+32(FP)
	VMOVD X13, AX
	MOVL AX, least+36(FP)
	VZEROUPPER
	RET

// func unroundQ8AVX2(dst *float32, q *int8, d *float32, blocks int)
TEXT ·unroundQ8AVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ d+16(FP), R8
	MOVQ blocks+24(FP), CX

block:
	VBROADCASTSS (R8), Y4
	VPMOVSXBD (SI), Y0
	VPMOVSXBD 8(SI), Y1
	VPMOVSXBD 16(SI), Y2
	VPMOVSXBD 24(SI), Y3
	VCVTDQ2PS Y0, Y0
	VCVTDQ2PS Y1, Y1
	VCVTDQ2PS Y2, Y2
	VCVTDQ2PS Y3, Y3
	VMULPS Y4, Y0, Y0
	VMULPS Y4, Y1, Y1
	VMULPS Y4, Y2, Y2
	VMULPS Y4, Y3, Y3
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ $32, SI
	ADDQ $4, R8
	ADDQ $128, DI
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET
