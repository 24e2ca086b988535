//go:build !noasm

package simd

import "unsafe"

// tileBlock is what the functions below compute: [GemmTiles] of whole blocks of C, which
// have two or one tiles of rows and of columns as the function's name says.
type tileBlock struct {
	shapes     *tileShapes
	c          *float32
	ldc        int // bytes, as all distances here
	a, b       *float32
	aPanel     int
	bPanel     int
	passes     *Pass    // words
	count      int      // of passes, > 0
	tiles      int      // inner ones, > 0
	rows, cols int      // blocks, > 0
	from       *float32 // what C begins with, in rows like its own, or nil
}

// gemmTilesVector cuts C into whole blocks of 32×32 and what is left on the right, below,
// and in the corner: tiles of one call have the same shapes.
func gemmTilesVector(c []float32, ldc int, a, b Tiled, passes []Pass, m, n, tiles int, from []float32) {
	const whole = 2 * TileWidth
	t := tileBlock{ldc: 4 * ldc, aPanel: 4 * a.Panel, bPanel: 4 * b.Panel, passes: &passes[0], count: len(passes), tiles: tiles}
	for i := 0; i < m; {
		rows := min(whole, m-i)
		t.rows = max((m-i)/whole, 1)
		for j := 0; j < n; {
			cols := min(whole, n-j)
			t.cols = max((n-j)/whole, 1)
			shapes := shapesOf(rows, cols)
			t.shapes, t.c = &shapes, &c[i*ldc+j]
			if from != nil {
				t.from = &from[i*ldc+j]
			}
			t.a, t.b = &a.Data[i/TileWidth*a.Panel], &b.Data[j/TileWidth*b.Panel]
			switch {
			case rows > TileWidth && cols > TileWidth:
				gemmTiles22(&t)
			case rows > TileWidth:
				gemmTiles21(&t)
			case cols > TileWidth:
				gemmTiles12(&t)
			default:
				gemmTiles11(&t)
			}
			j += t.cols * cols
		}
		i += t.rows * rows
	}
}

// shapesOf returns the tiles of a block of up to 32 rows and columns: 0 to 3 of C, row by
// row, 4 and 5 of A, 6 and 7 of B.
func shapesOf(rows, cols int) tileShapes {
	s := tileShapes{palette: 1}
	set := func(tile, rows, words int) {
		if rows > 0 && words > 0 {
			s.rows[tile], s.rowBytes[tile] = uint8(rows), uint16(4*words)
		}
	}
	r := [2]int{min(rows, TileWidth), max(rows-TileWidth, 0)}
	n := [2]int{min(cols, TileWidth), max(cols-TileWidth, 0)}
	for i := range 2 {
		set(2*i, r[i], n[0])
		set(2*i+1, r[i], n[1])
		set(4+i, r[i], TileDepth/2)
		set(6+i, TileDepth/2, n[i])
	}
	return s
}

//go:noescape
func gemmTiles22(t *tileBlock)

//go:noescape
func gemmTiles21(t *tileBlock)

//go:noescape
func gemmTiles12(t *tileBlock)

//go:noescape
func gemmTiles11(t *tileBlock)

const _ = uint(unsafe.Sizeof(Pass{}) - 16) // as assembly reads it
