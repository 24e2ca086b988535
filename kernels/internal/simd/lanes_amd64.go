//go:build !noasm

package simd

// laneNumbers are 0 to 15.
var laneNumbers = [16]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// exp2Table holds the constants of laneSoftmaxAVX512: the lowest power of two that is
// not 0; the polynomial of (2^r - 1)/r, 0 ≤ r < 1, a minimax one of our own for the
// relative error of 2^r, 8e-8; 1; log2(e).
var exp2Table = [...]float32{
	-126, 0.6931512951850891, 0.24016444385051727, 0.05579991266131401, 0.009017029777169228, 0.0018671301659196615, 1, log2e,
}

//go:noescape
func laneScoresAVX512(s, q *float32, k int, keys *float32, stride, n, first int)

//go:noescape
func laneDistancesAVX512(s *float32, n int, sees *int, slopes *float32)

//go:noescape
func laneSoftmaxAVX512(s *float32, n int, sees *int, top, sum, shrink *float32, scale float32)

//go:noescape
func laneSlopesAVX512(s, dp *float32, n int, sees *int, scale float32)

//go:noescape
func laneValuesAVX512(o, p, values *float32, stride, panel, width int, runs *laneRuns, shrink *float32)

//go:noescape
func laneScaleAVX512(o *float32, width int, f *float32)

func laneScoresVector(s, q, keys []float32, stride, k, n int, sees *[3]int) {
	from := 0
	for u, least := range sees {
		to := min(n, (max(least+15, 0)+7)&^7) // whole tiles
		if to > from {
			laneScoresAVX512(&s[from*Lanes], &q[0], k, &keys[from*stride], stride, to-from, u)
			from = to
		}
	}
}

func laneDistancesVector(s []float32, n int, sees *[3]int, slopes *[3]float32) {
	laneDistancesAVX512(&s[0], n, &sees[0], &slopes[0])
}

func laneSoftmaxVector(s []float32, n int, sees *[3]int, top, sum, shrink []float32, scale float32) {
	laneSoftmaxAVX512(&s[0], n, &sees[0], &top[0], &sum[0], &shrink[0], scale)
}

func laneSlopesVector(s, dp []float32, n int, sees *[3]int, scale float32) {
	laneSlopesAVX512(&s[0], &dp[0], n, &sees[0], scale)
}

// laneRuns are what laneValuesAVX512 does with the keys, in order: the first vector
// that sees one; how many all of its lanes see; how many more its last lane sees,
// and then those of the vectors behind it, in the place of each; and how many the
// first lane of each vector sees.
type laneRuns struct {
	first, all  int32
	edges, sees [3]int32
}

func laneValuesVector(o, p, values []float32, stride, panel, width, n int, sees *[3]int, shrink []float32) {
	r := laneRuns{sees: [3]int32{int32(sees[0]), int32(sees[1]), int32(sees[2])}}
	for r.first < 2 && sees[r.first]+15 <= 0 {
		r.first++
	}
	seen := min(max(sees[r.first], 0), n)
	r.all = int32(seen)
	for u := r.first; u < 3; u++ {
		to := max(seen, min(sees[u]+15, n))
		r.edges[u], seen = int32(to-seen), to
	}
	var f *float32
	if len(shrink) > 0 {
		f = &shrink[0]
	}
	laneValuesAVX512(&o[0], &p[0], &values[0], stride, panel, width, &r, f)
}

func laneScaleVector(o, f []float32, width int) { laneScaleAVX512(&o[0], width, &f[0]) }

//go:noescape
func copyRowsAVX512(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)

func copyRowsVector(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	copyRowsAVX512(&dst[0], dstStride, &src[0], srcStride, rows, cols)
}

//go:noescape
func laneOuterAVX512(c *float32, ldc int, p, b *float32, ldb, m, k, cols, step int, add bool)

func laneOuterVector(c []float32, ldc int, p, b []float32, ldb, m, k, cols, step int, add bool) {
	for j := 0; j < cols; j += 64 {
		laneOuterAVX512(&c[j], ldc, &p[0], &b[j], ldb, m, k, min(64, cols-j), step, add)
	}
}
