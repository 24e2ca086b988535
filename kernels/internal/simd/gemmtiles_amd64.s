//go:build !noasm

#include "go_asm.h"
#include "textflag.h"
#include "amx_amd64.h"

// Blocks of C of two tiles by two, column by column of blocks, so that B's two panels
// stay in the first-level cache while A's pass. A step loads four tiles for four products,
// which take 16 cycles each; loading one takes 8 from the first-level cache. C's tiles, 0
// to 3, are loaded and stored once for all passes. A's are 4 and 5, B's 6 and 7.
//
// AX is the block; DI C, R8 the length of its rows; R9 that of a row of a tile. SI and BX
// walk along A's panels, DX and R12 along B's. R15 walks down the block of C that comes
// next, to R14: its lines are fetched while this one is computed, two rows a step, as
// storing a block whose lines are in memory takes as long as multiplying it.

// BELOW points BX to the second row of tiles of what begins at R.
#define BELOW(R) \
	MOVQ R8, BX \
	SHLQ $4, BX \
	ADDQ R, BX

#define LOAD11 TILELOADD(0, RSI, 8, 0)
#define LOAD12 LOAD11; TILELOADD(1, RSI, 8, 64)
#define LOAD21 LOAD11; TILELOADD(2, RBX, 8, 0)
#define LOAD22 LOAD12; TILELOADD(2, RBX, 8, 0); TILELOADD(3, RBX, 8, 64)

#define ZERO11 TILEZERO(0)
#define ZERO12 ZERO11; TILEZERO(1)
#define ZERO21 ZERO11; TILEZERO(2)
#define ZERO22 ZERO12; TILEZERO(2); TILEZERO(3)

#define STORE11 TILESTORED(0, RDI, 8, 0)
#define STORE12 STORE11; TILESTORED(1, RDI, 8, 64)
#define STORE21 STORE11; TILESTORED(2, RBX, 8, 0)
#define STORE22 STORE12; TILESTORED(2, RBX, 8, 0); TILESTORED(3, RBX, 8, 64)

#define STEP11 \
	TILELOADD(6, RDX, 9, 0); \
	TILELOADDT1(4, RSI, 9, 0); \
	TDPBF16PS(0, 4, 6)
#define STEP12 \
	STEP11; \
	TILELOADD(7, 12, 9, 0); \
	TDPBF16PS(1, 4, 7)
#define STEP21 \
	STEP11; \
	TILELOADDT1(5, RBX, 9, 0); \
	TDPBF16PS(2, 5, 6)
#define STEP22 \
	STEP12; \
	TILELOADDT1(5, RBX, 9, 0); \
	TDPBF16PS(2, 5, 6); \
	TDPBF16PS(3, 5, 7)

// FETCHROW fetches the line at R15 and the next for writing, by PREFETCHW, which Go's assembler
// does not know, and goes on to the next row of C.
#define FETCHROW \
	BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x0f; \
	BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x4f; BYTE $0x40; \
	ADDQ R8, R15

// BLOCKS is the body of a function of blocks of 2^down tiles by 2^across.
#define BLOCKS(LOAD, ZERO, STORE, STEP, down, across) \
	MOVQ t+0(FP), AX \
	MOVQ tileBlock_shapes(AX), SI \
	LDTILECFG(RSI) \
	MOVQ tileBlock_ldc(AX), R8 \
	MOVL $64, R9 \
	MOVQ tileBlock_cols(AX), CX \
	MOVQ CX, cols-8(SP) \
	MOVQ tileBlock_b(AX), CX \
	MOVQ CX, b-16(SP) \
	MOVQ tileBlock_c(AX), CX \
	MOVQ CX, c-24(SP) \
col: \
	MOVQ c-24(SP), DI \
	MOVQ tileBlock_a(AX), R10 \
	MOVQ tileBlock_rows(AX), CX \
	MOVQ CX, rows-32(SP) \
row: \
	MOVQ R8, R14 \
	SHLQ $(4+down), R14 \
	LEAQ (DI)(R14*1), R15 \
	CMPQ rows-32(SP), $1 \
	JNE  below \
	MOVQ c-24(SP), R15 \
	ADDQ $(64<<across), R15 \
below: \
	ADDQ R15, R14 \
	MOVQ tileBlock_passes(AX), R13 \
	MOVQ tileBlock_count(AX), R11 \
	MOVQ tileBlock_from(AX), SI \
	TESTQ SI, SI \
	JEQ  zero \
	ADDQ DI, SI \
	SUBQ tileBlock_c(AX), SI \
	BELOW(SI) \
	LOAD \
	JMP  pass \
zero: \
	ZERO \
pass: \
	MOVQ Pass_A(R13), SI \
	LEAQ (R10)(SI*4), SI \
	MOVQ Pass_B(R13), DX \
	SHLQ $2, DX \
	ADDQ b-16(SP), DX \
	MOVQ tileBlock_aPanel(AX), BX \
	ADDQ SI, BX \
	MOVQ tileBlock_bPanel(AX), R12 \
	ADDQ DX, R12 \
	MOVQ tileBlock_tiles(AX), CX \
step: \
	CMPQ R15, R14 \
	JCC  fetched \
	FETCHROW \
	FETCHROW \
fetched: \
	STEP \
	ADDQ $1024, SI \
	ADDQ $1024, BX \
	ADDQ $1024, DX \
	ADDQ $1024, R12 \
	DECQ CX \
	JNZ  step \
	ADDQ $Pass__size, R13 \
	DECQ R11 \
	JNZ  pass \
	BELOW(DI) \
	STORE \
	MOVQ tileBlock_aPanel(AX), BX \
	SHLQ $down, BX \
	ADDQ BX, R10 \
	MOVQ R8, BX \
	SHLQ $(4+down), BX \
	ADDQ BX, DI \
	DECQ rows-32(SP) \
	JNZ  row \
	MOVQ tileBlock_bPanel(AX), BX \
	SHLQ $across, BX \
	ADDQ BX, b-16(SP) \
	ADDQ $(64<<across), c-24(SP) \
	DECQ cols-8(SP) \
	JNZ  col \
	TILERELEASE \
	RET

// func gemmTiles22(t *tileBlock)
TEXT ·gemmTiles22(SB), NOSPLIT, $32-8
	BLOCKS(LOAD22, ZERO22, STORE22, STEP22, 1, 1)

// func gemmTiles21(t *tileBlock)
TEXT ·gemmTiles21(SB), NOSPLIT, $32-8
	BLOCKS(LOAD21, ZERO21, STORE21, STEP21, 1, 0)

// func gemmTiles12(t *tileBlock)
TEXT ·gemmTiles12(SB), NOSPLIT, $32-8
	BLOCKS(LOAD12, ZERO12, STORE12, STEP12, 0, 1)

// func gemmTiles11(t *tileBlock)
TEXT ·gemmTiles11(SB), NOSPLIT, $32-8
	BLOCKS(LOAD11, ZERO11, STORE11, STEP11, 0, 0)
