//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// func maxAVX512(x *float32, n int) (largest float32, nan bool)
//
// Z4 to Z7 are maxima; K3 has bits where a NaN was: one comparison sees two vectors.
TEXT ·maxAVX512(SB), NOSPLIT, $0-21
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	MOVL $0xff800000, AX
	VPBROADCASTD AX, Z4
	VMOVAPS Z4, Z5
	VMOVAPS Z4, Z6
	VMOVAPS Z4, Z7
	KXORW K3, K3, K3

four:
	CMPQ CX, $64
	JLT  one
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	VMAXPS Z0, Z4, Z4
	VMAXPS Z1, Z5, Z5
	VMAXPS Z2, Z6, Z6
	VMAXPS Z3, Z7, Z7
	VCMPPS $3, Z0, Z1, K1
	VCMPPS $3, Z2, Z3, K2
	KORW K1, K3, K3
	KORW K2, K3, K3
	ADDQ $256, SI
	SUBQ $64, CX
	JMP  four

one:
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	VMAXPS Z0, Z4, Z4
	VCMPPS $3, Z0, Z0, K1
	KORW K1, K3, K3
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMAXPS Z0, Z4, K1, Z4
	VCMPPS $3, Z0, Z0, K1
	KORW K1, K3, K3

done:
	VMAXPS Z5, Z4, Z4
	VMAXPS Z7, Z6, Z6
	VMAXPS Z6, Z4, Z4
	LARGEST512(Z4, Y4, X4, Y0, X0)
	VMOVSS X4, largest+16(FP)
	KTESTW K3, K3
	SETNE nan+20(FP)
	VZEROUPPER
	RET
