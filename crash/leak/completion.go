package leak

import (
	"context"

	"lamina/crash/train"
	"lamina/kernels"
	"lamina/transformer"
)

// Completed is what a model made of the second half of a row that was given its first.
type Completed struct {
	Exact  bool // every token is the row's
	Run    int  // tokens of the longest run that both have in common, wherever it stands
	Length int  // tokens that were asked for
}

// CompleteOptions bound what is completed.
type CompleteOptions struct {
	Rows   int // the first ones; 0: all
	Tokens int // of the second half at most; 0: all
}

// shortest is how many tokens a row has at least to be completed: two and two.
const shortest = 4

// Complete continues the first half of rows greedily by as many tokens as the second half
// has, or o.Tokens (Carlini et al., 2023: a text is memorised that comes out word for word
// of its own prefix). Rows of fewer than four tokens are left out. progress may be nil.
func Complete(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows []train.Sequence, o CompleteOptions, progress func(done int)) ([]Completed, error) {
	var out []Completed
	if o.Rows > 0 && o.Rows < len(rows) {
		rows = rows[:o.Rows]
	}
	for i, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(r.Tokens) >= shortest {
			half := len(r.Tokens) / 2
			want := r.Tokens[half:min(len(r.Tokens), d.Config.MaxPositions)]
			if o.Tokens > 0 && o.Tokens < len(want) {
				want = want[:o.Tokens]
			}
			got := make([]int32, 0, len(want))
			err := d.Generate(ctx, be, r.Tokens[:half], len(want), transformer.Sampling{}, func(id int32) bool {
				got = append(got, id)
				return true
			})
			if err != nil {
				return nil, err
			}
			run := commonRun(got, want)
			out = append(out, Completed{Exact: run == len(want), Run: run, Length: len(want)})
		}
		if progress != nil {
			progress(i + 1)
		}
	}
	return out, ctx.Err()
}

// commonRun returns the length of the longest run of tokens that stands in both.
func commonRun(a, b []int32) (longest int) {
	ending := make([]int, len(b)+1) // of the run that ends at a's last token and b's j-th
	for _, x := range a {
		for j := len(b) - 1; j >= 0; j-- {
			if ending[j+1] = 0; b[j] == x {
				ending[j+1] = ending[j] + 1
				longest = max(longest, ending[j+1])
			}
		}
	}
	return longest
}

// Completion is how much of the members' rows comes out of their first halves, of the
// trained model, with the untrained one as the control; and of others' rows, which show
// what can be guessed by whoever knows rows of the kind. Lists of a model's rows are those
// of [Complete]; others may be empty.
func Completion(tuned, base, others []Completed) Table {
	var t Table
	of := func(what string, tuned []Completed, control []Completed, by string) {
		if len(tuned) == 0 {
			return
		}
		exact, run := completedShares(tuned)
		exactBase, runBase := completedShares(control)
		t.Rows = append(t.Rows,
			Row{Measure: what + " completed word for word", Interval: exact, Unit: "%", N: len(tuned), Control: &exactBase, ControlOf: by},
			Row{Measure: what + ", longest run in common, of the second half", Interval: run, Unit: "%", N: len(tuned), Control: &runBase, ControlOf: by})
	}
	of("members", tuned, base, "untrained model")
	if len(others) > 0 {
		of("members", tuned, others, "trained model, others' rows")
	}
	if len(tuned) == 0 {
		t.note("no row of %d tokens or more to complete", shortest)
	}
	return t
}

// completedShares returns which part is exact, and the mean part of a second half that the
// longest common run is.
func completedShares(all []Completed) (exact, run Interval) {
	exacts, runs := make([]float64, len(all)), make([]float64, len(all))
	for i, c := range all {
		if c.Exact {
			exacts[i] = 1
		}
		runs[i] = float64(c.Run) / float64(c.Length)
	}
	return meanBetween(exacts), meanBetween(runs)
}
