//go:build !noasm

package simd

import "lamina/tensor"

// codeTable holds the constants of dotcodes_amd64.h and decodek_amd64.h: the masks of nibbles in words
// of 32 bits and of bytes, bytes of 15 and of 16, and for 32 fifth bits the byte
// and the bit of each element.
var codeTable = struct {
	nibbles        [4][8]uint32
	bytes          [3][8]uint32
	lower, sixteen [8]uint32
	spread         [2][32]uint8
	bit            [32]uint8
	upper, offset  [8]uint32 // bits 4 and 5 of each byte, and bytes of 32, for Q6_K
}{
	[4][8]uint32{eight(0xf), eight(0xf00), eight(0xf0000), eight(0xf000000)},
	[3][8]uint32{eight(0xff), eight(0xff00), eight(0xff0000)},
	eight(0x0f0f0f0f), eight(0x10101010),
	[2][32]uint8{
		{8: 1, 9: 1, 10: 1, 11: 1, 12: 1, 13: 1, 14: 1, 15: 1, 24: 1, 25: 1, 26: 1, 27: 1, 28: 1, 29: 1, 30: 1, 31: 1},
		{
			2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
			2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
		},
	},
	[32]uint8{
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
	},
	eight(0x30303030), eight(0x20202020),
}

func eight(v uint32) [8]uint32 { return [8]uint32{v, v, v, v, v, v, v, v} }

// byteTable has the shuffles that take byte 0, 1 and 2 of each word of 32 bits to
// its top, and the mask of byte 3 (dotq80_amd64.s).
var byteTable = [4][32]uint8{topBytes(0), topBytes(1), topBytes(2), {3: 255, 7: 255, 11: 255, 15: 255, 19: 255, 23: 255, 27: 255, 31: 255}}

func topBytes(t int) (table [32]uint8) {
	const zero = 128
	for i := range table {
		table[i] = zero
		if i%4 == 3 {
			table[i] = uint8(i%16 - 3 + t)
		}
	}
	return table
}

// Factors of the elements that stand in bytes 0 to 3 of a word, for codes that are
// masked in place (dotcodes_amd64.h) or moved to the top of the word.
var (
	nibbleFactors = [4]float32{1, 0x1p-8, 0x1p-16, 0x1p-24}
	byteFactors   = [4]float32{1, 0x1p-8, 0x1p-16, 1}
	topFactors    = [4]float32{0x1p-24, 0x1p-24, 0x1p-24, 0x1p-24}
)

// arrange makes the layout for the type's kernel.
func (v *Vector) arrange() {
	n := len(v.x)
	if v.dtype.IsBlock() && !(SumSquaresF64(v.x, 0) < tooLarge) || n%v.dtype.BlockLen() != 0 {
		return
	}
	if level == AVX512 {
		v.arrange512()
		return
	}
	switch v.dtype {
	case tensor.F32, tensor.F16:
		v.layout = v.x
	case tensor.BF16:
		arrangePairs(v.reserve(n), v.x)
	case tensor.Q8_0:
		dst := v.reserve(n)
		for i := 0; i < n; i += 32 {
			arrangeWords(dst[i:], v.x[i:i+32], &topFactors)
		}
	case tensor.Q4_0:
		arrangeBlocks(v.reserve((n+32)/64*72), v.x, &nibbleFactors, -8, 0)
	case tensor.Q5_0:
		arrangeBlocks(v.reserve((n+32)/64*72), v.x, &byteFactors, -16, 0)
	case tensor.Q4_1:
		arrangeBlocks(v.reserve((n+32)/64*72), v.x, &nibbleFactors, 1, 1)
	case tensor.Q5_1:
		arrangeBlocks(v.reserve((n+32)/64*72), v.x, &byteFactors, 1, 1)
	case tensor.Q4_K:
		arrangeRuns(v.reserve(n/256*264), v.x, &nibbleFactors)
	case tensor.Q5_K:
		arrangeRuns(v.reserve(n/256*264), v.x, &byteFactors)
	case tensor.Q6_K:
		arrangeGroups(v.reserve(n/32*40), v.x)
	}
}

// arrangePairs writes of each 16 elements the even ones, then the odd ones.
func arrangePairs(dst, x []float32) {
	for ; len(x) > 0; dst, x = dst[16:], x[16:] {
		to, from := (*[16]float32)(dst), (*[16]float32)(x)
		for i := range 8 {
			to[i], to[8+i] = from[2*i], from[2*i+1]
		}
	}
}

// arrangeWords writes dst[8t+c] = x[4c+t]·factors[t]: element 4c+t stands in byte t
// of word c. It returns the sum of x.
func arrangeWords(dst []float32, x []float32, factors *[4]float32) (sum float32) {
	for c := 0; 4*c < len(x); c++ {
		from := (*[4]float32)(x[4*c:])
		for t, v := range from {
			dst[8*t+c] = v * factors[t]
			sum += v
		}
	}
	return sum
}

// arrangeBlocks writes a group of 72 for each pair of blocks of 32 (and zeros for
// the missing half of the last one): the elements of the lower halves of their
// bytes, then of the upper halves, side by side, then in lanes lane and lane+4 the
// factor times the sum of each block.
func arrangeBlocks(dst, x []float32, factors *[4]float32, factor float32, lane int) {
	clear(dst[len(dst)-72:])
	for ; len(x) > 0; dst = dst[72:] {
		sums := (*[8]float32)(dst[64:])
		*sums = [8]float32{}
		for b := 0; b < 2 && len(x) > 0; b++ {
			sum := arrangeWords(dst[4*b:], x[:16], factors)
			sum += arrangeWords(dst[32+4*b:], x[16:32], factors)
			sums[4*b+lane] = factor * sum
			x = x[32:]
		}
	}
}

// arrangeRuns writes 264 floats for each block of 256: its runs of 32 elements,
// then the sums of the runs with their signs changed.
func arrangeRuns(dst, x []float32, factors *[4]float32) {
	for ; len(x) > 0; dst, x = dst[264:], x[256:] {
		for i := range 8 {
			dst[256+i] = -arrangeWords(dst[32*i:], x[32*i:32*i+32], factors)
		}
	}
}

// arrangeGroups writes 40 floats for each 32 elements: the elements, then in lanes
// 0 and 4 the sums of the two runs of 16 times -32.
func arrangeGroups(dst, x []float32) {
	for ; len(x) > 0; dst, x = dst[40:], x[32:] {
		sums := (*[8]float32)(dst[32:])
		*sums = [8]float32{}
		sums[0] = -32 * arrangeWords(dst, x[:16], &byteFactors)
		sums[4] = -32 * arrangeWords(dst[4:], x[16:32], &byteFactors)
	}
}

func dotRowsVector(y, layout []float32, src []byte, d tensor.DType, n int) {
	dot, streams := rowKernel(d), 1
	if level == AVX512 {
		dot, streams = rowKernel512(d), rowStreams512
	} else if !d.IsBlock() || d == tensor.Q8_0 {
		streams = rowStreams
	}
	blocks, size := n/max(d.BlockLen(), 32), len(src)/len(y)
	rows := len(y) / streams * streams
	if rows > 0 {
		h := rows / streams
		o := rowOrder{
			last: &y[rows-1],
			src:  (h - 1) * size, srcBack: (rows - 1) * size,
			y: 4 * h, yBack: 4 * (rows - 1),
		}
		dot(&y[0], &layout[0], &src[0], rows, blocks, o)
	}
	if rows < len(y) {
		o := rowOrder{last: &y[len(y)-1], y: 4}
		dot(&y[rows], &layout[0], &src[rows*size], len(y)-rows, blocks, o)
	}
}

// rowDot does y[i] += Σ_p x[p]·w[i,p] for i < rows, where w's rows of so many blocks,
// 32 elements if the type has none, lie in src, and rows are taken in the order o.
type rowDot func(y, x *float32, src *byte, rows, blocks int, o rowOrder)

func rowKernel(d tensor.DType) rowDot {
	switch d {
	case tensor.BF16:
		return dotBF16AVX2
	case tensor.F16:
		return dotF16AVX2
	case tensor.Q4_0:
		return dotQ40AVX2
	case tensor.Q4_1:
		return dotQ41AVX2
	case tensor.Q5_0:
		return dotQ50AVX2
	case tensor.Q5_1:
		return dotQ51AVX2
	case tensor.Q8_0:
		return dotQ80AVX2
	case tensor.Q4_K:
		return dotQ4KAVX2
	case tensor.Q5_K:
		return dotQ5KAVX2
	case tensor.Q6_K:
		return dotQ6KAVX2
	default:
		return dotF32AVX2
	}
}

// rowStreams is in how many places of memory a kernel that is faster than memory
// reads in turn, a row in each: a core fetches ahead in several at once. On a Zen 3 alone
// four give a third more bytes a second than one; beside neighbours that use the memory
// they give a tenth less, and two are as good as one or better, of every type, with
// pages of 4 KiB and of 2 MiB. Prefetch instructions lose, and kernels of few bits by
// any of this.
const rowStreams = 2

// rowOrder is the order in which a kernel goes through rows, in bytes: how far on
// after a row, where src has already moved by the row itself; and, past the last
// element of y, how far back.
type rowOrder struct {
	last         *float32
	src, srcBack int
	y, yBack     int
}

//go:noescape
func dotF32AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotBF16AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotF16AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ40AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ41AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ50AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ51AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ80AVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ4KAVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ5KAVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)

//go:noescape
func dotQ6KAVX2(y, x *float32, src *byte, rows, blocks int, o rowOrder)
