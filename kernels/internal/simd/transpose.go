package simd

// Transpose does dst[j·dstStride+i] = src[i·srcStride+j] for i < rows, j < cols.
// dst does not overlap src.
func Transpose(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	_, _ = dst[(cols-1)*dstStride+rows-1], src[(rows-1)*srcStride+cols-1]
	r, c := 0, 0
	if level != Generic {
		r, c = rows&^7, cols&^7
		transposeVector(dst, dstStride, src, srcStride, r, c)
	}
	if r < rows {
		transposeGeneric(dst[r:], dstStride, src[r*srcStride:], srcStride, rows-r, cols)
	}
	if c < cols {
		transposeGeneric(dst[c*dstStride:], dstStride, src[c:], srcStride, r, cols-c)
	}
}

func transposeGeneric(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*srcStride:][:cols] {
			dst[j*dstStride+i] = v
		}
	}
}

// CopyRows does dst[i·dstStride+j] = src[i·srcStride+j] for i < rows, j < cols. dst
// does not overlap src.
func CopyRows(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStride+cols-1], src[(rows-1)*srcStride+cols-1]
	if level != AVX512 {
		copyRowsGeneric(dst, dstStride, src, srcStride, rows, cols)
		return
	}
	copyRowsVector(dst, dstStride, src, srcStride, rows, cols)
}

func copyRowsGeneric(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	for i := range rows {
		copy(dst[i*dstStride:][:cols], src[i*srcStride:])
	}
}
