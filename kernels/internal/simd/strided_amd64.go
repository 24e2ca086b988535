//go:build amd64 && !noasm

package simd

import "math"

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

// columnTile is how many columns, and how many products of each, addColumnsAVX2 takes.
const columnTile = 16

// addColumnsAVX2 is [AddColumns] of 16 columns and 16·tiles products, tiles > 0.
//
//go:noescape
func addColumnsAVX2(dst, w *float32, tiles int, rows *float32, stride int)

func addColumnsVector(dst, w, rows []float32, stride int) {
	for len(dst) >= columnTile {
		k := len(w) &^ (columnTile - 1)
		if k > 0 {
			addColumnsAVX2(&dst[0], &w[0], k/columnTile, &rows[0], stride)
		}
		if k < len(w) {
			addColumnsEdge(dst[:columnTile], w[k:], rows[k:], stride)
		}
		if len(dst) == columnTile {
			return
		}
		dst, rows = dst[columnTile:], rows[columnTile*stride:]
	}
	for k := 0; len(dst) > 0 && k < len(w); k += columnTile {
		addColumnsEdge(dst, w[k:min(k+columnTile, len(w))], rows[k:], stride)
	}
}

// addColumnsEdge is AddColumns of up to 16 columns and products, filled up with 0·(-0), which
// changes no sum, not the sign of a zero either.
func addColumnsEdge(dst, w, rows []float32, stride int) {
	var tile [columnTile * columnTile]float32
	var sums, left [columnTile]float32
	for i := range tile {
		tile[i] = float32(math.Copysign(0, -1))
	}
	for j := range dst {
		copy(tile[j*columnTile:], rows[j*stride:][:len(w)])
	}
	copy(sums[:], dst)
	copy(left[:], w)
	addColumnsAVX2(&sums[0], &left[0], 1, &tile[0], columnTile)
	copy(dst, sums[:])
}
