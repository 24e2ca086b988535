package train_test

import (
	"context"
	"math"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/kernels/cpu"
)

// TestLossesAreThoseOfTraining: the loss of each sequence is what training on it alone would
// minimise, whether what is learned is its end or stands in its middle too; and a context
// that ends ends it.
func TestLossesAreThoseOfTraining(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	d := crashtest.Small(be, "llama")
	var ends, middles []train.Sequence
	for _, p := range crashtest.Pairs(6) {
		ends = append(ends, train.NewSequence(p))
	}
	for _, s := range ends {
		m := train.Sequence{Tokens: s.Tokens, Learn: append([]bool(nil), s.Learn...)}
		m.Learn[1] = true // and then a gap, in most of them
		middles = append(middles, m)
	}
	for what, rows := range map[string][]train.Sequence{"ends": ends, "middles": middles} {
		o, err := train.NewSequences(d, rows)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		losses, tokens, err := o.Losses(context.Background(), be, func(done int) { told = done })
		if err != nil || told != len(rows) {
			t.Fatalf("%s: %v, told of %d", what, err, told)
		}
		for i := range rows {
			alone, err := train.NewSequences(d, rows[i:i+1])
			if err != nil {
				t.Fatal(err)
			}
			want, err := alone.Mean(context.Background(), be, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := losses[i] / float64(tokens[i]); !(math.Abs(got-want) <= 1e-5*want) {
				t.Errorf("%s: row %d has a loss of %v, training sees %v", what, i, got, want)
			}
		}
		if _, _, err := o.Losses(&crashtest.Countdown{Context: context.Background()}, be, nil); err == nil {
			t.Errorf("%s: a context that ended does not end it", what)
		}
	}
}
