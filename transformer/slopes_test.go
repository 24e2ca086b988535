package transformer

import (
	"math"
	"slices"
	"testing"
)

// TestBLOOMSlopes holds the slopes against those of build_alibi_tensor in transformers
// 4.51.3: all of some numbers of heads, and the rule for others.
func TestBLOOMSlopes(t *testing.T) {
	for heads, want := range map[int][]float64{
		1: {1. / 256}, 2: {1. / 16, 1. / 256}, 3: {1. / 16, 1. / 256, 0.25},
		6:  {1. / 4, 1. / 16, 1. / 64, 1. / 256, 0.5, 0.125},
		8:  {1. / 2, 1. / 4, 1. / 8, 1. / 16, 1. / 32, 1. / 64, 1. / 128, 1. / 256},
		12: {1. / 2, 1. / 4, 1. / 8, 1. / 16, 1. / 32, 1. / 64, 1. / 128, 1. / 256, 0.7071067690849304, 0.3535533845424652, 0.1767766773700714, 0.0883883386850357},
	} {
		if got := bloomSlopes(heads); !slices.Equal(got, want) {
			t.Errorf("%d heads: %v, want %v", heads, got, want)
		}
	}
	for _, heads := range []int{16, 25, 32, 71, 112} {
		n := math.Exp2(math.Floor(math.Log2(float64(heads))))
		for i, s := range bloomSlopes(heads) {
			want := math.Exp2(-8 / n * float64(i+1))
			if i >= int(n) {
				want = math.Exp2(-4 / n * float64(2*(i-int(n))+1))
			}
			if math.Abs(s-want) > 1e-5*want { // the base is rounded to float32 before its powers are taken
				t.Errorf("%d heads: slope %d is %v, want %v", heads, i, s, want)
			}
		}
	}
}
