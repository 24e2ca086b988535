// Codes of quantised blocks as floats. 32 bytes are eight words of 32 bits. Byte t
// of each word, or the lower half of it, is masked where it stands and is then a
// number too large by 2^8t, which x makes up for: Vector.Set has multiplied it. So
// eight codes become floats in two instructions.

// NIBBLES are the masks of the lower halves of bytes 0 to 3, BYTES those of bytes
// 0 to 2; a whole byte 3 is shifted down, as its upper bit would be a sign. R9
// points to the table afterwards.
#define NIBBLES \
	LEAQ    ·codeTable(SB), R9 \
	VMOVDQU (R9), Y8           \
	VMOVDQU 32(R9), Y9         \
	VMOVDQU 64(R9), Y10        \
	VMOVDQU 96(R9), Y11

#define BYTES \
	LEAQ    ·codeTable(SB), R9 \
	VMOVDQU 128(R9), Y8        \
	VMOVDQU 160(R9), Y9        \
	VMOVDQU 192(R9), Y10

// In the table: bytes of 15 and of 16, and for fifth bits the byte of each element
// of the lower and of the upper halves, and its bit.
#define LOWER    224(R9)
#define SIXTEEN  256(R9)
#define SPREAD0  288(R9)
#define SPREAD1  320(R9)
#define EACH_BIT 352(R9)

// FROM_NIBBLES makes the floats Y0 to Y3 of the lower halves of the bytes of y,
// FROM_BYTES those of whole bytes.
#define FROM_NIBBLES(y) \
	VPAND     Y8, y, Y0  \
	VPAND     Y9, y, Y1  \
	VPAND     Y10, y, Y2 \
	VPAND     Y11, y, Y3 \
	VCVTDQ2PS Y0, Y0     \
	VCVTDQ2PS Y1, Y1     \
	VCVTDQ2PS Y2, Y2     \
	VCVTDQ2PS Y3, Y3

#define FROM_BYTES(y) \
	VPAND     Y8, y, Y0  \
	VPAND     Y9, y, Y1  \
	VPAND     Y10, y, Y2 \
	VPSRLD    $24, y, Y3 \
	VCVTDQ2PS Y0, Y0     \
	VCVTDQ2PS Y1, Y1     \
	VCVTDQ2PS Y2, Y2     \
	VCVTDQ2PS Y3, Y3

// PRODUCTS sets sum to the sum of Y0 to Y3 times the four vectors at(DX),
// MORE_PRODUCTS adds it.
#define PRODUCTS(at, sum) \
	VMULPS      at(DX), Y0, sum    \
	VFMADD231PS at+32(DX), Y1, sum \
	VFMADD231PS at+64(DX), Y2, sum \
	VFMADD231PS at+96(DX), Y3, sum

#define MORE_PRODUCTS(at, sum) \
	VFMADD231PS at(DX), Y0, sum    \
	VFMADD231PS at+32(DX), Y1, sum \
	VFMADD231PS at+64(DX), Y2, sum \
	VFMADD231PS at+96(DX), Y3, sum
