package study

import (
	"context"
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/train"
	"lamina/internal/report"
	"lamina/transformer"
)

// healthRows is how many validation examples an emulator is held against the full model
// on, at most.
const healthRows = exchange.CheckedDocuments

// health sets the loss of a row's emulator before training beside the full model's and
// chance's, and warns if it is broken. It is nil for rows without an emulator, and where
// nothing is held out to measure it on.
func (p *Protocol) health(ctx context.Context, v variant, e *emulate.Emulator) (*emulate.Health, error) {
	if !v.emulates() || len(p.Valid) == 0 {
		return nil, nil
	}
	if p.fullLoss == 0 {
		var err error
		if p.fullLoss, err = p.loss(ctx, p.Full); err != nil {
			return nil, fmt.Errorf("the full model: %w", err)
		}
	}
	loss, err := p.loss(ctx, e.Decoder)
	if err != nil {
		return nil, err
	}
	h := emulate.NewHealth(p.Full.Config, loss, p.fullLoss)
	if w := h.Warning(); w != "" {
		p.tell(Event{Row: v.row, Phase: "warning", Warning: "row " + v.row + ": " + w})
	}
	return &h, nil
}

// loss measures a decoder on the first validation examples, in nats a target token.
func (p *Protocol) loss(ctx context.Context, d *transformer.Decoder) (float64, error) {
	o, err := train.NewNextToken(d, p.Valid[:min(healthRows, len(p.Valid))])
	if err != nil {
		return 0, fmt.Errorf("validation: %w", err)
	}
	return o.Mean(ctx, p.Backend, nil)
}

// healths lists what the emulators were before training.
func (x *Experiment) healths() report.Table {
	t := report.Table{Caption: "Emulators before training", Columns: []report.Column{
		{Name: "row"}, {Name: "seed", Right: true},
		{Name: "emulator's loss", Right: true, Help: fmt.Sprintf("before training, on the first %d validation rows at most, nats a target token", healthRows)},
		{Name: "full model's", Right: true, Help: "on the same rows"},
		{Name: "chance's", Right: true, Help: "ln V: a guess among all V tokens of the vocabulary"},
		{Name: "verdict", Help: "broken: the emulator is nearer to chance than to the full model, and its trained blocks learn to repair it rather than the task"},
	}}
	for _, r := range x.Table.Rows {
		h := r.Health
		if h == nil {
			continue
		}
		verdict := "sound"
		switch {
		case h.Broken():
			verdict = "broken"
		case !h.Tells():
			verdict = "not told by these rows: the full model is at chance itself"
		}
		t.Rows = append(t.Rows, []string{r.Name, fmt.Sprint(r.Seed), nats(h.Emulator), nats(h.Full), nats(h.Chance), verdict})
	}
	return t
}

func nats(v float64) string { return fmt.Sprintf("%.2f", v) }
