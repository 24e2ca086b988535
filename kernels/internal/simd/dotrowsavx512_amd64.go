//go:build !noasm

package simd

import "lamina/tensor"

// Tables of the AVX-512 kernels of Vector.DotRows: the numbers that codes of 4 and
// 5 bits stand for, and where in a vector of words the parts of four blocks are.
var (
	plainCodes  = count16(0)
	signedCodes = count16(-8)
	plainFives  = [2][16]float32{count16(0), count16(16)}
	signedFives = [2][16]float32{count16(-16), count16(0)}

	headsQ41        = [16]uint32{0, 0, 5, 5, 10, 10, 15, 15}
	codesQ41        = [16]uint32{1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 28, 29, 30, 31} // 16 and more: four words on
	headsQ51        = [16]uint32{0, 1, 0, 0, 6, 7, 0, 0, 12, 13, 0, 0, 26, 27, 0, 0}     // 16 and more: eight words on
	codesQ51        = [16]uint32{2, 3, 4, 5, 8, 9, 10, 11, 14, 15, 24, 25, 28, 29, 30, 31}
	headsOfQuarters = [16]uint32{0, 0, 4, 4, 8, 8, 12, 12}

	codeMask  = [3]uint8{0x0f, 0x10, 0x30}
	bitOfByte = filled(func(i int) uint8 { return 1 << (i % 8) })
	// for the lower halves of 16 bytes, and for the upper ones, the byte of the block
	// that has the fifth bit
	spreadQ50 = [2][64]uint8{filled(func(i int) uint8 { return uint8(2 + i%16/8) }), filled(func(i int) uint8 { return uint8(4 + i%16/8) })}
	spreadQ51 = [2][64]uint8{filled(func(i int) uint8 { return uint8(4 + i%16/8) }), filled(func(i int) uint8 { return uint8(6 + i%16/8) })}

	// factorsOfK takes d to the scales and dmin to the minima; runsOfK and runsQ6K
	// take scales to the lanes of the lower and the upper halves of bytes of each half
	// of a block, turnsQ5K and turnsQ6K upper bits to where they belong in a byte
	factorsOfK = [16]uint32{8: 1, 1, 1, 1, 1, 1, 1, 1}
	runsOfK    = [4][16]uint32{laneSteps(8, 0, 2), laneSteps(8, 1, 2), laneSteps(8, 4, 2), laneSteps(8, 5, 2)}
	turnsQ5K   = [4][16]uint32{laneSteps(8, 4, -2), laneSteps(8, 3, -2), laneSteps(8, 0, -2), laneSteps(8, 31, -2)}
	runsQ6K    = [4][16]uint32{laneSteps(4, 0, 1), laneSteps(4, 4, 1), laneSteps(4, 8, 1), laneSteps(4, 12, 1)}
	turnsQ6K   = [2][16]uint32{laneSteps(8, 4, -2), laneSteps(8, 0, -2)}
	sixes      = uint32(0x3f)
)

// count16 returns first, first+1, …
func count16(first int) (table [16]float32) {
	for i := range table {
		table[i] = float32(first + i)
	}
	return table
}

func filled(f func(i int) uint8) (table [64]uint8) {
	for i := range table {
		table[i] = f(i)
	}
	return table
}

// laneSteps returns first for the first n lanes, first+step for the next n and so
// on, modulo 32.
func laneSteps(n, first, step int) (table [16]uint32) {
	for i := range table {
		table[i] = uint32(first+i/n*step) % 32
	}
	return table
}

// arrange512 makes the layout for the type's AVX-512 kernel, nil for none.
func (v *Vector) arrange512() {
	n := len(v.x)
	switch v.dtype {
	case tensor.Q4_0, tensor.Q5_0:
		arrangeFours(v.reserve((n+96)/128*144), v.x, false)
	case tensor.Q4_1, tensor.Q5_1:
		arrangeFours(v.reserve((n+96)/128*144), v.x, true)
	case tensor.Q4_K, tensor.Q5_K:
		arrangeK(v.reserve(n/256*272), v.x)
	case tensor.Q6_K:
		arrangeQ6K(v.reserve(n/256*272), v.x)
	case tensor.F32, tensor.BF16, tensor.F16, tensor.Q8_0:
		v.layout = v.x
	}
}

// arrangeFours writes a group of 144 for each four blocks of 32 (and zeros for those
// that are missing of the last): vector 2t has of each block elements t, 4+t, 8+t and
// 12+t, vector 2t+1 those 16 further on, and the last one in lanes 1, 5, 9 and 13 the
// sums of the blocks if sums is set.
func arrangeFours(dst, x []float32, sums bool) {
	clear(dst[len(dst)-144:])
	for ; len(x) > 0; dst = dst[144:] {
		group := (*[144]float32)(dst)
		clear(group[128:])
		for lane := 0; lane < 16 && len(x) > 0; lane += 4 {
			block := (*[32]float32)(x)
			sum := float32(0)
			for c := range 4 {
				for t := range 4 {
					lower, upper := block[4*c+t], block[16+4*c+t]
					group[32*t+lane+c], group[32*t+16+lane+c] = lower, upper
					sum += lower + upper
				}
			}
			if sums {
				group[128+lane+1] = sum
			}
			x = x[32:]
		}
	}
}

// arrangeK writes 272 floats for each block of 256: for each half, of bytes t of its
// words the lower codes' elements, then the upper ones'; then eight zeros and the
// sums of the runs of 32 with their signs changed.
func arrangeK(dst, x []float32) {
	for ; len(x) > 0; dst, x = dst[272:], x[256:] {
		group, block := (*[272]float32)(dst), (*[256]float32)(x)
		clear(group[256:264])
		for run := range 8 {
			half, lane, upper := run/4, run/2%2*8, run%2
			sum := float32(0)
			for i, v := range block[32*run : 32*run+32] {
				group[128*half+32*(i%4)+16*upper+lane+i/4] = v
				sum += v
			}
			group[264+run] = -sum
		}
	}
}

// arrangeQ6K is arrangeK for codes in their places, whose sums are those of runs of
// 16 times -32.
func arrangeQ6K(dst, x []float32) {
	for ; len(x) > 0; dst, x = dst[272:], x[256:] {
		group, block := (*[272]float32)(dst), (*[256]float32)(x)
		for run := range 16 {
			sum := float32(0)
			for i, v := range block[16*run : 16*run+16] {
				group[128*(run/8)+32*(i%4)+16*(run/4%2)+run%4*4+i/4] = v * placeFactors[i%4]
				sum += v
			}
			group[256+run] = -32 * sum
		}
	}
}

// placeFactors make up for the place of byte t of a word.
var placeFactors = [4]float32{1, 0x1p-8, 0x1p-16, 0x1p-24}

// rowStreams512 is rowStreams of the AVX-512 kernels. On Granite Rapids, from memory
// in large pages, two give 5 to 15% more than one or four for all types but F32, to
// which it is all the same.
const rowStreams512 = 2

func rowKernel512(d tensor.DType) rowDot {
	switch d {
	case tensor.BF16:
		return dotBF16AVX512
	case tensor.F16:
		return dotF16AVX512
	case tensor.Q4_0:
		return dotQ40AVX512
	case tensor.Q4_1:
		return dotQ41AVX512
	case tensor.Q5_0:
		return dotQ50AVX512
	case tensor.Q5_1:
		return dotQ51AVX512
	case tensor.Q8_0:
		return dotQ80AVX512
	case tensor.Q4_K:
		return dotQ4KAVX512
	case tensor.Q5_K:
		return dotQ5KAVX512
	case tensor.Q6_K:
		return dotQ6KAVX512
	default:
		return dotF32AVX512
	}
}

//go:noescape
func dotF32AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotBF16AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotF16AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ40AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ41AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ50AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ51AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ80AVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ4KAVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ5KAVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ6KAVX512(y, x *float32, src *byte, rows, blocks int, o rowOrder)
