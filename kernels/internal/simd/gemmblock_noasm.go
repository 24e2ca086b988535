//go:build noasm || !amd64

package simd

func gemmBlockVector(c []float32, ldc int, a, b *Panels, m, n, k int, add bool) {
	gemmBlockGeneric(c, ldc, a, b, m, n, k, add)
}

func gemmBlock512(c []float32, ldc int, a, b *Panels, m, n, k int, add, pairs bool) {
	panic("simd: no AVX-512 in this build")
}
