//go:build !noasm

package simd

// gemmBlockVector is [GemmBlock] for AVX2: down the whole panels of A in one call
// for each panel of B, which stays in the first-level cache, then the rest of the
// rows.
func gemmBlockVector(c []float32, ldc int, a, b *Panels, m, n, k int, add bool) {
	const mr, nr = 6, 16
	whole, rest := m/mr, m%mr
	packed := a.packed(mr, k) && b.Inner == nr
	for j := 0; j < n; j += nr {
		y, cols := &b.Data[j/nr*b.Panel], min(nr, n-j)
		switch {
		case whole == 0:
		case packed:
			gemmPanelsAVX2(&c[j], ldc, &a.Data[0], y, k, whole, cols, add)
		default:
			gemmStridedAVX2(&c[j], ldc, &a.Data[0], a.Outer, a.Inner, a.Panel, y, b.Inner, k, whole, cols, add)
		}
		if rest > 0 {
			gemmRowsAVX2(&c[whole*mr*ldc+j], ldc, &a.Data[whole*a.Panel], a.Outer, a.Inner, y, b.Inner, k, rest, cols, add)
		}
	}
}

// gemmPanelsAVX2 multiplies whole packed panels of A by the first cols columns of
// a packed panel of B:
//
//	c[i·ldc+j] (+)= Σ_p a[(i/6·k+p)·6+i%6]·b[16p+j]   i < 6·panels, j < cols, p < k
//
// k, panels > 0, 0 < cols ≤ 16.
//
//go:noescape
func gemmPanelsAVX2(c *float32, ldc int, a, b *float32, k, panels, cols int, add bool)

// gemmStridedAVX2 is the same for operands in any place:
//
//	c[i·ldc+j] (+)= Σ_p a[i/6·panel+i%6·outer+p·inner]·b[p·step+j]
//
//go:noescape
func gemmStridedAVX2(c *float32, ldc int, a *float32, outer, inner, panel int, b *float32, step, k, panels, cols int, add bool)

// gemmRowsAVX2 is the same for 1 to 5 rows:
//
//	c[i·ldc+j] (+)= Σ_p a[i·outer+p·inner]·b[p·step+j]   i < rows
//
//go:noescape
func gemmRowsAVX2(c *float32, ldc int, a *float32, outer, inner int, b *float32, step, k, rows, cols int, add bool)
