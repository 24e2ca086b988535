// PAIRS turns rows a, b into lo and hi: the elements 0, 1 and 2, 3 of every
// quarter of both, taken in turn.
#define PAIRS(a, b, lo, hi) \
	VUNPCKLPS b, a, lo \
	VUNPCKHPS b, a, hi

// QUADS turns the pairs of four rows into their columns: quarter L of column c is
// column 4L+c.
#define QUADS(lo0, hi0, lo1, hi1, c0, c1, c2, c3) \
	VUNPCKLPD lo1, lo0, c0 \
	VUNPCKHPD lo1, lo0, c1 \
	VUNPCKLPD hi1, hi0, c2 \
	VUNPCKHPD hi1, hi0, c3

// QUARTERS exchanges the quarters of four registers of columns c, 4+c, 8+c, 12+c.
#define QUARTERS(u0, u1, u2, u3) \
	VSHUFF32X4 $0x44, u1, u0, Z16 \
	VSHUFF32X4 $0xee, u1, u0, Z17 \
	VSHUFF32X4 $0x44, u3, u2, Z18 \
	VSHUFF32X4 $0xee, u3, u2, Z19 \
	VSHUFF32X4 $0x88, Z18, Z16, u0 \
	VSHUFF32X4 $0xdd, Z18, Z16, u1 \
	VSHUFF32X4 $0x88, Z19, Z17, u2 \
	VSHUFF32X4 $0xdd, Z19, Z17, u3

// TURN_QUARTERS turns the quarters of rows Z0 to Z15: of columns c, 4+c, 8+c and 12+c,
// Z(4q+c) holds rows 4q to 4q+3 in its four quarters. Z16 to Z31 are scratch.
#define TURN_QUARTERS \
	PAIRS(Z0, Z1, Z16, Z17) \
	PAIRS(Z2, Z3, Z18, Z19) \
	PAIRS(Z4, Z5, Z20, Z21) \
	PAIRS(Z6, Z7, Z22, Z23) \
	PAIRS(Z8, Z9, Z24, Z25) \
	PAIRS(Z10, Z11, Z26, Z27) \
	PAIRS(Z12, Z13, Z28, Z29) \
	PAIRS(Z14, Z15, Z30, Z31) \
	QUADS(Z16, Z17, Z18, Z19, Z0, Z1, Z2, Z3) \
	QUADS(Z20, Z21, Z22, Z23, Z4, Z5, Z6, Z7) \
	QUADS(Z24, Z25, Z26, Z27, Z8, Z9, Z10, Z11) \
	QUADS(Z28, Z29, Z30, Z31, Z12, Z13, Z14, Z15)

// TURN16 turns rows Z0 to Z15 into columns, in the same registers. Z16 to Z31 are
// scratch.
#define TURN16 \
	TURN_QUARTERS \
	QUARTERS(Z0, Z4, Z8, Z12) \
	QUARTERS(Z1, Z5, Z9, Z13) \
	QUARTERS(Z2, Z6, Z10, Z14) \
	QUARTERS(Z3, Z7, Z11, Z15)
