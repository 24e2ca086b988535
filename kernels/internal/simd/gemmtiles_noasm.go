//go:build noasm || !amd64

package simd

func gemmTilesVector(c []float32, ldc int, a, b Tiled, passes []Pass, m, n, tiles int, from []float32) {
	gemmTilesGeneric(c, ldc, a, b, passes, m, n, tiles, from)
}
