//go:build !noasm

package simd

// gemmAVX512 multiplies packed panels of A, the last one filled up, by the first
// cols columns of a packed panel of B:
//
//	c[i·ldc+j] (+)= Σ_p a[(i/12·k+p)·12+i%12]·b[32p+j]   i < rows, j < cols, p < k
//
// rows > 0, 0 < cols ≤ 32.
//
//go:noescape
func gemmAVX512(c *float32, ldc int, a, b *float32, k, rows, cols int, add bool)

// gemmInPlaceAVX512 is [GemmInPlace] for 12×32, k > 0.
//
//go:noescape
func gemmInPlaceAVX512(c *float32, ldc int, a *float32, rowStep, step int, b *float32, k int, add bool)

// peakAVX512 does 12 independent fused multiply-adds of 16 floats a round.
//
//go:noescape
func peakAVX512(rounds int)

// interleaveAVX512 does dst[p·width+i] = src[i·stride+p] for i < rows, which is 12
// or 16, p < 16·blocks.
//
//go:noescape
func interleaveAVX512(dst *float32, width int, src *float32, stride, rows, blocks int)

// gather32AVX512 does dst[(j·k+p)·32+i] = src[p·stride+32j+i] for i < 32,
// j < panels, p < k.
//
//go:noescape
func gather32AVX512(dst, src *float32, stride, panels, k int)

// gather12AVX512 is the same for panels of 12.
//
//go:noescape
func gather12AVX512(dst, src *float32, stride, panels, k int)

// gemmBlock512 is [GemmBlock] for packed panels, of pairs if pairs is set.
func gemmBlock512(c []float32, ldc int, a, b *Panels, m, n, k int, add, pairs bool) {
	for j := 0; j < n; j += 32 {
		y, cols := &b.Data[j/32*b.Panel], min(32, n-j)
		if pairs {
			gemmBF16AVX512(&c[j], ldc, &a.Data[0], y, k, m, cols, add)
		} else {
			gemmAVX512(&c[j], ldc, &a.Data[0], y, k, m, cols, add)
		}
	}
}

// interleaveRestAVX512 does dst[p·width+i] = src[i·stride+p] for i < rows, 0 for
// rows ≤ i < lanes, p < k; rows ≤ lanes ≤ 16, k > 0.
//
//go:noescape
func interleaveRestAVX512(dst *float32, width int, src *float32, stride, rows, lanes, k int)

// interleave512 is [Interleave] for this level's widths, 12 and 32, k > 0.
func interleave512(dst []float32, width int, src []float32, stride, rows, k int) {
	lanes := min(width, 16)
	for i := 0; i < width; i += lanes {
		n, done := min(max(rows-i, 0), lanes), 0
		from := src[min(i, rows-1)*stride:]
		if n == lanes && k >= 16 {
			done = k &^ 15
			interleaveAVX512(&dst[i], width, &from[0], stride, lanes, done/16)
		}
		if done < k {
			interleaveRestAVX512(&dst[done*width+i], width, &from[done], stride, n, lanes, k-done)
		}
	}
}
