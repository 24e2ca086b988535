// Parts of the kernels that widen blocks of 256. Y12 has bytes of 15, Y11 of what
// is above them in a code.

// EXPAND_TO writes the 32 bytes of Y0 times Y8 minus Y9 to at(DI).
#define EXPAND_TO(at) \
	EXPAND                   \
	VFMSUB213PS Y9, Y8, Y0   \
	VFMSUB213PS Y9, Y8, Y1   \
	VFMSUB213PS Y9, Y8, Y2   \
	VFMSUB213PS Y9, Y8, Y3   \
	VMOVUPS     Y0, at(DI)   \
	VMOVUPS     Y1, at+32(DI) \
	VMOVUPS     Y2, at+64(DI) \
	VMOVUPS     Y3, at+96(DI)

// K_BEGIN loads the arguments and masks.
#define K_BEGIN(codes) \
	MOVQ         dst+0(FP), DI      \
	MOVQ         src+8(FP), SI      \
	MOVQ         blocks+16(FP), CX  \
	LEAQ         ·codeTable(SB), R9 \
	VMOVDQU      224(R9), Y12       \
	VMOVDQU      codes(R9), Y11

// K_MINIMA puts the minima that K_SCALES leaves in Y14 behind the scales.
#define K_MINIMA \
	VMOVUPS Y14, 32(SP)

#define K_SCALE(i) \
	VBROADCASTSS 4*(i)(SP), Y8    \
	VBROADCASTSS 32+4*(i)(SP), Y9
