package study

import (
	"cmp"
	"slices"

	"lamina/eval/results"
)

// LossDifference holds the answer losses of one row against those of another, in nats a
// token of the scored documents' right answers; less is better. Error, interval and p-value
// are of drawing the documents again, the same ones for both (a paired bootstrap).
type LossDifference struct {
	Loss        float64  `json:"loss"`
	AgainstLoss float64  `json:"against_loss"`
	Difference  float64  `json:"difference"`
	Stderr      float64  `json:"stderr"`      // over documents
	Low         float64  `json:"low"`         // of the middle 95 %
	High        float64  `json:"high"`        //
	SeedStderr  *float64 `json:"seed_stderr"` // over seeds; null for one
	P           float64  `json:"p"`
	PHolm       float64  `json:"p_holm"`
}

// baselines holds each emulator against the baselines of the table that keep as many layers,
// see [Recipe]: of several seeds or draws, against their mean. Two baselines are compared once.
func (x *Experiment) baselines() []Comparison {
	all := x.contenders()
	var out []Comparison
	for i, base := range all {
		from := len(out)
		for k, c := range all {
			if base.Baseline && c.emulates() && x.Protocol.kept(c.Recipe) == x.Protocol.kept(base.Recipe) && k != i && !(c.Baseline && k < i) {
				out = append(out, x.against(c, base))
			}
		}
		correct(out[from:])
	}
	return out
}

// against compares a with b, in accuracy and in answer loss.
func (x *Experiment) against(a, b contender) Comparison {
	c := against(a, b)
	loss, hasA := a.mean(answerLoss)
	other, hasB := b.mean(answerLoss)
	drawnA, drawnB := x.draws.mean(a.rows, losses), x.draws.mean(b.rows, losses)
	if !hasA || !hasB || drawnA == nil || drawnB == nil {
		return c
	}
	d := less(drawnA, drawnB)
	c.Loss = &LossDifference{Loss: loss, AgainstLoss: other, Difference: loss - other, Stderr: deviation(d), SeedStderr: overSeeds(a, b, answerLoss)}
	c.Loss.Low, c.Loss.High, c.Loss.P = results.Interval(d)
	return c
}

// correct fills in the p-values corrected for the number of comparisons.
func correct(all []Comparison) {
	var losses []*LossDifference
	p := make([]float64, len(all))
	for i, c := range all {
		p[i] = c.P
		if c.Loss != nil {
			losses = append(losses, c.Loss)
		}
	}
	for i, v := range holm(p) {
		all[i].PHolm = v
	}
	p = p[:0]
	for _, l := range losses {
		p = append(p, l.P)
	}
	for i, v := range holm(p) {
		losses[i].PHolm = v
	}
}

// holm returns p-values corrected for their number (S. Holm, "A simple sequentially
// rejective multiple test procedure", 1979).
func holm(p []float64) []float64 {
	order, corrected := make([]int, len(p)), make([]float64, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, float64(len(p)-k)*p[i]))
		corrected[i] = least
	}
	return corrected
}
