// Widening of 32 stored elements at (SI) to floats in Y0 to Y3. R8 points to
// decodeTable. Y8 to Y10 are scratch; CODES keeps constants in Y11 to Y15.

#define CODES \
	VPBROADCASTB (R8), Y12   \
	VPBROADCASTB 1(R8), Y13  \
	VPBROADCASTB 2(R8), Y11  \
	VMOVDQU      32(R8), Y14 \
	VMOVDQU      64(R8), Y15

// EXPAND: the 32 signed bytes of Y0 as floats.
#define EXPAND \
	VEXTRACTI128 $1, Y0, X2 \
	VPSRLDQ      $8, X0, X1 \
	VPSRLDQ      $8, X2, X3 \
	VPMOVSXBD    X0, Y0     \
	VPMOVSXBD    X1, Y1     \
	VPMOVSXBD    X2, Y2     \
	VPMOVSXBD    X3, Y3     \
	VCVTDQ2PS    Y0, Y0     \
	VCVTDQ2PS    Y1, Y1     \
	VCVTDQ2PS    Y2, Y2     \
	VCVTDQ2PS    Y3, Y3

// SCALED multiplies by the binary16 at (SI).
#define SCALED \
	VPBROADCASTW (SI), X8   \
	VCVTPH2PS    X8, Y8     \
	VMULPS       Y8, Y0, Y0 \
	VMULPS       Y8, Y1, Y1 \
	VMULPS       Y8, Y2, Y2 \
	VMULPS       Y8, Y3, Y3

// SHIFTED multiplies by the binary16 at (SI) and adds that at 2(SI). The
// product is exact, so it does not matter that the two are one operation.
#define SHIFTED \
	VPBROADCASTW (SI), X8   \
	VCVTPH2PS    X8, Y8     \
	VPBROADCASTW 2(SI), X9  \
	VCVTPH2PS    X9, Y9     \
	VFMADD213PS  Y9, Y8, Y0 \
	VFMADD213PS  Y9, Y8, Y1 \
	VFMADD213PS  Y9, Y8, Y2 \
	VFMADD213PS  Y9, Y8, Y3

// NIBBLES: the low, then the high halves of 16 bytes.
#define NIBBLES(off) \
	VMOVDQU     off(SI), X0    \
	VPSRLW      $4, X0, X1     \
	VINSERTI128 $1, X1, Y0, Y0 \
	VPAND       Y12, Y0, Y0

// FIFTH adds 16 to the codes whose bit is set in the 32 bits at off.
#define FIFTH(off) \
	VPBROADCASTD off(SI), Y1  \
	VPSHUFB      Y14, Y1, Y1  \
	VPAND        Y15, Y1, Y1  \
	VPCMPEQB     Y15, Y1, Y1  \
	VPAND        Y11, Y1, Y1  \
	VPOR         Y1, Y0, Y0

#define WIDEN_BF16 \
	VPMOVZXWD (SI), Y0    \
	VPMOVZXWD 16(SI), Y1  \
	VPMOVZXWD 32(SI), Y2  \
	VPMOVZXWD 48(SI), Y3  \
	VPSLLD    $16, Y0, Y0 \
	VPSLLD    $16, Y1, Y1 \
	VPSLLD    $16, Y2, Y2 \
	VPSLLD    $16, Y3, Y3

#define WIDEN_F16 \
	VCVTPH2PS (SI), Y0   \
	VCVTPH2PS 16(SI), Y1 \
	VCVTPH2PS 32(SI), Y2 \
	VCVTPH2PS 48(SI), Y3

#define WIDEN_Q4_0 \
	NIBBLES(2)           \
	VPSUBB  Y13, Y0, Y0  \
	EXPAND               \
	SCALED

#define WIDEN_Q4_1 \
	NIBBLES(4) \
	EXPAND     \
	SHIFTED

#define WIDEN_Q5_0 \
	NIBBLES(6)           \
	FIFTH(2)             \
	VPSUBB  Y11, Y0, Y0  \
	EXPAND               \
	SCALED

#define WIDEN_Q5_1 \
	NIBBLES(8) \
	FIFTH(4)   \
	EXPAND     \
	SHIFTED

#define WIDEN_Q8_0 \
	VPMOVSXBD 2(SI), Y0  \
	VPMOVSXBD 10(SI), Y1 \
	VPMOVSXBD 18(SI), Y2 \
	VPMOVSXBD 26(SI), Y3 \
	VCVTDQ2PS Y0, Y0     \
	VCVTDQ2PS Y1, Y1     \
	VCVTDQ2PS Y2, Y2     \
	VCVTDQ2PS Y3, Y3     \
	SCALED
