package simd

// Panels is how [GemmBlock] finds an operand: the element with outer index o (a
// row of A, a column of B) and inner index p is
//
//	Data[o/width·Panel + o%width·Outer + p·Inner]
//
// where width is MR for A and NR for B. Of B, Outer is 1 and every panel whole.
type Panels struct {
	Data                []float32
	Outer, Inner, Panel int
}

// Packed returns panels of the given width and k inner indices, one after the
// other, as [Interleave] and [Gather] leave them.
func Packed(data []float32, width, k int) Panels {
	return Panels{Data: data, Outer: 1, Inner: width, Panel: width * k}
}

// packed reports whether p is what Packed returns.
func (p *Panels) packed(width, k int) bool {
	return p.Outer == 1 && p.Inner == width && p.Panel == width*k
}

// last returns the position of the last of k inner indices of the last of n outer
// ones.
func (p *Panels) last(width, n, k int) int {
	return (n-1)/width*p.Panel + (n-1)%width*p.Outer + (k-1)*p.Inner
}

// GemmBlock multiplies m rows of A by n columns of B:
//
//	c[i·ldc+j] (+)= Σ_p a(i, p)·b(p, j)   i < m, j < n, p = 0..k-1 in order
//
// with the bits of [Gemm] on packed panels. Where the active level's Tile has not
// Strided, the last panel of a packed A is filled up to MR rows, B is packed, and A
// is, or has InPlace, at least MR rows, and Panel = MR·Outer.
func GemmBlock(c []float32, ldc int, a, b Panels, m, n, k int, add bool) {
	switch {
	case !beginBlock(c, ldc, &a, &b, m, n, k, add):
	case tiles[level].Strided:
		gemmBlockStrided(c, ldc, &a, &b, m, n, k, add)
	default:
		gemmBlockTiles(c, ldc, &a, &b, m, n, k, add, false)
	}
}

// GemmBlockBF16 is [GemmBlock] for packed panels of k pairs, with the bits of
// [GemmBF16].
func GemmBlockBF16(c []float32, ldc int, a, b Panels, m, n, k int, add bool) {
	if beginBlock(c, ldc, &a, &b, m, n, k, add) {
		gemmBlockTiles(c, ldc, &a, &b, m, n, k, add, true)
	}
}

// beginBlock panics where operands are too short and reports whether there are
// products. Sums of none are zeros.
func beginBlock(c []float32, ldc int, a, b *Panels, m, n, k int, add bool) bool {
	if m == 0 || n == 0 {
		return false
	}
	_ = c[(m-1)*ldc+n-1]
	if k == 0 {
		if !add {
			for i := range m {
				clear(c[i*ldc:][:n])
			}
		}
		return false
	}
	t := &tiles[level]
	_ = a.Data[max(a.last(t.MR, m, k), a.last(t.MR, min(m, t.MR), k))]
	_ = b.Data[b.last(t.NR, (n+t.NR-1)/t.NR*t.NR, k)]
	return true
}

// gemmBlockTiles goes from micro-kernel to micro-kernel, with packed panels of
// pairs if pairs is set.
func gemmBlockTiles(c []float32, ldc int, a, b *Panels, m, n, k int, add, pairs bool) {
	t := &tiles[level]
	packed := a.packed(t.MR, k)
	if packed && level == AVX512 && (!pairs || HasBF16()) {
		gemmBlock512(c, ldc, a, b, m, n, k, add, pairs)
		return
	}
	tile := func(to []float32, ldc int, i int, pb []float32, add bool) {
		switch {
		case pairs:
			GemmBF16(to, ldc, a.Data[i/t.MR*a.Panel:][:t.MR*k], pb, k, add)
		case packed:
			Gemm(to, ldc, a.Data[i/t.MR*a.Panel:][:t.MR*k], pb, k, add)
		default:
			GemmInPlace(to, ldc, a.Data[i*a.Outer:], a.Outer, a.Inner, pb, k, add)
		}
	}
	var edge [maxTile]float32
	for j := 0; j < n; j += t.NR {
		pb := b.Data[j/t.NR*b.Panel:][:t.NR*k]
		for i := 0; i < m; i += t.MR {
			rows, cols := min(t.MR, m-i), min(t.NR, n-j)
			if rows == t.MR && cols == t.NR {
				tile(c[i*ldc+j:], ldc, i, pb, add)
				continue
			}
			from := edge[:]
			if packed {
				tile(from, t.NR, i, pb, false)
			} else { // the last rows, among some that are done already
				first := min(i, m-t.MR)
				tile(from, t.NR, first, pb, false)
				from = from[(i-first)*t.NR:]
			}
			copyTile(c[i*ldc+j:], ldc, from, t.NR, rows, cols, add)
		}
	}
}

// maxTile is the largest MR·NR of a level without Strided.
const maxTile = 12 * 32

// copyTile does c[i·ldc+j] (+)= edge[i·width+j] for i < m, j < n.
func copyTile(c []float32, ldc int, edge []float32, width, m, n int, add bool) {
	for i := range m {
		row, from := c[i*ldc:][:n], edge[i*width:][:n]
		if !add {
			copy(row, from)
			continue
		}
		for j, v := range from {
			row[j] += v
		}
	}
}

func gemmBlockStrided(c []float32, ldc int, a, b *Panels, m, n, k int, add bool) {
	if level == Generic {
		gemmBlockGeneric(c, ldc, a, b, m, n, k, add)
		return
	}
	gemmBlockVector(c, ldc, a, b, m, n, k, add)
}

func gemmBlockGeneric(c []float32, ldc int, a, b *Panels, m, n, k int, add bool) {
	t := &tiles[Generic]
	for j := 0; j < n; j += t.NR {
		for i := 0; i < m; i += t.MR {
			x, y := a.Data[i/t.MR*a.Panel:], b.Data[j/t.NR*b.Panel:]
			rows, cols := min(t.MR, m-i), min(t.NR, n-j)
			var sum [4][4]float32
			for p := range k {
				y := (*[4]float32)(y[p*b.Inner:])
				for r := range rows {
					v, row := x[r*a.Outer+p*a.Inner], &sum[r]
					row[0] += v * y[0]
					row[1] += v * y[1]
					row[2] += v * y[2]
					row[3] += v * y[3]
				}
			}
			for r := range rows {
				copyTile(c[(i+r)*ldc+j:], ldc, sum[r][:], t.NR, 1, cols, add)
			}
		}
	}
}
