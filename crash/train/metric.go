package train

import (
	"context"
	"fmt"
)

// Scored is a measure of a run's weights beside the validation loss, such as a task's
// accuracy on the held-out documents.
type Scored struct {
	Name    string // as config.json and progress call it
	Lower   bool   // is better, as of a perplexity
	Measure func(ctx context.Context) (float64, error)
}

// What of a validation chooses the weights that are kept; "" is BestLoss.
const (
	BestLoss   = "loss"
	BestMetric = "metric"
)

// byMetric reports whether the metric chooses.
func (s Settings) byMetric() bool { return s.BestBy == BestMetric }

// score measures the metric, nil where there is none.
func (t *Trainer) score(ctx context.Context) (*float64, error) {
	if t.Score == nil {
		return nil, nil
	}
	v, err := t.Score.Measure(ctx)
	if err != nil {
		return nil, err
	}
	if !finite(v) {
		return nil, fmt.Errorf("validation after step %d: %s is %v", t.state.Step, t.Score.Name, v)
	}
	return &v, nil
}

// cost is what the kept weights have the least of: the validation loss, or the metric with
// the sign by which less is better.
func (t *Trainer) cost(loss float64, metric *float64) float64 {
	switch {
	case !t.Settings.byMetric():
		return loss
	case t.Score.Lower:
		return *metric
	}
	return -*metric
}

// better reports whether a validation is the best so far; of equal metrics the one of the
// lower loss is.
func (t *Trainer) better(loss float64, metric *float64) bool {
	s := &t.state
	if !s.Validated {
		return true
	}
	if t.Settings.byMetric() {
		if now, best := t.cost(loss, metric), t.cost(s.BestLoss, s.BestMetric); now != best {
			return now < best
		}
	}
	return loss < s.BestLoss
}

// checkScored returns an error where the metric is to choose and there is none.
func (t *Trainer) checkScored() error {
	switch s := t.Settings; {
	case s.BestBy != "" && s.BestBy != BestLoss && s.BestBy != BestMetric:
		return fmt.Errorf("--best-by %.64q: want %s or %s", s.BestBy, BestLoss, BestMetric)
	case s.byMetric() && (t.Score == nil || !t.validates()):
		return fmt.Errorf("--best-by %s: no metric is measured: give --metric and --valid", BestMetric)
	}
	return nil
}
