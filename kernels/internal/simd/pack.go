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
	switch {
	case level == Generic:
	case level == AVX512 && (width == 12 || width == 32):
		interleave512(dst, width, src, stride, rows, k)
		done = k
	case rows == width:
		done = interleaveVector(dst, width, src, stride, k)
	case k >= 8:
		done = interleaveRest(dst, width, src, stride, rows, k)
	}
	if done < k {
		interleaveGeneric(dst[done*width:], width, src[done:], stride, rows, k-done)
	}
}

// interleaveRest packs a panel of fewer rows, and returns how many of the k steps
// it has packed: pieces of the rows go to a matrix that zeros fill up.
func interleaveRest(dst []float32, width int, src []float32, stride, rows, k int) int {
	const piece, widest = 64, 16
	if width > widest {
		return 0
	}
	var whole [widest * piece]float32
	done := 0
	for k-done >= 8 {
		n := min(piece, (k-done)&^7)
		for i := range rows {
			copy(whole[i*piece:][:n], src[i*stride+done:])
		}
		packed := interleaveVector(dst[done*width:], width, whole[:], piece, n)
		done += packed
		if packed < n {
			break
		}
	}
	return done
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

// Gather packs columns of a matrix into panels of the given width, one after
// the other, for the operand whose inner index runs across rows:
//
//	dst[(j/width·k+p)·width+j%width] = src[p·stride+j]   j < cols, p < k
//
// The rest of the last panel is zero. dst does not overlap src.
func Gather(dst []float32, width int, src []float32, stride, cols, k int) {
	if k == 0 {
		return
	}
	full := cols / width
	_, _ = dst[:(cols+width-1)/width*width*k], src[:(k-1)*stride+cols]
	if level == Generic || full == 0 || !gatherVector(dst, width, src, stride, full, k) {
		gatherGeneric(dst, width, src, stride, full, k)
	}
	rest := cols - full*width
	if rest == 0 {
		return
	}
	dst, src = dst[full*width*k:], src[full*width:]
	if level != Generic && gatherRestVector(dst, width, src, stride, rest, k) {
		return
	}
	for p := range k {
		out := dst[p*width:][:width]
		clear(out[copy(out, src[p*stride:][:rest]):])
	}
}

// gatherGeneric packs full panels. It goes along the rows, so that a row's
// memory is read in one run.
func gatherGeneric(dst []float32, width int, src []float32, stride, panels, k int) {
	for p := range k {
		row := src[p*stride:][:panels*width]
		for j := range panels {
			copy(dst[(j*k+p)*width:][:width], row[j*width:])
		}
	}
}
