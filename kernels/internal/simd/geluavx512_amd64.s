//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// NORMAL_CONSTANTS512: Z6 to Z15 are the coefficients of the tail, the highest first.
#define NORMAL_CONSTANTS512 \
	EXP_CONSTANTS512(EXP_LOW, TAIL_MAX) \
	VBROADCASTSS TAIL9(R8), Z6          \
	VBROADCASTSS TAIL8(R8), Z7          \
	VBROADCASTSS TAIL7(R8), Z8          \
	VBROADCASTSS TAIL6(R8), Z9          \
	VBROADCASTSS TAIL5(R8), Z10         \
	VBROADCASTSS TAIL4(R8), Z11         \
	VBROADCASTSS TAIL3(R8), Z12         \
	VBROADCASTSS TAIL2(R8), Z13         \
	VBROADCASTSS TAIL1(R8), Z14         \
	VBROADCASTSS TAIL0(R8), Z15         \
	VBROADCASTSS TAIL_SCALE(R8), Z16    \
	VBROADCASTSS MINUS_HALF(R8), Z17    \
	VBROADCASTSS SIGN(R8), Z18

// NORMAL_TAIL512: Z1 = Φ(Z0), Z2 = e^(-Z0²/2), as in activation_generic.go. Even and odd
// powers of the tail's polynomial go side by side, in Z5 and Z1. Scratch: Z3 to Z5, Z19.
#define NORMAL_TAIL512 \
	VANDNPS      Z0, Z18, Z1          \
	VMINPS       Z1, HIGH512, Z1      \
	VMULPS       Z1, Z1, Z2           \
	VMOVAPS      Z1, Z19              \
	VFMSUB213PS  Z2, Z1, Z19          \
	VMULPS       Z17, Z2, Z2          \
	VCMPPS       $0x15, LOW512, Z2, K2 \
	EXP_REDUCE512(Z2, Z3)             \
	VFMADD231PS  Z17, Z19, Z2         \
	EXP_POLYNOMIAL512(Z2, Z4, Z5, Z19) \
	VSCALEFPS.Z  Z3, Z4, K2, Z2       \
	VFMADD213PS  ONE512, Z16, Z1      \
	RECIPROCAL512(Z1, Z3, Z4)         \
	VMOVAPS      Z6, Z1               \
	VFMADD213PS  Z7, Z3, Z1           \
	VFMADD213PS  Z8, Z3, Z1           \
	VFMADD213PS  Z9, Z3, Z1           \
	VFMADD213PS  Z10, Z3, Z1          \
	VFMADD213PS  Z11, Z3, Z1          \
	VFMADD213PS  Z12, Z3, Z1          \
	VFMADD213PS  Z13, Z3, Z1          \
	VFMADD213PS  Z14, Z3, Z1          \
	VFMADD213PS  Z15, Z3, Z1          \
	VMULPS       Z2, Z3, Z3           \
	VMULPS       Z3, Z1, Z1           \
	VPTESTNMD    Z18, Z0, K2          \
	VSUBPS       Z1, ONE512, K2, Z1

// func geluAVX512(dst, x *float32, n int)
TEXT ·geluAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	NORMAL_CONSTANTS512
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	NORMAL_TAIL512
	VMULPS Z1, Z0, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	NORMAL_TAIL512
	VMULPS Z1, Z0, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

#define GELU_BACKWARD_BODY512 \
	NORMAL_TAIL512                   \
	VMULPS.BCST DENSITY(R8), Z2, Z2  \
	VFMADD231PS Z0, Z2, Z1

// func geluBackwardAVX512(dst, dy, x *float32, n int)
TEXT ·geluBackwardAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	NORMAL_CONSTANTS512
	EACH512(loop, rest)
	VMOVUPS (SI)(AX*4), Z0
	GELU_BACKWARD_BODY512
	VMULPS (DX)(AX*4), Z1, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	GELU_BACKWARD_BODY512
	VMULPS.Z (DX)(AX*4), Z1, K1, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)
