// Blocks of 256 with 6-bit scales and minima (tensor's kScales): K_SCALES unpacks
// them four at a time in the general registers, and leaves d·scales in the frame
// and dmin·minima in Y14. It uses AX, BX, R12, R13, Y13 and Y15.

#define K_SCALES \
	VPBROADCASTD (SI), X13        \
	VCVTPH2PS    X13, Y13         \
	MOVL         4(SI), AX        \
	MOVL         12(SI), BX       \
	MOVL         AX, R12          \
	ANDL         $0x3f3f3f3f, AX  \
	SHRL         $2, R12          \
	ANDL         $0x30303030, R12 \
	MOVL         BX, R13          \
	ANDL         $0x0f0f0f0f, R13 \
	ORL          R13, R12         \
	SHLQ         $32, R12         \
	ORQ          R12, AX          \
	VMOVQ        AX, X14          \
	VPMOVZXBD    X14, Y14         \
	VCVTDQ2PS    Y14, Y14         \
	VMOVSLDUP    Y13, Y15         \
	VMULPS       Y15, Y14, Y14    \
	VMOVUPS      Y14, (SP)        \
	MOVL         8(SI), AX        \
	MOVL         AX, R12          \
	ANDL         $0x3f3f3f3f, AX  \
	SHRL         $2, R12          \
	ANDL         $0x30303030, R12 \
	SHRL         $4, BX           \
	ANDL         $0x0f0f0f0f, BX  \
	ORL          BX, R12          \
	SHLQ         $32, R12         \
	ORQ          R12, AX          \
	VMOVQ        AX, X14          \
	VPMOVZXBD    X14, Y14         \
	VCVTDQ2PS    Y14, Y14         \
	VMOVSHDUP    Y13, Y13         \
	VMULPS       Y13, Y14, Y14
