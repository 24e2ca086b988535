package simd

import (
	"fmt"
	"unsafe"
)

// tileSizes calls f with sizes at the edges of tiles; operands of the largest fill 64 KiB.
func tileSizes(f func(n, k int)) {
	for _, n := range []int{1, 15, 16, 17, 32, 33} {
		for _, k := range []int{1, 2, 31, 32, 33, 63, 64, 65} {
			f(n, k)
		}
	}
}

func gemmTilesCalls() []call {
	var calls []call
	for _, m := range []int{1, 15, 16, 17, 31, 32, 33, 47} {
		for _, n := range []int{1, 15, 16, 17, 31, 32, 33, 64} {
			for tiles := range 3 {
				const parts = 2
				a, b := tiledWords(m, tiles*TileDepth), tiledWords(n, tiles*TileDepth)
				ldc := n + m%3
				calls = append(calls, call{
					at: fmt.Sprintf("m=%d n=%d tiles=%d", m, n, tiles), clean: halves,
					floats: []int{span(m, n, ldc), parts * a, parts * b, span(m, n, ldc)},
					run: func(x [][]float32, _ []byte, _ []int32) []float64 {
						passes := []Pass{{a, 0}, {0, b}, {0, 0}}
						from := [][]float32{nil, x[0], x[3]}[m%3]
						GemmTiles(x[0], ldc, Tiled{x[1], tiles * TileWords}, Tiled{x[2], tiles * TileWords}, passes, m, n, tiles, from)
						return nil
					},
				})
			}
		}
	}
	return calls
}

// packTilesCalls leave the places of columns that are not there undefined, so that there
// are no results to hold against the twin's.
func packTilesCalls() []call {
	var calls []call
	tileSizes(func(n, k int) {
		for bit := range 12 {
			across, side, parts := bit&1 != 0, Side(bit&2 != 0), 1+bit/4
			src := TileSource{Stride: k + 1, Across: across}
			length := span(n, k, k+1)
			if across {
				src.Stride, length = n+1, span(k, n, n+1)
			}
			part := tiledWords(n, k)
			calls = append(calls, call{
				at: fmt.Sprintf("n=%d k=%d across=%v right=%v parts=%d", n, k, across, side, parts), noTwin: true,
				floats: []int{(parts + 1) * part, length},
				run: func(x [][]float32, _ []byte, _ []int32) []float64 {
					src := src
					src.Data = x[1]
					PackTiles(x[0], part, parts, src, n, k, side)
					return nil
				},
			})
		}
	})
	return calls
}

func packStoredTilesCalls() []call {
	var calls []call
	tileSizes(func(n, k int) {
		for bit := range 4 {
			across, side := bit&1 != 0, Side(bit&2 != 0)
			stride, length := k+1, span(n, k, k+1)
			if across {
				stride, length = n+1, span(k, n, n+1)
			}
			calls = append(calls, call{
				at: fmt.Sprintf("n=%d k=%d across=%v right=%v", n, k, across, side), noTwin: true,
				floats: []int{tiledWords(n, k), (length + 1) / 2},
				run: func(x [][]float32, _ []byte, _ []int32) []float64 {
					PackTilesBF16(x[0], halvesOf(x[1])[:length], stride, across, n, k, side)
					return nil
				},
			})
		}
	})
	return calls
}

// halvesOf returns floats as the halves of their memory.
func halvesOf(x []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x))
}
