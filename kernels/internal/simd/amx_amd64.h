// AMX: eight tiles of up to 16 rows of 64 bytes, as LDTILECFG says. Go's assembler does
// not know it. Tiles are 0 to 7; base and index are the numbers of general registers, as
// below. Every instruction is VEX of three bytes in the map 0F38, W0, L0: C4; the
// inverted high bits of ModRM.reg (a tile has none), index and base with the number of
// the map; the inverted second source and the prefix (0 none, 1 66, 2 F3, 3 F2).
//
// A function that uses tiles configures them and releases them, TILERELEASE, before it
// returns: the goroutine may go on on another thread, where they would be another's.
#define RAX 0
#define RCX 1
#define RDX 2
#define RBX 3
#define RSI 6
#define RDI 7
// R8 to R15 are 8 to 15.

// TILEADDRESS is the opcode and an address of base + index + disp, 32 bits of it.
#define TILEADDRESS(prefix, opcode, tile, base, index, disp) \
	BYTE $0xc4; \
	BYTE $(0x82|((~index&8)<<3)|((~base&8)<<2)); \
	BYTE $(0x78|prefix); \
	BYTE $opcode; \
	BYTE $(0x84|(tile<<3)); \
	BYTE $(((index&7)<<3)|(base&7)); \
	LONG $disp

// TILELOADD loads rows of a tile from base + disp on, index bytes from each other;
// TILELOADDT1 says that they are not read again soon.
#define TILELOADD(tile, base, index, disp) TILEADDRESS(3, 0x4b, tile, base, index, disp)
#define TILELOADDT1(tile, base, index, disp) TILEADDRESS(1, 0x4b, tile, base, index, disp)

// TILESTORED stores them.
#define TILESTORED(tile, base, index, disp) TILEADDRESS(2, 0x4b, tile, base, index, disp)

// TILEZERO sets a tile to zeros.
#define TILEZERO(tile) \
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $(0xc0|(tile<<3))

// TILERELEASE leaves all tiles without contents or shape.
#define TILERELEASE \
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0

// LDTILECFG reads the shapes of the tiles, 64 bytes at the address in base, which is one
// of the first eight registers but SP and BP: the palette, 1; at byte 16 + 2t the bytes
// in a row of tile t; at byte 48 + t its rows.
#define LDTILECFG(base) \
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $base

// TILEPRODUCT adds to tile c the product of tile a, [rows k], and tile b, [k columns],
// of 32-bit words that hold two BF16 or four bytes each.
#define TILEPRODUCT(prefix, opcode, c, a, b) \
	BYTE $0xc4; BYTE $0xe2; \
	BYTE $(((~b&15)<<3)|prefix); \
	BYTE $opcode; \
	BYTE $(0xc0|(c<<3)|a)

// TDPBF16PS is the product of BF16, summed in float32; TDPBSSD, TDPBSUD, TDPBUSD and
// TDPBUUD are those of bytes, signed (S) or not (U) in a and in b, summed in int32.
#define TDPBF16PS(c, a, b) TILEPRODUCT(2, 0x5c, c, a, b)
#define TDPBSSD(c, a, b) TILEPRODUCT(3, 0x5e, c, a, b)
#define TDPBSUD(c, a, b) TILEPRODUCT(2, 0x5e, c, a, b)
#define TDPBUSD(c, a, b) TILEPRODUCT(1, 0x5e, c, a, b)
#define TDPBUUD(c, a, b) TILEPRODUCT(0, 0x5e, c, a, b)
