//go:build !noasm

#include "textflag.h"

// EXP2: p = 2^u for u ≤ 0, 0 below -126; r and K2 are scratch. Z16 to Z22 hold -126,
// the polynomial's coefficients and 1.
#define EXP2(u, r, p) \
	VCMPPS      $5, Z16, u, K2 \
	VREDUCEPS   $9, u, r       \
	VMOVAPS     Z21, p         \
	VFMADD213PS Z20, r, p      \
	VFMADD213PS Z19, r, p      \
	VFMADD213PS Z18, r, p      \
	VFMADD213PS Z17, r, p      \
	VFMADD213PS Z22, r, p      \
	VSCALEFPS.Z u, p, K2, p

// LANE_CONSTANTS fills Z16 to Z22, Z11 = -1 and Z15 = log2(e)·Z15.
#define LANE_CONSTANTS \
	LEAQ ·exp2Table(SB), BX     \
	VBROADCASTSS (BX), Z16      \
	VBROADCASTSS 4(BX), Z17     \
	VBROADCASTSS 8(BX), Z18     \
	VBROADCASTSS 12(BX), Z19    \
	VBROADCASTSS 16(BX), Z20    \
	VBROADCASTSS 20(BX), Z21    \
	VBROADCASTSS 24(BX), Z22    \
	VMULPS.BCST 28(BX), Z15, Z15 \
	VPTERNLOGD $0xff, Z11, Z11, Z11

// RUNS: of DX keys the vector at R8 has AX that all of its lanes see, and CX more that
// some do; to blind if there are none. BX is scratch.
#define RUNS(blind) \
	MOVQ (R8), AX    \
	LEAQ 15(AX), CX  \
	TESTQ CX, CX     \
	JLE  blind       \
	CMPQ CX, DX      \
	CMOVQGT DX, CX   \
	XORQ BX, BX      \
	CMPQ AX, BX      \
	CMOVQLT BX, AX   \
	CMPQ AX, DX      \
	CMOVQGT DX, AX   \
	SUBQ AX, CX

// TOP: Z14 = the largest of Z14 and the scores of each lane; Z9 = AX less how many
// keys each lane sees. The maximum takes scores first, so that a NaN leaves it as it
// was. SI, DX, Z0 to Z3, Z6 to Z8, Z12 and K1 are scratch.
#define TOP(loop, rest, one, edge, some, end) \
	VMOVAPS Z14, Z8       \
	VMOVAPS Z14, Z7       \
	VMOVAPS Z14, Z6       \
	MOVQ DI, SI           \
	MOVQ AX, DX           \
	SUBQ $4, DX           \
	JLT  rest             \
loop:                     \
	VMOVUPS (SI), Z0      \
	VMAXPS Z14, Z0, Z14   \
	VMOVUPS 192(SI), Z1   \
	VMAXPS Z8, Z1, Z8     \
	VMOVUPS 384(SI), Z2   \
	VMAXPS Z7, Z2, Z7     \
	VMOVUPS 576(SI), Z3   \
	VMAXPS Z6, Z3, Z6     \
	ADDQ $768, SI         \
	SUBQ $4, DX           \
	JGE  loop             \
rest:                     \
	ADDQ $4, DX           \
	JZ   edge             \
one:                      \
	VMOVUPS (SI), Z0      \
	VMAXPS Z14, Z0, Z14   \
	ADDQ $192, SI         \
	DECQ DX               \
	JNZ  one              \
edge:                     \
	VMOVDQU32 ·laneNumbers(SB), Z12 \
	VPADDD.BCST (R8), Z12, Z12      \
	VPBROADCASTD AX, Z9   \
	VPSUBD Z12, Z9, Z9    \
	VMOVDQA32 Z9, Z12     \
	MOVQ CX, DX           \
	TESTQ DX, DX          \
	JZ   end              \
some:                     \
	VPMOVD2M Z12, K1      \
	VPSUBD Z11, Z12, Z12  \
	VMOVUPS (SI), Z0      \
	VMAXPS Z14, Z0, K1, Z14 \
	ADDQ $192, SI         \
	DECQ DX               \
	JNZ  some             \
end:                      \
	VMAXPS Z8, Z14, Z14   \
	VMAXPS Z7, Z6, Z7     \
	VMAXPS Z7, Z14, Z14

// POWER: Z2 = the exponential of the score at SI, of which Z14 is the largest.
#define POWER \
	VMOVUPS (SI), Z0   \
	VSUBPS Z14, Z0, Z0 \
	VMULPS Z15, Z0, Z0 \
	EXP2(Z0, Z1, Z2)   \
	VMOVUPS Z2, (SI)

// SEEN: K1 = lanes that see the key; Z9 is one key further.
#define SEEN \
	VPMOVD2M Z9, K1 \
	VPSUBD Z11, Z9, Z9

// func laneSoftmaxAVX512(s *float32, n int, sees *int, top, sum, shrink *float32, scale float32)
//
// Vector by vector: Z14 = m, Z15 = log2(e)·scale, Z13 = the sum.
TEXT ·laneSoftmaxAVX512(SB), NOSPLIT, $0-52
	MOVQ s+0(FP), DI
	MOVQ sees+16(FP), R8
	MOVQ top+24(FP), R9
	MOVQ sum+32(FP), R10
	MOVQ shrink+40(FP), R11
	VBROADCASTSS scale+48(FP), Z15
	LANE_CONSTANTS
	MOVQ $3, R12

vector:
	MOVQ n+8(FP), DX
	RUNS(blind)
	VMOVUPS (R9), Z14
	VMOVAPS Z14, Z10
	TOP(topLoop, topRest, topOne, topEdge, topSome, topDone)
	VMOVUPS Z14, (R9)
	VSUBPS Z14, Z10, Z10
	VMULPS Z15, Z10, Z10
	EXP2(Z10, Z1, Z2)
	VPBROADCASTD AX, Z0
	VPCMPD $1, Z0, Z9, K1 // lanes that see a key
	VBLENDMPS Z2, Z22, K1, Z2
	VMOVUPS Z2, (R11)
	VMOVUPS (R10), Z13
	VMULPS Z2, Z13, Z13
	MOVQ DI, SI
	TESTQ AX, AX
	JZ   expEdge

expLoop:
	POWER
	VADDPS Z2, Z13, Z13
	ADDQ $192, SI
	DECQ AX
	JNZ  expLoop

expEdge:
	TESTQ CX, CX
	JZ   expDone

expSome:
	SEEN
	POWER
	VADDPS Z2, Z13, K1, Z13
	ADDQ $192, SI
	DECQ CX
	JNZ  expSome

expDone:
	VMOVUPS Z13, (R10)
	JMP  next

blind:
	VMOVUPS Z22, (R11)

next:
	ADDQ $64, DI
	ADDQ $8, R8
	ADDQ $64, R9
	ADDQ $64, R10
	ADDQ $64, R11
	DECQ R12
	JNZ  vector
	VZEROUPPER
	RET

// SLOPE: Z0 = the probability at SI, Z1 = the slope at SI+R13; Z13 = 1/Σ, Z10 = mean
// of dp, Z8 = scale.
#define SLOPE \
	VMULPS (SI), Z13, Z0       \
	VMOVUPS (SI)(R13*1), Z1    \
	VSUBPS Z10, Z1, Z1         \
	VMULPS Z0, Z1, Z1          \
	VMULPS Z8, Z1, Z1

// func laneSlopesAVX512(s, dp *float32, n int, sees *int, scale float32)
//
// Vector by vector: Z14 = m, Z15 = log2(e)·|scale|, Z13 = Σ e, Z10 = Σ e·dp.
TEXT ·laneSlopesAVX512(SB), NOSPLIT, $0-36
	MOVQ s+0(FP), DI
	MOVQ dp+8(FP), R13
	SUBQ DI, R13
	MOVQ sees+24(FP), R8
	VBROADCASTSS scale+32(FP), Z15
	MOVL $0x7fffffff, AX
	VPBROADCASTD AX, Z0
	VPANDD Z0, Z15, Z15
	LANE_CONSTANTS
	MOVL $0xff7fffff, AX // -MaxFloat32
	VPBROADCASTD AX, Z23
	MOVQ $3, R12

vector:
	MOVQ n+16(FP), DX
	MOVQ DI, SI
	RUNS(blind)
	VMOVAPS Z23, Z14
	TOP(topLoop, topRest, topOne, topEdge, topSome, topDone)
	VMOVDQA32 Z9, Z12
	VPXORD Z13, Z13, Z13
	VPXORD Z10, Z10, Z10
	MOVQ DI, SI
	MOVQ AX, DX
	TESTQ DX, DX
	JZ   expEdge

expLoop:
	POWER
	VADDPS Z2, Z13, Z13
	VFMADD231PS (SI)(R13*1), Z2, Z10
	ADDQ $192, SI
	DECQ DX
	JNZ  expLoop

expEdge:
	MOVQ CX, DX
	TESTQ DX, DX
	JZ   expDone

expSome:
	SEEN
	POWER
	VADDPS Z2, Z13, K1, Z13
	VFMADD231PS (SI)(R13*1), Z2, K1, Z10
	ADDQ $192, SI
	DECQ DX
	JNZ  expSome

expDone:
	VDIVPS Z13, Z22, Z13
	VMULPS Z13, Z10, Z10
	VBROADCASTSS scale+32(FP), Z8
	VMOVDQA32 Z12, Z9
	MOVQ DI, SI
	MOVQ n+16(FP), DX
	SUBQ AX, DX
	SUBQ CX, DX
	TESTQ AX, AX
	JZ   slopeEdge

slopeLoop:
	SLOPE
	VMOVUPS Z0, (SI)
	VMOVUPS Z1, (SI)(R13*1)
	ADDQ $192, SI
	DECQ AX
	JNZ  slopeLoop

slopeEdge:
	TESTQ CX, CX
	JZ   blind

slopeSome:
	SEEN
	SLOPE
	VMOVAPS.Z Z0, K1, Z0
	VMOVAPS.Z Z1, K1, Z1
	VMOVUPS Z0, (SI)
	VMOVUPS Z1, (SI)(R13*1)
	ADDQ $192, SI
	DECQ CX
	JNZ  slopeSome

blind:
	VPXORD Z0, Z0, Z0
	TESTQ DX, DX
	JZ   next

clear:
	VMOVUPS Z0, (SI)
	VMOVUPS Z0, (SI)(R13*1)
	ADDQ $192, SI
	DECQ DX
	JNZ  clear

next:
	ADDQ $64, DI
	ADDQ $8, R8
	DECQ R12
	JNZ  vector
	VZEROUPPER
	RET
