package leak

import (
	"context"
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/transformer"
)

// Given measures what an emulator gives away of the full model before it is sent.
type Given struct {
	Backend  kernels.Backend
	Full     *transformer.Decoder
	Emulator *emulate.Emulator
	Requests *task.Requests // documents with right answers, encoded for both

	// Restore, if not nil, trains all of the emulator on public rows, as its receiver could,
	// and skill is measured again.
	Restore  *Restoring
	Progress func(what string, done, total int) // may be nil
}

// Restoring is a fine-tune of a whole emulator on rows that anybody has. The trainer's
// weights and objective are filled in.
type Restoring struct {
	Rows    []train.Sequence
	Trainer *train.Trainer
}

// skill is what a model makes of documents.
type skill struct {
	losses []float64 // -log p of each document's right answers
	right  []float64 // 1 or 0; nil where nothing is chosen
	tokens []int     // of the right answers
	chance float64   // accuracy of a guess
	vocab  float64
}

// Table measures it all. Skill is a share of the full model's,
//
//	loss:     (ln V - loss of the emulator) / (ln V - loss of the full model),  answers, in nats a token
//	accuracy: (accuracy of the emulator - chance) / (that of the full model - chance)
//
// with intervals of a bootstrap over documents, the same draws for both. The control of
// skill is that of a guess, 0; of skill after restoring, skill before.
func (g Given) Table(ctx context.Context) (Table, error) {
	t := g.weights()
	full, err := g.skill(ctx, "the full model", g.Full)
	if err != nil {
		return t, err
	}
	bare, err := g.skill(ctx, "the emulator", g.Emulator.Decoder)
	if err != nil {
		return t, err
	}
	before := t.skills("skill", full, bare, nil)
	t.absolute("the emulator", full, bare)
	if g.Restore == nil {
		return t, nil
	}
	restored, err := g.restore(ctx)
	if err != nil {
		return t, err
	}
	after := fmt.Sprintf("after %d steps on public rows", g.Restore.Trainer.Settings.TotalSteps(len(g.Restore.Rows)))
	t.skills("skill "+after, full, restored, before)
	t.absolute("the emulator "+after, full, restored)
	return t, nil
}

// weights counts what of the full model's numbers stands in the emulator, and what else
// does that was computed of it.
func (g Given) weights() (t Table) {
	e := g.Emulator
	n := 0
	for w := range g.Full.Params() {
		n += w.Value.Len()
	}
	exact := e.ExactShare(g.Full)
	held, seen := 0, map[string]bool{}
	var twice []*autograd.Parameter
	for w := range e.Decoder.Params() {
		if seen[w.Name] { // the frozen copy of a layer that trains too
			twice = append(twice, w)
			continue
		}
		seen[w.Name] = true
		held += w.Value.Len()
	}
	others := max(0, float64(held)/float64(n)-exact)
	t.Rows = append(t.Rows,
		Row{Measure: "weights of the model, to the bit", Interval: Interval{exact, exact, exact}, Unit: "%", N: n, Exact: true},
		Row{Measure: "other numbers, of the model's number", Interval: Interval{others, others, others}, Unit: "%", N: int(math.Round(others * float64(n))), Exact: true})
	if fitted := emulate.GapNumbers(e.Fits); fitted > 0 {
		share := float64(fitted) / float64(n)
		t.Rows = append(t.Rows, Row{Measure: "of them fitted to layers left out", Interval: Interval{share, share, share}, Unit: "%", N: fitted, Exact: true})
	}
	if len(twice) > 0 {
		t.note("%d tensors stand in it twice, and are counted once", len(twice))
	}
	return t
}

// skill scores a model.
func (g Given) skill(ctx context.Context, what string, d *transformer.Decoder) (s skill, err error) {
	r := g.Requests
	result, err := eval.Run(ctx, g.Backend, d, r, func(done, total int) {
		if g.Progress != nil {
			g.Progress("scoring "+what, done, total)
		}
	})
	if err != nil {
		return s, err
	}
	s = skill{losses: r.AnswerLosses(result.Rows), tokens: r.AnswerTokens(), chance: r.ByChance(), vocab: float64(d.Config.Vocab)}
	if s.losses == nil {
		return s, fmt.Errorf("skill: these documents have no right answers that are scored: name others, or a task")
	}
	if s.chance > 0 {
		s.right = rights(r, result.Rows)
	}
	return s, nil
}

// rights tells of each document with choices whether the likeliest is right.
func rights(r *task.Requests, rows [][]task.Score) []float64 {
	out := make([]float64, len(rows))
	for i, row := range rows {
		best := 0
		for k, score := range row {
			if score.LogProb > row[best].LogProb {
				best = k
			}
		}
		if best == r.Items[i].Gold {
			out[i] = 1
		}
	}
	return out
}

// few is how many standard errors what is divided by is above 0 at least.
const few = 2

// skills adds the rows of a skill, and returns them by kind; before are those of the
// emulator as it is sent.
func (t *Table) skills(name string, full, own skill, before map[string]Interval) map[string]Interval {
	out := map[string]Interval{}
	add := func(kind string, ratio func(rows []int) float64) {
		i := ratioBetween(len(own.losses), ratio)
		out[kind] = i
		control, of := Interval{}, "a guess"
		if before != nil {
			control, of = before[kind], "as it is sent"
		}
		t.Rows = append(t.Rows, Row{Measure: name + " by " + kind + ", of the full model's", Interval: i, Unit: "%", N: len(own.losses), Control: &control, ControlOf: of})
	}
	known := func(rows []int) float64 { return math.Log(full.vocab) - full.loss(rows) }
	if ratioBetween(len(full.losses), known).Low > 0 {
		add("answer loss", func(rows []int) float64 { return (math.Log(own.vocab) - own.loss(rows)) / known(rows) })
	} else {
		t.note("no skill by loss: the full model's answer loss is not below chance's, ln V")
	}
	if full.right == nil {
		return out
	}
	above := meanOf(full.right) - full.chance
	if above > few*math.Sqrt(variance(full.right)/float64(len(full.right))) {
		add("accuracy", func(rows []int) float64 {
			return (own.accuracy(rows) - own.chance) / (full.accuracy(rows) - full.chance)
		})
	} else {
		t.note("no skill by accuracy: the full model is right in %.1f%%, a guess in %.1f%%, which is not %d standard errors less", 100*meanOf(full.right), 100*full.chance, few)
	}
	return out
}

// absolute adds what the shares are made of, beside the full model's.
func (t *Table) absolute(of string, full, own skill) {
	n := len(own.losses)
	add := func(what, unit string, of func(s skill) func(rows []int) float64) {
		control := ratioBetween(n, of(full))
		t.Rows = append(t.Rows, Row{Measure: what, Interval: ratioBetween(n, of(own)), Unit: unit, N: n, Control: &control, ControlOf: "the full model"})
	}
	add("answer loss of "+of+", nats a token", "", func(s skill) func([]int) float64 { return s.loss })
	if own.right != nil {
		add("accuracy of "+of, "%", func(s skill) func([]int) float64 { return s.accuracy })
	}
}

// loss is the mean -log p an answer token of some documents.
func (s skill) loss(rows []int) float64 {
	sum, tokens := 0.0, 0
	for _, i := range rows {
		sum, tokens = sum+s.losses[i], tokens+s.tokens[i]
	}
	return sum / float64(tokens)
}

func (s skill) accuracy(rows []int) float64 {
	sum := 0.0
	for _, i := range rows {
		sum += s.right[i]
	}
	return sum / float64(len(rows))
}

// Prepare gives a trainer all of a decoder's weights and the rows.
func (r *Restoring) Prepare(d *transformer.Decoder) (err error) {
	t := r.Trainer
	t.Params, t.Held = d.Params(), d.Params()
	t.Train, err = train.NewSequences(d, r.Rows)
	return err
}

// restore trains the emulator and scores it; the weights are as they were in the end.
func (g Given) restore(ctx context.Context) (s skill, err error) {
	r := g.Restore
	if err := r.Prepare(g.Emulator.Decoder); err != nil {
		return s, err
	}
	defer r.Trainer.Close()
	if g.Progress != nil {
		steps := r.Trainer.Settings.TotalSteps(len(r.Rows))
		r.Trainer.Report = func(m train.Metrics) { g.Progress("training the emulator on public rows", m.Step, steps) }
	}
	out, err := r.Trainer.Run(ctx)
	if err == nil && out.Stopped {
		err = ctx.Err()
	}
	if err != nil {
		return s, err
	}
	return g.skill(ctx, "the emulator after it", g.Emulator.Decoder)
}
