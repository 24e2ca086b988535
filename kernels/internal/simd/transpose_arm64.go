//go:build !noasm

package simd

// transposeFourNEON turns four rows of runs of 4.
//
//go:noescape
func transposeFourNEON(dst *float32, dstStride int, src *float32, srcStride, runs int)

// gatherEightNEON is [Gather] for panels of 8.
//
//go:noescape
func gatherEightNEON(dst, src *float32, stride, panels, k int)

func transposeVector(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	if cols == 0 {
		return
	}
	for i := 0; i < rows; i += neonFour {
		transposeFourNEON(&dst[i], dstStride, &src[i*srcStride], srcStride, cols/neonFour)
	}
}

// interleaveVector returns how many of the k steps it has packed.
func interleaveVector(dst []float32, width int, src []float32, stride, k int) int {
	k &^= neonFour - 1
	if width%neonFour != 0 {
		return 0
	}
	transposeVector(dst, width, src, stride, width, k)
	return k
}

func interleave512(dst []float32, width int, src []float32, stride, rows, k int) {
	interleaveGeneric(dst, width, src, stride, rows, k)
}

// gatherVector packs full panels and reports whether it could.
func gatherVector(dst []float32, width int, src []float32, stride, panels, k int) bool {
	if width != 8 {
		return false
	}
	gatherEightNEON(&dst[0], &src[0], stride, panels, k)
	return true
}

// gatherRestVector packs columns of a panel, and reports whether it could.
func gatherRestVector(dst []float32, width int, src []float32, stride, cols, k int) bool {
	return false
}
