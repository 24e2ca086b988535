//go:build !noasm

package simd

// interleaveVector packs full panels in steps of 8 or 16 and returns how many of the
// k steps it has packed.
func interleaveVector(dst []float32, width int, src []float32, stride, k int) int {
	blocks := k / 8
	if blocks == 0 {
		return 0
	}
	switch width {
	case 16:
		interleave8AVX2(&dst[0], 16, &src[0], stride, blocks)
		interleave8AVX2(&dst[8], 16, &src[8*stride], stride, blocks)
	case 8:
		interleave8AVX2(&dst[0], 8, &src[0], stride, blocks)
	case 6:
		interleave6AVX2(&dst[0], &src[0], stride, blocks)
	default:
		return 0
	}
	return blocks * 8
}

// interleave8AVX2 does dst[p·width+i] = src[i·stride+p] for i < 8, p < 8·blocks.
//
//go:noescape
func interleave8AVX2(dst *float32, width int, src *float32, stride, blocks int)

// interleave6AVX2 does dst[p·6+i] = src[i·stride+p] for i < 6, p < 8·blocks.
//
//go:noescape
func interleave6AVX2(dst *float32, src *float32, stride, blocks int)

// gatherVector packs full panels and reports whether it could.
func gatherVector(dst []float32, width int, src []float32, stride, panels, k int) bool {
	switch {
	case width == 32 && level == AVX512:
		gather32AVX512(&dst[0], &src[0], stride, panels, k)
	case width == 12 && level == AVX512:
		for p := 0; p < panels; p += gatheredAtOnce512 {
			gather12AVX512(&dst[12*k*p], &src[12*p], stride, min(gatheredAtOnce512, panels-p), k)
		}
	case width == 16:
		gather16AVX2(&dst[0], &src[0], stride, panels, k)
	case width == 8:
		gather8AVX2(&dst[0], &src[0], stride, panels, k)
	case width == 6:
		for p := 0; p < panels; p += gatheredAtOnce {
			gather6AVX2(&dst[6*k*p], &src[6*p], stride, min(gatheredAtOnce, panels-p), k)
		}
	default:
		return false
	}
	return true
}

// gatheredAtOnce is how many panels of 6, and of 12, are written at once: each is in other
// lines, and those of many do not stay in the first-level cache until they are full.
const gatheredAtOnce, gatheredAtOnce512 = 8, 4

// gather16AVX2 does dst[(j·k+p)·16+i] = src[p·stride+16j+i] for i < 16,
// j < panels, p < k.
//
//go:noescape
func gather16AVX2(dst, src *float32, stride, panels, k int)

// gather8AVX2 is the same for panels of 8.
//
//go:noescape
func gather8AVX2(dst, src *float32, stride, panels, k int)

// gather6AVX2 is the same for panels of 6.
//
//go:noescape
func gather6AVX2(dst, src *float32, stride, panels, k int)

// gatherRestVector packs the first cols < width columns of a panel, and reports
// whether it could.
func gatherRestVector(dst []float32, width int, src []float32, stride, cols, k int) bool {
	if width != 16 {
		return false
	}
	gatherRest16AVX2(&dst[0], &src[0], stride, cols, k)
	return true
}

// gatherRest16AVX2 does dst[16p+i] = src[p·stride+i] for i < cols, 0 for
// cols ≤ i < 16, p < k.
//
//go:noescape
func gatherRest16AVX2(dst, src *float32, stride, cols, k int)
