//go:build noasm || !amd64

package simd

func laneScoresVector(s, q, keys []float32, stride, k, n int, sees *[3]int) {
	laneScoresGeneric(s, q, keys, stride, k, n, sees)
}

func laneDistancesVector(s []float32, n int, sees *[3]int, slopes *[3]float32) {
	laneDistancesGeneric(s, n, sees, slopes)
}

func laneSoftmaxVector(s []float32, n int, sees *[3]int, top, sum, shrink []float32, scale float32) {
	laneSoftmaxGeneric(s, n, sees, top, sum, shrink, scale)
}

func laneSlopesVector(s, dp []float32, n int, sees *[3]int, scale float32) {
	laneSlopesGeneric(s, dp, n, sees, scale)
}

func laneValuesVector(o, p, values []float32, stride, panel, width, n int, sees *[3]int, shrink []float32) {
	laneValuesGeneric(o, p, values, stride, panel, width, n, sees, shrink)
}

func laneScaleVector(o, f []float32, width int) { laneScaleGeneric(o, f, width) }

func copyRowsVector(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	copyRowsGeneric(dst, dstStride, src, srcStride, rows, cols)
}

func laneOuterVector(c []float32, ldc int, p, b []float32, ldb, m, k, cols, step int, add bool) {
	laneOuterGeneric(c, ldc, p, b, ldb, m, k, cols, step, add)
}
