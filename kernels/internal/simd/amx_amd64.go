//go:build !noasm

package simd

import (
	"sync"

	"github.com/klauspost/cpuid/v2"
)

// has reports whether the machine and the operating system have a feature.
func has(f Feature) bool {
	switch f {
	case DotBF16:
		return cpuid.CPU.Supports(cpuid.AVX512BF16)
	case DotInt8:
		return cpuid.CPU.Supports(cpuid.AVX512VNNI)
	case TileBF16:
		return noTiles() == ""
	case TileInt8:
		return cpuid.CPU.Supports(cpuid.AMXINT8) && tilesGranted() == ""
	}
	return false
}

func noTiles() string {
	if !cpuid.CPU.Supports(cpuid.AMXTILE, cpuid.AMXBF16) {
		return "the processor has no AMX"
	}
	if best() != AVX512 {
		return "the processor has no AVX-512"
	}
	return tilesGranted()
}

// tilesGranted says why the system has not granted the process the use of tiles.
var tilesGranted = sync.OnceValue(func() string {
	const tileState = 3 << 17 // configuration and data, as XGETBV and XSAVE number them
	if !cpuid.CPU.Supports(cpuid.AMXTILE, cpuid.OSXSAVE) || xgetbv()&tileState != tileState {
		return "the operating system does not save tiles"
	}
	return askForTiles()
})

// xgetbv returns what registers the operating system saves.
//
//go:noescape
func xgetbv() (mask uint64)

// tileShapes is what LDTILECFG reads: palette 1, then bytes of a row and rows of each of
// the eight tiles.
type tileShapes struct {
	palette, startRow uint8
	_                 [14]uint8
	rowBytes          [16]uint16
	rows              [16]uint8
}

// wholeTiles are the shapes of eight full tiles.
var wholeTiles = func() tileShapes {
	s := tileShapes{palette: 1}
	for t := range 8 {
		s.rowBytes[t], s.rows[t] = 64, 16
	}
	return s
}()
