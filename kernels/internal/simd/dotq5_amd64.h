// Codes of 5 bits, 16 bytes of lower bits and 4 of fifth bits a block.

// FIFTHS_OF_PAIR and FIFTHS_OF_LAST put the fifth bits of each block into all
// words of its half of Y7.
#define FIFTHS_OF_PAIR(size, at) \
	VPBROADCASTD at(SI), Y7        \
	VPBROADCASTD size+at(SI), Y14  \
	VPBLENDD     $0xf0, Y14, Y7, Y7

#define FIFTHS_OF_LAST(at) \
	VPBROADCASTD at(SI), X7

// FIFTH adds 16 to the bytes of Y14 whose bit is set.
#define FIFTH(spread) \
	VPSHUFB  spread, Y7, Y0    \
	VPAND    EACH_BIT, Y0, Y0  \
	VPCMPEQB EACH_BIT, Y0, Y0  \
	VPAND    SIXTEEN, Y0, Y0   \
	VPOR     Y0, Y14, Y14

// FIVE_BIT_PRODUCTS is NIBBLE_PRODUCTS with the fifth bits, and Y11 for the upper
// halves.
#define FIVE_BIT_PRODUCTS \
	VPAND  LOWER, Y12, Y14  \
	FIFTH(SPREAD0)          \
	FROM_BYTES(Y14)         \
	MORE_PRODUCTS(0, Y15)   \
	VPSRLW $4, Y12, Y14     \
	VPAND  LOWER, Y14, Y14  \
	FIFTH(SPREAD1)          \
	FROM_BYTES(Y14)         \
	PRODUCTS(128, Y11)
