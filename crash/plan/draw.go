package plan

import (
	"cmp"
	"math"
	"slices"

	"lamina/internal/philox"
)

// The draws from a normal over depth are normal_choose_layers in src/model_utils.py of
// the paper's repository: torch.multinomial without replacement, with weights
// N(i; centre, sd) for the i-th of the m layers between the trained ones, which are the
// ends. The reference calls sd a variance and has two defaults, 3 in the function and
// 0.4 on its command line, with which far layers have weight 0; here it is a standard
// deviation, m/8 unless set: about the function's 3 for its model of 24 layers.

// sdOption is the option of these methods; 0, its default, stands for m/8.
var sdOption = []Option{{Name: "sd", Help: "standard deviation of the normal, in layers; 0: an eighth of the layers that are drawn from", Least: 0, Most: maxLayer}}

// drawn keeps layers drawn with the weights of a normal: logWeight is up to a constant
// the logarithm of the weight of the i-th of m layers.
func drawn(logWeight func(i, m int, sd float64) float64) func(Request) (Choice, error) {
	return func(r Request) (Choice, error) {
		kept, free := r.Fixed(), r.Free()
		sd := cmp.Or(r.Option("sd"), float64(len(free))/8)
		for _, i := range withoutReplacement(r.Seed, len(free), r.Keep-len(kept), func(i int) float64 { return logWeight(i, len(free), sd) }) {
			kept = append(kept, free[i])
		}
		slices.Sort(kept)
		return Choice{Plan: starEvenly(kept, r.Trainable)}, nil
	}
}

// logNormal is the logarithm of a normal density up to a constant.
func logNormal(i, centre int, sd float64) float64 {
	z := float64(i-centre) / sd
	return -z * z / 2
}

// normalStream is the Philox stream of these draws.
const normalStream = 0x6e6f726d616c // "normal"

// withoutReplacement draws k of n, one after the other, each with a chance proportional to
// its weight among those left. The k largest of log weight + Gumbel noise are such a draw
// (Gumbel 1954; Yellott 1977), which no weight is too small for.
func withoutReplacement(seed uint64, n, k int, logWeight func(i int) float64) []int {
	u := philox.New(seed, normalStream).Sequence()
	keys, order := make([]float64, n), make([]int, n)
	for i := range keys {
		noise := -math.Log(-math.Log(u.Float64() + 0x1p-54)) // of a uniform in (0, 1)
		keys[i], order[i] = logWeight(i)+noise, i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(keys[b], keys[a]) })
	return order[:k]
}
