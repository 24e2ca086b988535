//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "reduce_amd64.h"

// func dotAVX2(x, y *float32, n int) float32
//
// y is fetched a kilobyte ahead: it may be a weight that no cache holds.
TEXT ·dotAVX2(SB), NOSPLIT, $0-28
	MOVQ x+0(FP), SI
	MOVQ y+8(FP), DX
	MOVQ n+16(FP), CX
	CLEAR4

four:
	CMPQ CX, $32
	JLT  one
	PREFETCHT0 1024(DX)
	PREFETCHT0 1088(DX)
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VFMADD231PS (DX), Y0, Y4
	VFMADD231PS 32(DX), Y1, Y5
	VFMADD231PS 64(DX), Y2, Y6
	VFMADD231PS 96(DX), Y3, Y7
	ADDQ $128, SI
	ADDQ $128, DX
	SUBQ $32, CX
	JMP  four

one:
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VFMADD231PS (DX)(AX*4), Y0, Y4
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VMASKMOVPS (DX)(AX*4), Y15, Y1
	VFMADD231PS Y1, Y0, Y4

done:
	FOLD4
	VMOVSS X4, ret+24(FP)
	VZEROUPPER
	RET

// func sumAVX2(x *float32, n int) float32
TEXT ·sumAVX2(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	CLEAR4

four:
	CMPQ CX, $32
	JLT  one
	VADDPS (SI), Y4, Y4
	VADDPS 32(SI), Y5, Y5
	VADDPS 64(SI), Y6, Y6
	VADDPS 96(SI), Y7, Y7
	ADDQ $128, SI
	SUBQ $32, CX
	JMP  four

one:
	EACH(loop, rest)
	VADDPS (SI)(AX*4), Y4, Y4
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VADDPS Y0, Y4, Y4

done:
	FOLD4
	VMOVSS X4, ret+16(FP)
	VZEROUPPER
	RET

// func maxAVX2(x *float32, n int) (largest float32, nan bool)
//
// Y4 is the maximum, Y5 has bits where a NaN was. Y12 = -Inf fills the rest.
TEXT ·maxAVX2(SB), NOSPLIT, $0-21
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	MOVL $0xff800000, AX
	MOVQ AX, X12
	VBROADCASTSS X12, Y12
	VMOVAPS Y12, Y4
	VXORPS Y5, Y5, Y5
	EACH(loop, rest)
	VMOVUPS (SI)(AX*4), Y0
	VMAXPS Y0, Y4, Y4
	VCMPPS $3, Y0, Y0, Y1
	VORPS Y1, Y5, Y5
	LAST(loop, rest, done)
	VMASKMOVPS (SI)(AX*4), Y15, Y0
	VBLENDVPS Y15, Y0, Y12, Y0
	VMAXPS Y0, Y4, Y4
	VCMPPS $3, Y0, Y0, Y1
	VORPS Y1, Y5, Y5

done:
	VEXTRACTF128 $1, Y4, X0
	VMAXPS X0, X4, X4
	VPERMILPS $0x4e, X4, X0
	VMAXPS X0, X4, X4
	VPERMILPS $0xb1, X4, X0
	VMAXPS X0, X4, X4
	VMOVSS X4, largest+16(FP)
	VMOVMSKPS Y5, AX
	TESTL AX, AX
	SETNE nan+20(FP)
	VZEROUPPER
	RET
