//go:build !noasm

package simd

import "unsafe"

func gemmVector(c []float32, ldc int, a, b []float32, k int, add bool) {
	panelA, panelB := unsafe.SliceData(a), unsafe.SliceData(b)
	if level == AVX512 {
		gemmAVX512(&c[0], ldc, panelA, panelB, k, 12, 32, add)
		return
	}
	gemmAVX2(&c[0], ldc, panelA, panelB, k, add)
}

// gemmAVX2 is [Gemm] for 6×16.
//
//go:noescape
func gemmAVX2(c *float32, ldc int, a, b *float32, k int, add bool)

func gemmInPlaceVector(c []float32, ldc int, a []float32, rowStep, step int, b []float32, k int, add bool) {
	if k == 0 {
		gemmVector(c, ldc, nil, nil, 0, add)
		return
	}
	if level == AVX512 {
		gemmInPlaceAVX512(&c[0], ldc, &a[0], rowStep, step, &b[0], k, add)
		return
	}
	gemmInPlaceAVX2(&c[0], ldc, &a[0], rowStep, step, &b[0], k, add)
}

// gemmInPlaceAVX2 is [GemmInPlace] for 6×16, k > 0.
//
//go:noescape
func gemmInPlaceAVX2(c *float32, ldc int, a *float32, rowStep, step int, b *float32, k int, add bool)
