package train

import (
	"fmt"
	"math"
	"time"

	"lamina/kernels"
)

// step runs one optimiser step: the loss is the sum over all terms of the batch divided
// by their number, however the batch is cut into passes.
func (t *Trainer) step(factor float64) error {
	begin := time.Now()
	ids := t.order(t.state.Step)
	g, err := t.gradients(ids)
	if err != nil {
		return fmt.Errorf("step %d: %w", t.state.Step+1, err)
	}
	norm := t.update(&g, factor)
	if err := t.Backend.Sync(); err != nil { // or the norm is not the gradient's
		return fmt.Errorf("step %d: %w", t.state.Step+1, err)
	}
	t.state.Step++
	if !finite(g.loss + norm) {
		return t.skip(g.loss, norm, ids)
	}
	t.state.InRow = 0
	t.state.Loss, t.state.Tokens = g.loss, t.state.Tokens+g.tokens
	return t.log(Metrics{
		Step: t.state.Step, Loss: g.loss, LR: t.Settings.LR * factor, GradNorm: norm, Tokens: g.tokens,
		TokensPerSecond: float64(g.tokens) / time.Since(begin).Seconds(), Terms: g.parts,
		Epsilon: t.spent().Epsilon, Drawn: g.drawn, Clipped: g.clipped,
	})
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// update adds what the loss has beside the examples, and moves the weights, unless loss or
// gradient is not finite: then weights, moments and average stay as they are. It returns
// the norm of the gradient, NaN where the loss is not finite.
func (t *Trainer) update(g *gradient, factor float64) (norm float64) {
	if t.near != nil {
		distance := t.near.Add()
		g.loss += t.Settings.Proximal * distance
		if g.parts == nil {
			g.parts = map[string]float64{}
		}
		g.parts["proximal"] = distance
	}
	if !finite(g.loss) {
		t.trained.ZeroGrads(t.Backend)
		return math.NaN()
	}
	return t.opt.Step(factor)
}

// skip notes that the step just counted was left out. It is an error where too many were,
// one after the other.
func (t *Trainer) skip(loss, norm float64, ids []int) error {
	t.state.Skipped++
	t.state.InRow++
	if most := t.Settings.MaxGradSkip; t.state.InRow > most {
		after := ""
		if most > 0 {
			after = fmt.Sprintf(", after %d that were left out in a row (--max-grad-skip)", most)
		}
		return divergedf(t.state.Step, "step %d: loss %v, gradient norm %v%s: lower --lr (or --weight-decay), or look at the examples of this step %v", t.state.Step, loss, norm, after, ids)
	}
	return t.log(Metrics{Step: t.state.Step, Skipped: append([]int(nil), ids...)})
}

// average lets the parameters have the values of the average, if there is one, until back
// is called.
func (t *Trainer) average() (back func()) {
	averaged := t.opt.State()["average"]
	if averaged.IsNone() {
		return func() {}
	}
	own := t.trained.Use(averaged)
	return func() { t.trained.Use(own) }
}

// keepAverage lets the weights be their average, if there is one, for good.
func (t *Trainer) keepAverage() {
	if average := t.opt.State()["average"]; !average.IsNone() {
		kernels.Convert(t.Backend, t.trained.Values, average)
	}
}
