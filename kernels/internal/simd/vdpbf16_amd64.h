// VDPBF16PS(b, a, d) is VDPBF16PS Zb, Za, Zd, for b < 8, a < 16: to the sums of
// Zd the products of the pairs of BF16 in Za and Zb are added, the odd element's
// first, each sum rounded once, denormals taken and left as zero. Go's assembler
// does not know it. EVEX.512.F3.0F38.W0 52 /r is 62, then a byte with the inverted
// bits 3 and 4 of d in bits 7 and 4, the inverted high bits of b (none) in 6 and 5,
// and 2 for the map 0F38; then the inverted a in bits 6 to 3, bit 2 set, and 2 for
// F3; then 48 for 512 bits unmasked, and the inverted bit 4 of a; the opcode; and
// ModRM of two registers.
#define VDPBF16PS(b, a, d) \
	BYTE $0x62; \
	BYTE $(((~d&8)<<4)|(~d&16)|0x62); \
	BYTE $(((~a&15)<<3)|6); \
	BYTE $0x48; \
	BYTE $0x52; \
	BYTE $(0xc0|((d&7)<<3)|b)
