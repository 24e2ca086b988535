//go:build noasm || !amd64

package simd

func packTilesVector([]float32, int, int, *TileSource, int, int, Side) bool { return false }

func packStoredTilesVector([]float32, []uint16, int, bool, int, int, Side) bool { return false }
