package train

import "context"

// validates reports whether there is something to validate on.
func (t *Trainer) validates() bool { return t.Valid != nil && t.Valid.Len() > 0 }

// validate measures the mean loss a term over the validation examples and keeps the
// weights, or their average, if it is the lowest so far, or their metric the best.
func (t *Trainer) validate(ctx context.Context) error {
	if !t.validates() {
		return nil
	}
	defer t.average()()
	loss, parts, err := t.mean(ctx, t.Valid)
	if err != nil {
		return err
	}
	if !finite(loss) {
		return divergedf(t.state.Step, "validation after step %d: loss %v is not finite: lower --lr (or --weight-decay), or look at the model's weights and the validation examples", t.state.Step, loss)
	}
	metric, err := t.score(ctx)
	if err != nil {
		return err
	}
	t.wait(t.cost(loss, metric))
	if t.better(loss, metric) {
		t.state.Validated, t.state.BestLoss, t.state.BestMetric, t.state.BestStep = true, loss, metric, t.state.Step
		if t.Store == nil {
			t.best = t.trained.Values.Raw()
		} else if err := t.Store.SaveBest(t.trained); err != nil {
			return err
		}
	}
	return t.log(Metrics{Step: t.state.Step, ValidLoss: loss, ValidMetric: metric, Terms: parts})
}

// wait counts the validations without a loss, or a cost where the metric chooses, that is
// lower by more than MinDelta than the one they are held against: the last that was, as
// Keras's and Lightning's EarlyStopping have it, so that many small improvements make a
// large one.
func (t *Trainer) wait(cost float64) {
	s := &t.state
	switch {
	case t.Settings.Patience == 0:
	case !s.Validated || cost < s.Reference-t.Settings.MinDelta:
		s.Reference, s.Waited = cost, 0
	default:
		s.Waited++
	}
}

// outOfPatience reports whether the run ends before its last step.
func (t *Trainer) outOfPatience() bool {
	return t.Settings.Patience > 0 && t.state.Waited >= t.Settings.Patience
}

// keepBest gives the parameters the weights that the run keeps.
func (t *Trainer) keepBest() error {
	switch {
	case !t.validates():
		t.keepAverage()
	case t.Store != nil:
		return t.Store.LoadBest(t.trained)
	case t.best != nil:
		t.trained.Values.SetRaw(t.best)
	}
	return nil
}
