//go:build !noasm

package simd

func gemmVector(c []float32, ldc int, a, b []float32, k int, add bool) {
	if k == 0 {
		gemmNEON(&c[0], ldc, nil, nil, 0, add)
		return
	}
	gemmNEON(&c[0], ldc, &a[0], &b[0], k, add)
}

// gemmNEON is [Gemm] for 8×8.
//
//go:noescape
func gemmNEON(c *float32, ldc int, a, b *float32, k int, add bool)
