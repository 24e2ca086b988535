//go:build !noasm

package simd

// gemmABVector goes through the rows of A in tiles of like height, and along B for
// each: a tile of A stays in the first-level cache.
func gemmABVector(c []float32, ldc int, a *Unpacked, b []float32, ldb, m, n, k int, sum Into) {
	const mr, nr, half = 12, 32, 16
	// Of the last columns, so many rows of B may be read whole.
	width, first := half, (n-1)/nr*nr
	if n-first > half {
		width = nr
	}
	whole := 0
	if room := len(b) - first - width; room >= 0 {
		whole = min(room/max(ldb, 1)+1, k)
	}
	tiles := (m + mr - 1) / mr
	rows, taller := m/tiles, m%tiles
	for i, t := 0, 0; t < tiles; t++ {
		height := rows
		if t < taller {
			height++
		}
		gemmABAVX512(&c[i*ldc], ldc, &a.Data[i*a.Outer], a.Outer, a.Inner, &b[0], ldb, k, height, n, whole, int(sum))
		i += height
	}
}

// gemmABAVX512 is [GemmAB] for 1 to 12 rows, k, cols > 0. Of the last columns, up to
// 32 of them, the first whole rows of B are read to 16 or 32 columns.
//
//go:noescape
func gemmABAVX512(c *float32, ldc int, a *float32, outer, inner int, b *float32, ldb, k, rows, cols, whole, sum int)

// gemmABtVector goes through B in panels of 16 columns, which are turned in registers,
// and down A for each.
func gemmABtVector(c []float32, ldc int, a []float32, lda int, b []float32, ldb, m, n, k int, add bool) {
	const mr, nr = 64, 16
	for i := 0; i < m; i += mr {
		for j := 0; j < n; j += nr {
			gemmABtAVX512(&c[i*ldc+j], ldc, &a[i*lda], lda, &b[j*ldb], ldb, k, min(mr, m-i), min(nr, n-j), add)
		}
	}
}

// gemmABtAVX512 is [GemmABt] for 1 to 64 rows and 1 to 16 columns, k > 0.
//
//go:noescape
func gemmABtAVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, k, rows, cols int, add bool)
