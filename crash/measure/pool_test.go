package measure

import (
	"math"
	"slices"
	"testing"
)

func TestPoolings(t *testing.T) {
	states := []float32{ // [3 2]
		1, -4,
		2, 8,
		6, -1,
	}
	for p, want := range map[Pooling][]float32{
		PoolMean:         {3, 1},
		PoolMeanWeighted: {(1 + 4 + 18) / 6., (-4 + 16 - 3) / 6.},
		PoolLast:         {6, -1},
		PoolMaxNonPad:    {6, 8},
		PoolMeanAll:      {3, 1},
		PoolMax:          {6, 8},
		PoolMin:          {1, -4},
	} {
		dst := []float32{9, 9}
		if p.Pool(dst, states); !slices.Equal(dst, want) {
			t.Errorf("%v: %v, want %v", p, dst, want)
		}
		one := []float32{9, 9}
		if p.Pool(one, states[2:4]); !slices.Equal(one, states[2:4]) {
			t.Errorf("%v of one token: %v", p, one)
		}
		back, err := ParsePooling(p.String())
		if err != nil || back != p {
			t.Errorf("%v reads back as %v, %v", p, back, err)
		}
	}
	if len(poolings) != 7 {
		t.Errorf("%d poolings", len(poolings))
	}
	if _, err := ParsePooling("median"); err == nil {
		t.Error("\"median\" was taken")
	}
}

// A float32 sum of 2^25 ones would stop at 2^24; the mean is summed in float64.
func TestMeanKeepsDigits(t *testing.T) {
	states := make([]float32, 3000)
	for i := range states {
		states[i] = 16777215
	}
	states[0] = 1
	dst := make([]float32, 1)
	PoolMean.Pool(dst, states)
	if want := float32((16777215*2999. + 1) / 3000); dst[0] != want {
		t.Errorf("%v, want %v", dst[0], want)
	}
}

func TestPoolingKeepsNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, p := range []Pooling{PoolMean, PoolMeanWeighted, PoolMax, PoolMin} {
		dst := make([]float32, 2)
		p.Pool(dst, []float32{nan, 1, 2, 3})
		if dst[0] == dst[0] || dst[1] != dst[1] {
			t.Errorf("%v: %v", p, dst)
		}
	}
}
