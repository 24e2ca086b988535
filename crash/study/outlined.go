package study

import (
	"context"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/nn"
)

// Outline returns what a row of a recipe would train, and a trainer of it without examples
// (see [train.Need.AddTraining]), of a full model that may be an outline
// ([transformer.Checkpoint.Outline]): nothing is measured, fitted or computed. In the place of
// layers that a method finds by measuring stand as many that [plan.Uniform] takes.
func (p *Protocol) Outline(r Recipe) (*train.Trainer, *emulate.Emulator, error) {
	one := *p
	one.Rows, one.chosen = []Recipe{r}, nil
	r = one.rows()[0]
	if m := r.Method; m.Choose != nil && (m.Cost != nil || len(one.request(r).Needed(m)) > 0) {
		r.Method, one.TrainAt = plan.Uniform, plan.TrainAt{}
	}
	e := emulate.Whole(p.Full)
	if r.Trains != Everything {
		v, err := one.variant(context.Background(), &Chooser{Full: p.Full}, r, 0)
		if err != nil {
			return nil, nil, err
		}
		if e, err = emulate.OutlineOf(p.Full, v.plan); err != nil {
			return nil, nil, err
		}
	}
	settings := p.Settings
	settings.LR = 1                                            // any
	held := once(nn.Join(p.Full.Params(), e.Decoder.Params())) // the full model is held beside
	return &train.Trainer{Params: e.Params(), Held: held, Settings: settings, Recompute: p.Recompute}, e, nil
}
