package task

import (
	"math"
	"slices"
	"testing"
)

// TestAnswerLosses are of the gold choice, of all right answers, of the continuation, and
// of nothing where none is scored.
func TestAnswerLosses(t *testing.T) {
	pair := func(n int) Pair { return Pair{Context: []int32{1}, Target: make([]int32, n)} }
	rows := [][]Score{{{LogProb: -1}, {LogProb: -2}, {LogProb: -4}}, {{LogProb: -8}}}
	for _, c := range []struct {
		shape  Shape
		gold   int
		tokens []int
		losses []float64
		chance float64
	}{
		{Choice, 1, []int{3, 5}, []float64{2, 8}, (1.0/3 + 1) / 2},
		{ContextChoice, 0, []int{2, 5}, []float64{1, 8}, (1.0/3 + 1) / 2},
		{Answers, 0, []int{9, 5}, []float64{7, 8}, 0},
		{Text, 0, nil, nil, 0},
		{Generation, 0, nil, nil, 0},
	} {
		r := &Requests{
			Items:  []Item{{Shape: c.shape, Gold: c.gold, Requests: make([]Request, 3)}, {Shape: c.shape, Requests: make([]Request, 1)}},
			Counts: []int{3, 1}, Pairs: []Pair{pair(2), pair(3), pair(4), pair(5)},
		}
		if got := r.AnswerTokens(); !slices.Equal(got, c.tokens) || (got == nil) != (c.tokens == nil) {
			t.Errorf("%v: tokens %v, want %v", c.shape, got, c.tokens)
		}
		if got := r.AnswerLosses(rows); !slices.Equal(got, c.losses) || (got == nil) != (c.losses == nil) {
			t.Errorf("%v: losses %v, want %v", c.shape, got, c.losses)
		}
		if got := r.ByChance(); math.Abs(got-c.chance) > 1e-15 {
			t.Errorf("%v: by chance %v, want %v", c.shape, got, c.chance)
		}
	}
	one := &Requests{Items: []Item{{Shape: Tokens}, {Shape: Continuation, Requests: make([]Request, 1)}}, Counts: []int{1, 1}, Pairs: []Pair{pair(2), pair(3)}}
	if got := one.AnswerTokens(); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("continuations: tokens %v", got)
	}
	if got := one.AnswerLosses([][]Score{{{LogProb: -3}}, {{LogProb: -5}}}); !slices.Equal(got, []float64{3, 5}) {
		t.Errorf("continuations: losses %v", got)
	}
}
