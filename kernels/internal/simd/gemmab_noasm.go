//go:build noasm || !amd64

package simd

func gemmABVector(c []float32, ldc int, a *Unpacked, b []float32, ldb, m, n, k int, sum Into) {
	gemmABGeneric(c, ldc, a, b, ldb, 1, m, n, k, sum)
}

func gemmABtVector(c []float32, ldc int, a []float32, lda int, b []float32, ldb, m, n, k int, add bool) {
	panic("simd: no AVX-512 in this build")
}
