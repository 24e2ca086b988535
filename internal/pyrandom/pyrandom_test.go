package pyrandom

import (
	"fmt"
	"slices"
	"testing"
)

// What Python 3.11 draws: getrandbits(32) three times; random() twice; then anew
// sample of 5 of 20, 5 of 5000, 12 of 100 and 12 of 80; then anew shuffle of 10 and
// choices of 7, six times.
var golden = []struct {
	seed    int64
	words   []uint32
	floats  []float64
	samples [][]int
	order   []int
	choices []int
}{
	{0, []uint32{3626764237, 1654615998, 3255389356}, []float64{0.8444218515250481, 0.7579544029403025},
		[][]int{{12, 13, 1, 8, 15}, {3317, 2484, 3904, 2933, 4779}, {27, 64, 17, 36, 96, 12, 79, 32, 68, 90, 77, 18}, {39, 12, 9, 42, 60, 71, 78, 45, 55, 40, 26, 61}}, []int{7, 8, 1, 5, 3, 4, 2, 0, 9, 6}, []int{2, 6, 1, 0, 0, 0}},
	{1, []uint32{577090037, 2444712010, 3639700191}, []float64{0.13436424411240122, 0.8474337369372327},
		[][]int{{4, 18, 2, 8, 3}, {4058, 3682, 3868, 3109, 1719}, {12, 62, 3, 49, 55, 77, 97, 98, 0, 89, 57, 34}, {29, 75, 13, 40, 3, 2, 78, 69, 1, 48, 27, 54}}, []int{6, 8, 9, 7, 5, 3, 0, 4, 1, 2}, []int{5, 0, 0, 5, 3, 5}},
	{42, []uint32{2746317213, 478163327, 107420369}, []float64{0.6394267984578837, 0.025010755222666936},
		[][]int{{3, 0, 8, 7, 16}, {1143, 839, 4467, 712, 4837}, {54, 4, 3, 11, 27, 29, 64, 77, 71, 25, 91, 83}, {69, 53, 28, 57, 75, 35, 0, 20, 54, 43, 74, 19}}, []int{7, 3, 2, 8, 5, 6, 9, 4, 0, 1}, []int{4, 0, 0, 1, 4, 3}},
	{1234, []uint32{4150886329, 3342196574, 1892932127}, []float64{0.9664535356921388, 0.4407325991753527},
		[][]int{{14, 3, 0, 2, 1}, {687, 806, 2905, 1939, 142}, {3, 2, 44, 82, 79, 61, 78, 59, 19, 11, 23, 91}, {14, 1, 64, 62, 31, 8, 69, 59, 74, 11, 65, 5}}, []int{2, 8, 3, 5, 6, 4, 9, 0, 1, 7}, []int{1, 0, 5, 2, 4, 4}},
	{1099511627783, []uint32{2635837658, 3209733218, 3500038837}, []float64{0.6137037779936511, 0.8149162973309487},
		[][]int{{19, 18, 15, 8, 4}, {4233, 3074, 4270, 2974, 3220}, {56, 57, 47, 28, 96, 76, 23, 17, 94, 67, 93, 73}, {20, 4, 32, 9, 47, 17, 16, 3, 19, 6, 44, 37}}, []int{0, 5, 2, 3, 6, 1, 8, 4, 7, 9}, []int{2, 3, 6, 1, 6, 5}},
	{-5, []uint32{2675342405, 1097127993, 3185950873}, []float64{0.6229016948897019, 0.7417869892607294},
		[][]int{{19, 8, 11, 16, 0}, {3814, 2040, 424, 1284, 927}, {47, 60, 31, 48, 69, 13, 73, 1, 93, 27, 52, 35}, {23, 49, 20, 9, 17, 56, 16, 73, 0, 71, 26, 27}}, []int{2, 3, 1, 0, 8, 7, 6, 5, 4, 9}, []int{4, 6, 0, 3, 1, 3}},
}

func TestDrawsEqualPython(t *testing.T) {
	for _, g := range golden {
		r := New(g.seed)
		for i, want := range g.words {
			if got := r.Uint32(); got != want {
				t.Errorf("seed %d: word %d is %d, want %d", g.seed, i, got, want)
			}
		}
		r = New(g.seed)
		for i, want := range g.floats {
			if got := r.Float64(); got != want {
				t.Errorf("seed %d: float %d is %v, want %v", g.seed, i, got, want)
			}
		}
		r = New(g.seed)
		for i, of := range []int{20, 5000, 100, 80} {
			if got := r.Sample(of, len(g.samples[i])); !slices.Equal(got, g.samples[i]) {
				t.Errorf("seed %d: %d of %d are %v, want %v", g.seed, len(got), of, got, g.samples[i])
			}
		}
		r = New(g.seed)
		x := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
		r.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
		if !slices.Equal(x, g.order) {
			t.Errorf("seed %d: shuffled to %v, want %v", g.seed, x, g.order)
		}
		for i, want := range g.choices {
			if got := r.Choice(7); got != want {
				t.Errorf("seed %d: choice %d is %d, want %d", g.seed, i, got, want)
			}
		}
	}
}

// The state is refilled three times on the way.
func TestLongRunEqualsPython(t *testing.T) {
	r := New(7)
	var last uint32
	for range 2000 {
		last = r.Uint32()
	}
	if last != 2803521222 {
		t.Errorf("word 2000 is %d", last)
	}
}

func Example() {
	r := New(1234)
	fmt.Println(r.Sample(100, 3))
	// Output: [99 56 14]
}
