//go:build !noasm

#include "textflag.h"
#include "elementwise_amd64.h"
#include "elementwiseavx512_amd64.h"

// GELU_TANH_CONSTANTS512: 2u = x·(linear + cubic·x²), linear and cubic in two float32
// each, as GELUTanh's twin has it in float64.
#define GELU_TANH_CONSTANTS512 \
	EXP_CONSTANTS512(EXP_MIN, GELU_MIN)    \
	VBROADCASTSS SIGN(R8), Z15             \
	VBROADCASTSS GELU_CUBIC(R8), Z14       \
	VBROADCASTSS GELU_CUBIC_LO(R8), Z13    \
	VBROADCASTSS GELU_LINEAR(R8), Z12      \
	VBROADCASTSS GELU_LINEAR_HI(R8), Z11   \
	VBROADCASTSS GELU_LINEAR_LO(R8), Z10   \
	VBROADCASTSS GELU_CUBIC3(R8), Z9

// GELU_LOGISTIC512: Z1 = e = e^-|2u|, Z5 = 1/(1+e), of Z0 = x, Z7 = x² or what is as good
// from where e is 0. The exponential's argument is found in two float32: where it is
// -70, one rounding of it is 30 units of e. What -|2u| loses goes to its remainder.
// Scratch: Z2 to Z4, Z6, Z8.
#define GELU_LOGISTIC512 \
	VORPS        Z15, Z0, Z8          \
	VMAXPS       Z8, HIGH512, Z8      \
	VMULPS       Z8, Z8, Z7           \
	VMOVAPS      Z8, Z2               \
	VFMSUB213PS  Z7, Z8, Z2           \
	VMOVAPS      Z12, Z1              \
	VFMADD231PS  Z7, Z14, Z1          \
	VSUBPS       Z1, Z11, Z3          \
	VFMADD231PS  Z7, Z14, Z3          \
	VMOVAPS      Z10, Z4              \
	VFMADD231PS  Z7, Z13, Z4          \
	VFMADD231PS  Z2, Z14, Z4          \
	VADDPS       Z4, Z3, Z3           \
	VMULPS       Z1, Z8, Z6           \
	VFMSUB213PS  Z6, Z8, Z1           \
	VFMADD231PS  Z3, Z8, Z1           \
	VMAXPS       Z6, LOW512, Z6       \
	EXP_REDUCE512(Z6, Z5, Z3)         \
	VADDPS       Z1, Z6, Z6           \
	EXP_REST512(Z6, Z3, Z2)           \
	VSCALEFPS    Z5, Z2, Z1           \
	VADDPS       ONE512, Z1, Z2       \
	RECIPROCAL512(Z2, Z5, Z3)

#define GELU_TANH_BODY512 \
	GELU_LOGISTIC512           \
	VPMOVD2M Z0, K2            \
	VMULPS   Z5, Z0, Z0        \
	VMULPS   Z1, Z0, K2, Z0

// func geluTanhAVX512(dst, x *float32, n int)
TEXT ·geluTanhAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	GELU_TANH_CONSTANTS512
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	GELU_TANH_BODY512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	GELU_TANH_BODY512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// s + x·s·(1-s)·2u', s = σ(2u), in an order that nothing between is infinite.
#define GELU_TANH_BACKWARD_BODY512 \
	GELU_LOGISTIC512               \
	VPMOVD2M    Z0, K2             \
	VMULPS      Z5, Z1, Z1         \
	VBLENDMPS   Z1, Z5, K2, Z2     \
	VMOVAPS     Z5, K2, Z1         \
	VFMADD213PS Z12, Z9, Z7        \
	VMULPS      Z2, Z0, Z0         \
	VMULPS      Z1, Z0, Z0         \
	VFMADD213PS Z2, Z7, Z0         \
	VMULPS      Z16, Z0, Z0

// func geluTanhBackwardAVX512(dst, dy, x *float32, n int)
TEXT ·geluTanhBackwardAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	GELU_TANH_CONSTANTS512
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z16
	GELU_TANH_BACKWARD_BODY512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z16
	GELU_TANH_BACKWARD_BODY512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// Z12 = k, Z13 = c.
#define LOGISTIC_SLOPE_BODY512 \
	VMULPS   Z12, Z0, Z0                       \
	LOGISTIC_EXP512(Z15, Z0, Z5, Z3, Z2)       \
	RECIPROCAL512(Z2, Z5, Z3)                  \
	VMULPS   Z13, Z0, Z0                       \
	VMULPS   Z5, Z5, Z5                        \
	VMULPS   Z5, Z0, Z0                        \
	VMULPS   Z14, Z0, Z0

// func logisticSlopeAVX512(dst, dy, x *float32, n int, k, c float32)
TEXT ·logisticSlopeAVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSS k+32(FP), Z12
	VBROADCASTSS c+36(FP), Z13
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z14
	LOGISTIC_SLOPE_BODY512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z14
	LOGISTIC_SLOPE_BODY512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

#define SILU_MUL_BODY512 \
	SIGMOID512(Z15, Z0, Z5, Z1, Z2, Z3) \
	VMULPS Z5, Z0, Z0                       \
	VMULPS Z14, Z0, Z0

// func siluMulAVX512(dst, gate, up *float32, n int)
TEXT ·siluMulAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), DX
	MOVQ n+24(FP), CX
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (DX)(AX*4), Z14
	SILU_MUL_BODY512
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (DX)(AX*4), K1, Z14
	SILU_MUL_BODY512
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)

// Z0 = gate, Z13 = up, Z14 = dy; results: Z7 = dGate, Z0 = dUp.
#define SILU_MUL_BACKWARD_BODY512 \
	SIGMOIDS512(Z15, Z0, Z5, Z7, Z1, Z2, Z3) \
	VFMADD213PS ONE512, Z0, Z7                   \
	VMULPS      Z5, Z7, Z7                       \
	VMULPS      Z14, Z13, Z3                     \
	VMULPS      Z3, Z7, Z7                       \
	VMULPS      Z5, Z0, Z0                       \
	VMULPS      Z14, Z0, Z0

// func siluMulBackwardAVX512(dGate, dUp, dy, gate, up *float32, n int)
TEXT ·siluMulBackwardAVX512(SB), NOSPLIT, $0-48
	MOVQ dGate+0(FP), DI
	MOVQ dUp+8(FP), R9
	MOVQ dy+16(FP), DX
	MOVQ gate+24(FP), SI
	MOVQ up+32(FP), R10
	MOVQ n+40(FP), CX
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	VBROADCASTSS SIGN(R8), Z15
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	VMOVUPS (R10)(AX*4), Z13
	VMOVUPS (DX)(AX*4), Z14
	SILU_MUL_BACKWARD_BODY512
	VMOVUPS Z7, (DI)(AX*4)
	VMOVUPS Z0, (R9)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VMOVUPS.Z (R10)(AX*4), K1, Z13
	VMOVUPS.Z (DX)(AX*4), K1, Z14
	SILU_MUL_BACKWARD_BODY512
	VMOVUPS Z7, K1, (DI)(AX*4)
	VMOVUPS Z0, K1, (R9)(AX*4)
	DONE(done)

// func expScaledAVX512(dst, x *float32, n int, shift, scale float32)
TEXT ·expScaledAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS shift+24(FP), Z12
	VBROADCASTSS scale+28(FP), Z13
	EXP_CONSTANTS512(EXP_MIN, EXP_MAX)
	EACH512(loop, rest)
	PREFETCHT0 1024(SI)(AX*4)
	PREFETCHT0 1024(DI)(AX*4)
	VMOVUPS (SI)(AX*4), Z0
	VSUBPS Z12, Z0, Z0
	EXP512(Z0, Z1, Z2, Z3)
	VMULPS Z13, Z0, Z0
	VMOVUPS Z0, (DI)(AX*4)
	LAST512(loop, rest, done)
	VMOVUPS.Z (SI)(AX*4), K1, Z0
	VSUBPS Z12, Z0, Z0
	EXP512(Z0, Z1, Z2, Z3)
	VMULPS Z13, Z0, Z0
	VMOVUPS Z0, K1, (DI)(AX*4)
	DONE(done)
