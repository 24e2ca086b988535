//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"

// ADAMW: Y0 = w, Y1 = grad, Y2 = m, Y3 = v. The constants of AdamWStep, in its
// order, stand in Y4 (Coef), Y5 (Decay), Y7 (Beta2), Y8, Y9 (Rest), Y10 (Size),
// Y11 (Correction), Y12 (Eps).
#define ADAMW \
	VMULPS  Y1, Y4, Y1   \
	VSUBPS  Y2, Y1, Y13  \
	VMULPS  Y13, Y8, Y13 \
	VADDPS  Y13, Y2, Y2  \
	VMULPS  Y1, Y9, Y13  \
	VMULPS  Y3, Y7, Y3   \
	VMULPS  Y1, Y13, Y1  \
	VADDPS  Y1, Y3, Y3   \
	VSQRTPS Y3, Y13      \
	VMULPS  Y13, Y11, Y13 \
	VADDPS  Y12, Y13, Y13 \
	VMULPS  Y2, Y10, Y14 \
	VDIVPS  Y13, Y14, Y14 \
	VMULPS  Y0, Y5, Y0   \
	VSUBPS  Y14, Y0, Y0

// AHEAD is how many bytes ahead the four arrays are fetched: they come from memory, and a
// step is as fast as that.
#define AHEAD 1024

// func adamWAVX2(w, grad, m, v *float32, n int, s *AdamWStep)
TEXT ·adamWAVX2(SB), NOSPLIT, $0-48
	MOVQ w+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ m+16(FP), DX
	MOVQ v+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ s+40(FP), R8
	VBROADCASTSS (R8), Y4
	VBROADCASTSS 4(R8), Y5
	VBROADCASTSS 8(R8), Y7
	VBROADCASTSS 12(R8), Y8
	VBROADCASTSS 16(R8), Y9
	VBROADCASTSS 20(R8), Y10
	VBROADCASTSS 24(R8), Y11
	VBROADCASTSS 28(R8), Y12
	EACH(loop, rest)
	PREFETCHT0 AHEAD(DI)(AX*4)
	PREFETCHT0 AHEAD(SI)(AX*4)
	PREFETCHT0 AHEAD(DX)(AX*4)
	PREFETCHT0 AHEAD(R9)(AX*4)
	VMOVUPS (DI)(AX*4), Y0
	VMOVUPS (SI)(AX*4), Y1
	VMOVUPS (DX)(AX*4), Y2
	VMOVUPS (R9)(AX*4), Y3
	ADAMW
	VMOVUPS Y0, (DI)(AX*4)
	VMOVUPS Y2, (DX)(AX*4)
	VMOVUPS Y3, (R9)(AX*4)
	LAST(loop, rest, done)
	VMASKMOVPS (DI)(AX*4), Y15, Y0
	VMASKMOVPS (SI)(AX*4), Y15, Y1
	VMASKMOVPS (DX)(AX*4), Y15, Y2
	VMASKMOVPS (R9)(AX*4), Y15, Y3
	ADAMW
	VMASKMOVPS Y0, Y15, (DI)(AX*4)
	VMASKMOVPS Y2, Y15, (DX)(AX*4)
	VMASKMOVPS Y3, Y15, (R9)(AX*4)
	DONE(done)
