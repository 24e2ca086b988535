package measure

import (
	"math"
	"slices"
	"testing"

	"lamina/transformer"
)

// TestTokensAreTaken as their words say; what a sample gives does not depend on what runs
// beside it.
func TestTokensAreTaken(t *testing.T) {
	x := []float32{100, 0, 3, 4, 0, 0}
	r2 := float32(math.Sqrt2)
	for tokens, want := range map[Tokens][]float32{
		TokensPlain:     {100, 0, 3, 4, 0, 0},
		TokensDropFirst: {3, 4, 0, 0},
		TokensRMS:       {r2, 0, 0.6 * r2, 0.8 * r2, 0, 0},
	} {
		got := tokens.of(x, 2)
		if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
			t.Errorf("%v: %v, want %v", tokens, got, want)
		}
		both := newStates(Vectors{Tokens: tokens}, 2, 1)
		both.add(0, transformer.NewBatch([]int32{1, 2}, []int32{1, 2, 3}), append([]float32{1, 1, 2, 5}, x...))
		alone := newStates(Vectors{Tokens: tokens}, 1, 1)
		alone.add(0, transformer.NewBatch([]int32{1, 2, 3}), x)
		if !slices.Equal(both.states[0][2:], alone.states[0]) || len(both.states[0]) != 4 {
			t.Errorf("%v: %v beside another, %v alone", tokens, both.states[0], alone.states[0])
		}
	}
	if x[0] != 100 {
		t.Error("the states were changed")
	}
}
