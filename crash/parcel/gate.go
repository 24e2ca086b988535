package parcel

import (
	"context"
	"fmt"
	"math"

	"lamina/eval"
	"lamina/eval/task"
	"lamina/transformer"
)

// Gate is what an adapter must come up to on rows of the owner, which its sender has not
// seen.
type Gate struct {
	Valid     eval.Data // "" as its path: nothing is scored
	Task      task.Task
	Limit     int      // documents, 0 for all
	LeastGain *float64 // of the accuracy; nil: it must not be worse beyond chance

	// Progress, if not nil, is told how many requests of a model are done.
	Progress func(what string, done, total int)
}

// Chance is the p-value below which a score that got worse is no chance.
const Chance = 0.05

// Scores are those of the full model before an adapter and with it, on the same rows.
type Scores struct {
	Documents int     `json:"documents"`
	Accuracy  *Paired `json:"accuracy,omitempty"`    // none where nothing is right or wrong
	Loss      *Paired `json:"answer_loss,omitempty"` // nats a token of right answers; none where answers are generated
	Won       int     `json:"won"`                   // documents that are right with it alone
	Lost      int     `json:"lost"`                  // and before it alone
}

// Paired is a number before and after, and how likely a difference at least as large is
// between models that are equally good: McNemar's exact test of accuracies, two-sided; of
// losses by the normal distribution of their mean difference.
type Paired struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	P      float64 `json:"p"`
}

// gate scores the full model before and with the adapter.
func (x *acceptance) gate(ctx context.Context) error {
	g := x.opt.Gate
	if g.Valid.Path == "" {
		return nil
	}
	job, err := x.full.Prepare(g.Task, g.Valid, nil, eval.Options{Limit: g.Limit})
	if err != nil {
		return err
	}
	plugged, _, err := x.adapter.Plugged(x.full.Decoder)
	if err != nil {
		return err
	}
	score := func(what string, d *transformer.Decoder) (task.Result, error) {
		return eval.Run(ctx, x.full.Backend, d, job.Requests, func(done, total int) {
			if g.Progress != nil {
				g.Progress(what, done, total)
			}
		})
	}
	before, err := score("before", x.full.Decoder)
	if err != nil {
		return err
	}
	after, err := score("after", plugged)
	if err != nil {
		return err
	}
	x.done.Scores = scores(job.Requests, before, after)
	err = x.done.Scores.check(g)
	if err != nil && x.opt.Force {
		x.done.Warnings = append(x.done.Warnings, fmt.Sprintf("%s: %v", x.Dir, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was applied; --force plugs it in all the same", x.Dir, err)
	}
	return nil
}

// scores compares two results of the same requests.
func scores(r *task.Requests, before, after task.Result) *Scores {
	s := &Scores{Documents: before.N}
	if a, b := right(before), right(after); a != nil && b != nil {
		for i := range a {
			switch {
			case b[i] && !a[i]:
				s.Won++
			case a[i] && !b[i]:
				s.Lost++
			}
		}
		s.Accuracy = &Paired{before.Metrics[0].Value, after.Metrics[0].Value, mcnemar(s.Won, s.Lost)}
	}
	tokens := r.AnswerTokens()
	a, b := r.AnswerLosses(before.Rows), r.AnswerLosses(after.Rows)
	if tokens != nil && a != nil && b != nil {
		s.Loss = pairedLoss(a, b, tokens)
	}
	return s
}

// right says which documents are right; nil where a result's first metric is no share of
// right ones.
func right(r task.Result) []bool {
	out := make([]bool, len(r.Metrics[0].Values))
	for i, v := range r.Metrics[0].Values {
		if v != (task.Value{Of: 1, Weight: 1}) && v != (task.Value{Of: 0, Weight: 1}) {
			return nil
		}
		out[i] = v.Of == 1
	}
	return out
}

// mcnemar returns the two-sided p-value of as many wins and losses, or more unequal ones,
// where each is a coin's: min(1, 2·P(heads ≤ min(won, lost)) of won + lost coins).
func mcnemar(won, lost int) float64 {
	n := won + lost
	all, _ := math.Lgamma(float64(n) + 1)
	p := 0.0
	for k := 0; k <= min(won, lost); k++ {
		heads, _ := math.Lgamma(float64(k) + 1)
		tails, _ := math.Lgamma(float64(n-k) + 1)
		p += math.Exp(all - heads - tails - float64(n)*math.Ln2)
	}
	return min(1, 2*p)
}

// pairedLoss compares losses of the same answers: Σ losses / Σ tokens of each, and the
// p-value of the difference D by its standard error
// √(n/(n-1)·Σ(dᵢ - D·tᵢ)²)/Σt, where dᵢ is the difference of document i and tᵢ its tokens.
func pairedLoss(before, after []float64, tokens []int) *Paired {
	var a, b, t float64
	for i := range before {
		a, b, t = a+before[i], b+after[i], t+float64(tokens[i])
	}
	if t == 0 {
		return nil
	}
	mean, squares := (b-a)/t, 0.0
	for i := range before {
		d := after[i] - before[i] - float64(mean*float64(tokens[i]))
		squares += float64(d * d)
	}
	out := &Paired{a / t, b / t, 1}
	if n := float64(len(before)); n > 1 && squares > 0 {
		out.P = math.Erfc(math.Abs(mean) * t / math.Sqrt(n/(n-1)*squares) / math.Sqrt2)
	}
	return out
}

// check returns an error where the scores do not come up to what is wanted.
func (s *Scores) check(g Gate) error {
	switch {
	case s.Accuracy == nil && g.LeastGain != nil:
		return fmt.Errorf("the gate: these rows have no accuracy, and a gain of %v is wanted (--least-gain): give rows with right and wrong answers", *g.LeastGain)
	case s.Accuracy == nil && s.Loss == nil:
		return fmt.Errorf("the gate: these rows have neither right answers nor their losses: give others")
	case s.Accuracy == nil:
		if l := s.Loss; !(l.After <= l.Before) && !(l.P >= Chance) {
			return fmt.Errorf("the gate: the loss of answers is %.4f nats a token, and was %.4f (p = %.2g)", l.After, l.Before, l.P)
		}
		return nil
	}
	a := s.Accuracy
	if gain := a.After - a.Before; g.LeastGain != nil {
		if !(gain >= *g.LeastGain) {
			return fmt.Errorf("the gate: accuracy %.4f, and was %.4f on %d documents: a gain of %.4f, and %v is wanted (--least-gain)", a.After, a.Before, s.Documents, gain, *g.LeastGain)
		}
		return nil
	}
	if a.After < a.Before && !(a.P >= Chance) {
		return fmt.Errorf("the gate: accuracy %.4f, and was %.4f on %d documents (p = %.2g): it got worse beyond chance", a.After, a.Before, s.Documents, a.P)
	}
	return nil
}

// Text tells the scores in lines.
func (s *Scores) Text() string {
	text := fmt.Sprintf("on %d held-out documents", s.Documents)
	if a := s.Accuracy; a != nil {
		text += fmt.Sprintf(", accuracy %.4f before, %.4f after (%d won, %d lost, p = %.2g)", a.Before, a.After, s.Won, s.Lost, a.P)
	}
	if l := s.Loss; l != nil {
		text += fmt.Sprintf(", loss of answers %.4f before, %.4f after (p = %.2g)", l.Before, l.After, l.P)
	}
	return text + "\n"
}
