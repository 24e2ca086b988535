//go:build !noasm

#include "go_asm.h"
#include "textflag.h"
#include "turn16_amd64.h"

// VCVTNE2PS2BF16(lo, hi, d) rounds 16 floats of Zlo to the first 16 halves of Zd and those
// of Zhi to the others, to nearest even, denormals to zeros. Go's assembler does not know
// it. EVEX.512.F2.0F38.W0 72 /r is 62, then the inverted high bits of d, lo, lo and d in
// bits 7 to 4 and 2 for the map; the inverted hi in bits 6 to 3, bit 2 set, and 3 for F2;
// 512 bits unmasked and the inverted bit 4 of hi; the opcode; ModRM of two registers.
#define VCVTNE2PS2BF16(lo, hi, d) \
	BYTE $0x62; \
	BYTE $(((~d&8)<<4)|((~lo&16)<<2)|((~lo&8)<<2)|(~d&16)|2); \
	BYTE $(((~hi&15)<<3)|7); \
	BYTE $(0x40|((~hi&16)>>1)); \
	BYTE $0x72; \
	BYTE $(0xc0|((d&7)<<3)|(lo&7))

// PART rounds what is left in Z0 and Z1 to Z2, and stores that in the order of Z29.
#define PART(to) \
	VCVTNE2PS2BF16(0, 1, 2) \
	VPERMW Z2, Z29, Z3 \
	VMOVDQU32 Z3, to

// REST takes from Z0 and Z1 what Z2 has of them.
#define REST \
	VEXTRACTI64X4 $1, Z2, Y5 \
	VPMOVZXWD Y2, Z4 \
	VPMOVZXWD Y5, Z5 \
	VPSLLD $16, Z4, Z4 \
	VPSLLD $16, Z5, Z5 \
	VSUBPS Z4, Z0, Z0 \
	VSUBPS Z5, Z1, Z1

// LARGEST keeps the largest bits but signs, Z30, in Z31.
#define LARGEST \
	VPANDD Z0, Z30, Z6 \
	VPANDD Z1, Z30, Z7 \
	VPMAXUD Z6, Z31, Z31 \
	VPMAXUD Z7, Z31, Z31

#define PARTS1 PART((DI))
#define PARTS2 \
	LARGEST \
	PARTS1 \
	REST \
	PART((DI)(R12*1))
#define PARTS3 \
	PARTS2 \
	REST \
	PART((DI)(R12*2))

// ROWS is the body: SI and DI walk along a row, R13 and BX are where it begins. What stands
// four rows further is fetched ahead: rows are no longer than a few lines, and each would
// begin with waiting for memory.
#define ROWS(PARTS) \
	MOVQ r+0(FP), AX \
	MOVQ splitRows_src(AX), R13 \
	MOVQ splitRows_dst(AX), BX \
	MOVQ splitRows_second(AX), R9 \
	MOVQ splitRows_srcStep(AX), R10 \
	MOVQ splitRows_dstStep(AX), R11 \
	MOVQ splitRows_part(AX), R12 \
	MOVQ splitRows_rows(AX), R8 \
	MOVQ splitRows_srcRow(AX), R14 \
	SHLQ $2, R14 \
	MOVQ splitRows_index(AX), CX \
	VMOVDQU32 (CX), Z29 \
	KMOVW splitRows_low(AX), K1 \
	KMOVW splitRows_high(AX), K2 \
	KMOVW splitRows_tail(AX), K3 \
	MOVL $0x7fffffff, CX \
	VPBROADCASTD CX, Z30 \
	VPXORD Z31, Z31, Z31 \
row: \
	MOVQ R13, SI \
	MOVQ BX, DI \
	MOVQ splitRows_vectors(AX), CX \
	DECQ CX \
	JZ   last \
vector: \
	LEAQ (SI)(R14*1), R15 \
	PREFETCHT0 (R15) \
	PREFETCHT0 (R15)(R9*1) \
	VMOVUPS (SI), Z0 \
	VMOVUPS.Z (SI)(R9*1), K3, Z1 \
	PARTS \
	ADDQ R10, SI \
	ADDQ R11, DI \
	DECQ CX \
	JNZ  vector \
last: \
	VMOVUPS.Z (SI), K1, Z0 \
	VMOVUPS.Z (SI)(R9*1), K2, Z1 \
	PARTS \
	ADDQ splitRows_srcRow(AX), R13 \
	ADDQ splitRows_dstRow(AX), BX \
	DECQ R8 \
	JNZ  row \
	VEXTRACTI64X4 $1, Z31, Y0 \
	VPMAXUD Y31, Y0, Y0 \
	VEXTRACTI128 $1, Y0, X1 \
	VPMAXUD X1, X0, X0 \
	VPSHUFD $0x4e, X0, X1 \
	VPMAXUD X1, X0, X0 \
	VPSHUFD $0xb1, X0, X1 \
	VPMAXUD X1, X0, X0 \
	VMOVD X0, CX \
	CMPL CX, splitRows_largest(AX) \
	JLS  done \
	MOVL CX, splitRows_largest(AX) \
done: \
	VZEROUPPER \
	RET

// func split1AVX512(r *splitRows)
TEXT ·split1AVX512(SB), NOSPLIT, $0-8
	ROWS(PARTS1)

// func split2AVX512(r *splitRows)
TEXT ·split2AVX512(SB), NOSPLIT, $0-8
	ROWS(PARTS2)

// func split3AVX512(r *splitRows)
TEXT ·split3AVX512(SB), NOSPLIT, $0-8
	ROWS(PARTS3)

// COLUMNS stores columns c, 4+c, 8+c and 12+c of the rows 0 to 3 in u0, 4 to 7 in u1 and
// so on.
#define COLUMNS(u0, u1, u2, u3, c) \
	VSHUFI32X4 $0x44, u1, u0, Z16 \
	VSHUFI32X4 $0xee, u1, u0, Z17 \
	VSHUFI32X4 $0x44, u3, u2, Z18 \
	VSHUFI32X4 $0xee, u3, u2, Z19 \
	VSHUFI32X4 $0x88, Z18, Z16, Z20 \
	VSHUFI32X4 $0xdd, Z18, Z16, Z21 \
	VSHUFI32X4 $0x88, Z19, Z17, Z22 \
	VSHUFI32X4 $0xdd, Z19, Z17, Z23 \
	VMOVDQU32 Z20, (64*c)(DI) \
	VMOVDQU32 Z21, (64*c+256)(DI) \
	VMOVDQU32 Z22, (64*c+512)(DI) \
	VMOVDQU32 Z23, (64*c+768)(DI)

// func turnTilesAVX512(dst, src *float32, stride, step, tiles int)
TEXT ·turnTilesAVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ step+24(FP), R11
	MOVQ tiles+32(FP), CX
	LEAQ (R9)(R9*2), R10
	LEAQ (SI)(R9*8), DX

tile:
	LEAQ (SI)(R9*4), BX
	LEAQ (DX)(R9*4), AX
	VMOVDQU32 (SI), Z0
	VMOVDQU32 (SI)(R9*1), Z1
	VMOVDQU32 (SI)(R9*2), Z2
	VMOVDQU32 (SI)(R10*1), Z3
	VMOVDQU32 (BX), Z4
	VMOVDQU32 (BX)(R9*1), Z5
	VMOVDQU32 (BX)(R9*2), Z6
	VMOVDQU32 (BX)(R10*1), Z7
	VMOVDQU32 (DX), Z8
	VMOVDQU32 (DX)(R9*1), Z9
	VMOVDQU32 (DX)(R9*2), Z10
	VMOVDQU32 (DX)(R10*1), Z11
	VMOVDQU32 (AX), Z12
	VMOVDQU32 (AX)(R9*1), Z13
	VMOVDQU32 (AX)(R9*2), Z14
	VMOVDQU32 (AX)(R10*1), Z15
	TURN_QUARTERS
	COLUMNS(Z0, Z4, Z8, Z12, 0)
	COLUMNS(Z1, Z5, Z9, Z13, 1)
	COLUMNS(Z2, Z6, Z10, Z14, 2)
	COLUMNS(Z3, Z7, Z11, Z15, 3)
	ADDQ R11, SI
	ADDQ R11, DX
	ADDQ $1024, DI
	DECQ CX
	JNZ  tile
	VZEROUPPER
	RET

// func pairRowsAVX512(dst *float32, src *uint16, stride, pairs int, mask uint32)
TEXT ·pairRowsAVX512(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ pairs+24(FP), CX
	MOVL mask+32(FP), AX
	KMOVW AX, K1

pair:
	VPMOVZXWD.Z (SI), K1, Z0
	VPMOVZXWD.Z (SI)(R9*1), K1, Z1
	VPSLLD $16, Z1, Z1
	VPORD Z0, Z1, Z0
	VMOVDQU32 Z0, (DI)
	LEAQ (SI)(R9*2), SI
	ADDQ $64, DI
	DECQ CX
	JNZ  pair
	VZEROUPPER
	RET
