package train_test

import (
	"math"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels/ref"
)

// The last token of a target is never read by the decoder, only predicted: it is
// checked all the same.
func TestNextTokenRefuses(t *testing.T) {
	d := crashtest.Small(ref.New(), "opt")
	for want, spoil := range map[string]func(*task.Pair){
		"example 3: context of 10 and target of 0 tokens": func(p *task.Pair) { p.Target = nil },
		"example 3: context of 0 ":                        func(p *task.Pair) { p.Context = nil },
		"example 3: target, token 1: id 61":               func(p *task.Pair) { p.Target = []int32{2, 61} },
		"example 3: context, token 0: id -1":              func(p *task.Pair) { p.Context = []int32{-1} },
		"example 3: ":                                     func(p *task.Pair) { p.Context = make([]int32, 65) },
	} {
		pairs := crashtest.Pairs(6)
		spoil(&pairs[3])
		if _, err := train.NewNextToken(d, pairs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSequencesLearnWhatIsMarked: a row with two answers costs what both cost after all
// before them, and one whose answer is its end what the pair costs, to the bit.
func TestSequencesLearnWhatIsMarked(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		d := crashtest.Small(be, family)
		row := []int32{3, 9, 14, 2, 27, 8, 30, 11, 5, 19}
		marked := func(at ...int) train.Sequence {
			s := train.Sequence{Tokens: row, Learn: make([]bool, len(row))}
			for _, i := range at {
				s.Learn[i] = true
			}
			return s
		}
		cost := func(s train.Sequence) float64 {
			o, err := train.NewSequences(d, []train.Sequence{s})
			if err != nil {
				t.Fatal(err)
			}
			p := autograd.NewPass(be)
			defer p.Close()
			loss, err := o.Loss(p, []int{0})
			if err != nil {
				t.Fatal(err)
			}
			mean, err := o.Mean(t.Context(), be, nil)
			sum := loss.T.Floats()[0]
			if _, n := o.Size([]int{0}); err != nil || math.Abs(mean*float64(n)-sum) > 1e-5*sum {
				t.Errorf("%s: %v: mean %v of %d tokens, sum %v", family, err, mean, n, sum)
			}
			return sum
		}
		both, first, second := cost(marked(2, 3, 6)), cost(marked(2, 3)), cost(marked(6))
		if math.Abs(both-first-second) > 1e-5*both {
			t.Errorf("%s: two answers cost %v, and %v + %v", family, both, first, second)
		}
		pair := cost(train.NewSequence(task.Pair{Context: row[:2], Target: row[2:4]}))
		if pair != first {
			t.Errorf("%s: an answer costs %v, and as a pair %v", family, first, pair)
		}
	}
}

func TestSequencesRefused(t *testing.T) {
	d := crashtest.Small(ref.New(), "opt")
	for want, s := range map[string]train.Sequence{
		"example 0: 3 tokens and 2 marks":            {Tokens: []int32{1, 2, 3}, Learn: []bool{false, true}},
		"example 0: none of 2 tokens is learned":     {Tokens: []int32{1, 2}, Learn: []bool{false, false}},
		"example 0: the first token is learned":      {Tokens: []int32{1, 2}, Learn: []bool{true, true}},
		"example 0: target, token 0: id 61":          {Tokens: []int32{1, 61}, Learn: []bool{false, true}},
		"example 0: 65 tokens exceed the model's 64": {Tokens: make([]int32, 66), Learn: append(make([]bool, 65), true)},
	} {
		if _, err := train.NewSequences(d, []train.Sequence{s}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
