//go:build noasm || (!amd64 && !arm64)

package simd

// interleaveVector returns how many of the k steps it has packed.
func interleaveVector(dst []float32, width int, src []float32, stride, k int) int { return 0 }

func interleave512(dst []float32, width int, src []float32, stride, rows, k int) {
	interleaveGeneric(dst, width, src, stride, rows, k)
}

// gatherVector packs full panels and reports whether it could.
func gatherVector(dst []float32, width int, src []float32, stride, panels, k int) bool { return false }

// gatherRestVector packs columns of a panel, and reports whether it could.
func gatherRestVector(dst []float32, width int, src []float32, stride, cols, k int) bool {
	return false
}
