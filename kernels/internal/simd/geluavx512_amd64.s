//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// NORMAL_CONSTANTS512: Z7 to Z18 are millsTable, the highest coefficients first.
#define NORMAL_CONSTANTS512 \
	EXP_CONSTANTS512(EXP_LOW, TAIL_MAX) \
	LEAQ         ·millsTable(SB), R9    \
	VMOVUPS      640(R9), Z7            \
	VMOVUPS      704(R9), Z8            \
	VMOVUPS      512(R9), Z9            \
	VMOVUPS      576(R9), Z10           \
	VMOVUPS      384(R9), Z11           \
	VMOVUPS      448(R9), Z12           \
	VMOVUPS      256(R9), Z13           \
	VMOVUPS      320(R9), Z14           \
	VMOVUPS      128(R9), Z15           \
	VMOVUPS      192(R9), Z16           \
	VMOVUPS      (R9), Z17              \
	VMOVUPS      64(R9), Z18            \
	VBROADCASTSS MINUS_HALF(R8), Z19

// MILLS: p = p·Z3 + the coefficient that Z2 chooses.
#define MILLS(low, high, p) \
	VMOVAPS     Z2, Z5          \
	VPERMI2PS   high, low, Z5   \
	VFMADD213PS Z5, Z3, p

// NORMAL_TAIL512: Z4 = Φ(Z0), Z2 = e^(-Z0²/2): Φ(-z) = e^(-z²/2)·R(z), where the interval
// that z lies in, Z2, chooses the polynomial of its distance Z3 to the centre. What
// z·z loses in rounding goes to the exponential's remainder. Scratch: Z1, Z3, Z5, Z6,
// K2.
#define NORMAL_TAIL512 \
	VANDPS.BCST  MAGNITUDE(R8), Z0, Z1 \
	VMINPS       Z1, HIGH512, Z1 \
	VADDPS       ONE512, Z1, Z2  \
	VPSRLD       $20, Z2, Z2     \
	VMOVAPS      Z2, Z3          \
	VPERMI2PS    Z18, Z17, Z3    \
	VSUBPS       Z3, Z1, Z3      \
	VMOVAPS      Z2, Z4          \
	VPERMI2PS    Z8, Z7, Z4      \
	MILLS(Z9, Z10, Z4)           \
	MILLS(Z11, Z12, Z4)          \
	MILLS(Z13, Z14, Z4)          \
	MILLS(Z15, Z16, Z4)          \
	VMULPS       Z1, Z1, Z2      \
	VMOVAPS      Z1, Z3          \
	VFMSUB213PS  Z2, Z1, Z3      \
	VMULPS       Z19, Z2, Z2     \
	EXP_REDUCE512(Z2, Z5, Z6)    \
	VFMADD231PS  Z19, Z3, Z2     \
	EXP_REST512(Z2, Z6, Z3)      \
	VSCALEFPS    Z5, Z3, Z2      \
	VMULPS       Z2, Z4, Z4      \
	VPTESTNMD.BCST SIGN(R8), Z0, K2 \
	VSUBPS       Z4, ONE512, K2, Z4

// func geluAVX512(dst, x *float32, n int)
TEXT ·geluAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	NORMAL_CONSTANTS512
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	NORMAL_TAIL512
	VMULPS Z4, Z0, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	NORMAL_TAIL512
	VMULPS Z4, Z0, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

#define GELU_BACKWARD_BODY512 \
	NORMAL_TAIL512                   \
	VMULPS.BCST DENSITY(R8), Z2, Z2  \
	VFMADD231PS Z0, Z2, Z4

// func geluBackwardAVX512(dst, dy, x *float32, n int)
TEXT ·geluBackwardAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	NORMAL_CONSTANTS512
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	GELU_BACKWARD_BODY512
	VMULPS (DX)(AX*4), Z4, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	GELU_BACKWARD_BODY512
	VMULPS.Z (DX)(AX*4), Z4, K1, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)
