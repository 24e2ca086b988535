package simd

// Interleave packs rows of a matrix into a panel of the given width, for the
// operand whose inner index runs along rows:
//
//	dst[p·width+i] = src[i·stride+p]   i < rows, p < k
//	dst[p·width+i] = 0                 rows ≤ i < width
//
// dst does not overlap src.
func Interleave(dst []float32, width int, src []float32, stride, rows, k int) {
	if k == 0 {
		return
	}
	dst = dst[:k*width]
	_ = src[:(rows-1)*stride+k]
	done := 0
	if level != Generic && rows == width {
		done = interleaveVector(dst, width, src, stride, k)
	}
	if done < k {
		interleaveGeneric(dst[done*width:], width, src[done:], stride, rows, k-done)
	}
}

func interleaveGeneric(dst []float32, width int, src []float32, stride, rows, k int) {
	for i := range rows {
		row := src[i*stride:][:k]
		out := dst[i:]
		for p, v := range row {
			out[p*width] = v
		}
	}
	for i := rows; i < width; i++ {
		out := dst[i:]
		for p := range k {
			out[p*width] = 0
		}
	}
}

// Gather packs columns of a matrix into a panel of the given width, for the
// operand whose inner index runs across rows:
//
//	dst[p·width+i] = src[p·stride+i]   i < cols, p < k
//	dst[p·width+i] = 0                 cols ≤ i < width
func Gather(dst []float32, width int, src []float32, stride, cols, k int) {
	dst = dst[:k*width]
	// Array assignments of a known length compile to a few vector moves.
	switch {
	case cols == 16 && width == 16:
		for p := range k {
			*(*[16]float32)(dst[p*16:]) = *(*[16]float32)(src[p*stride:])
		}
	case cols == 6 && width == 6:
		for p := range k {
			*(*[6]float32)(dst[p*6:]) = *(*[6]float32)(src[p*stride:])
		}
	case cols == 8 && width == 8:
		for p := range k {
			*(*[8]float32)(dst[p*8:]) = *(*[8]float32)(src[p*stride:])
		}
	default:
		for p := range k {
			out := dst[p*width:][:width]
			clear(out[copy(out, src[p*stride:][:cols]):])
		}
	}
}
