package simd

import "lamina/internal/philox"

// dropWords is how many words, four of one Philox block each, the vector version
// draws at a time.
const dropWords = 16

// Drop does, for every i,
//
//	dst[i] = 0           if word i is below threshold
//	dst[i] = scale·x[i]  otherwise
//
// where word i is word i%4 of philox.New(seed, stream).At(counter+i/4). The lower
// half of counter+len(dst)/4 does not overflow.
func Drop(dst, x []float32, seed, stream, counter uint64, threshold uint32, scale float32) {
	x = x[:len(dst)]
	if level != Generic {
		if n := len(dst) / dropWords * dropWords; n > 0 {
			dropVector(dst[:n], x[:n], seed, stream, counter, threshold, scale)
			dst, x, counter = dst[n:], x[n:], counter+uint64(n/4)
		}
	}
	dropGeneric(dst, x, seed, stream, counter, threshold, scale)
}

func dropGeneric(dst, x []float32, seed, stream, counter uint64, threshold uint32, scale float32) {
	random := philox.New(seed, stream)
	for len(x) > 0 {
		words := random.At(counter)
		n := min(len(x), len(words))
		for i, v := range x[:n] {
			if words[i] < threshold {
				v = 0
			} else {
				v *= scale
			}
			dst[i] = v
		}
		dst, x = dst[n:], x[n:]
		counter++
	}
}
