package simd

import (
	"math"
	"testing"
)

// Every level draws the words of package philox; a dropped element is +0 whatever
// it was.
func TestDropHasTheBitsOfItsTwin(t *testing.T) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for n := range 70 {
			x := wave(n, 0.7)
			if n > 20 {
				x[3], x[19], x[20] = float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1))
			}
			got, want := wave(n+1, 5), wave(n+1, 5)
			const seed, stream, counter = 0x123456789abcdef0, 0xfedcba9876543210, 0xdeadbeef_7fffffc1
			for _, threshold := range []uint32{0, 1 << 30, 1 << 31, 0xffffffff} {
				Drop(got[:n], x, seed, stream, counter, threshold, 1.25)
				dropGeneric(want[:n], x, seed, stream, counter, threshold, 1.25)
				for i := range want {
					a, b := math.Float32bits(got[i]), math.Float32bits(want[i])
					if a != b && !(got[i] != got[i] && want[i] != want[i]) {
						t.Fatalf("%v n=%d threshold=%#x: [%d] = %v, want %v", l, n, threshold, i, got[i], want[i])
					}
				}
			}
		}
	}
}
