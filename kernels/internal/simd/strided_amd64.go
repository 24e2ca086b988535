//go:build amd64 && !noasm

package simd

//go:noescape
func dotsAVX2(dst *float32, n int, x *float32, k int, rows *float32, stride int)

//go:noescape
func addRowsWideAVX2(dst, w *float32, n int, rows *float32, stride int)

//go:noescape
func addRowsAVX2(dst *float32, lanes int, w *float32, n int, rows *float32, stride int)

func dotsVector(dst, x, rows []float32, stride int) {
	dotsAVX2(&dst[0], len(dst), &x[0], len(x), &rows[0], stride)
}

// wideLanes is how many elements addRowsWideAVX2 adds to: eight vectors cover
// the latency of a fused product.
const wideLanes = 64

func addRowsVector(dst, w, rows []float32, stride int) {
	for len(dst) >= wideLanes {
		addRowsWideAVX2(&dst[0], &w[0], len(w), &rows[0], stride)
		if len(dst) == wideLanes {
			return
		}
		dst, rows = dst[wideLanes:], rows[wideLanes:]
	}
	for len(dst) > 0 {
		lanes := min(len(dst), 8)
		addRowsAVX2(&dst[0], lanes, &w[0], len(w), &rows[0], stride)
		if dst = dst[lanes:]; len(dst) > 0 {
			rows = rows[lanes:]
		}
	}
}
