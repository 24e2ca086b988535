package study

import (
	"context"
	"fmt"
	"path/filepath"

	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/train"
	"lamina/internal/units"
	"lamina/nn"
	"lamina/transformer"
)

// Distilled is what a distillation came to, with the last metrics.
type Distilled struct {
	train.Metrics
	Outcome   train.Outcome      `json:"outcome"`
	Examples  int                `json:"examples"`
	Truncated int                `json:"truncated"`
	Skipped   int                `json:"skipped,omitempty"` // rows whose targets were too long
	Trained   int                `json:"trained_params"`
	Held      int                `json:"held_params"` // full model, what was made for the emulator, what trains and what is disturbed
	Before    *emulate.Health    `json:"before"`
	Emulator  exchange.HandedOut `json:"emulator"`
	Out       string             `json:"out"`
	Planned   *Planned           `json:"planned_memory,omitempty"` // that was checked before

	Start    float64 `json:"start_share,omitempty"` // of trained starred blocks: share of the model's own weights in them
	Repaired string  `json:"repaired,omitempty"`    // where they are kept, as an adapter of the model itself

	validated bool
}

// Finish writes the emulator and its receipt, when the trainer is done and before Close, and
// sums up. before is what [Distillation.Health] was before training.
func (d *Distillation) Finish(ctx context.Context, dir string, outcome train.Outcome, before *emulate.Health, emulator, receipt string, opt emulate.Options) (r Distilled, err error) {
	r = Distilled{
		Outcome: outcome, Examples: d.Trainer.Train.Len(), Truncated: d.Truncated, Skipped: d.Skipped,
		Trained: nn.Count(d.Trainer.Params), Held: nn.Count(d.Trainer.Held), Before: before, Out: dir, Planned: d.planned, validated: d.Trainer.Valid != nil,
	}
	if r.Metrics, err = train.LastMetrics(dir); err != nil {
		return r, err
	}
	if opt.Health, err = d.Health(ctx); err != nil {
		return r, err
	}
	if opt.Distilled = d.distilled(outcome); d.Kind.Repairs {
		opt.Repaired, opt.Return = opt.Distilled, exchange.DeltaForm.Name
		if d.Kind.Name == distill.Trained.Name {
			opt.Distilled = nil
		}
		r.Start = d.Part.StartShare(d.Model.Decoder)
		if r.Repaired = filepath.Join(dir, "repaired"); err == nil {
			err = d.keepRepaired(r.Repaired)
		}
		if err != nil {
			return r, err
		}
	}
	r.Emulator, err = d.Model.HandOut(d.Part, d.Share, emulator, receipt, opt)
	return r, err
}

// keepRepaired writes the repaired T as an adapter of the model itself, to be looked at by
// its owner: plugged in it shows what the repair does by itself.
func (d *Distillation) keepRepaired(dir string) error {
	e := d.Part.Untrained(d.Model.Decoder)
	m := exchange.Manifest{Plan: d.Part.Plan.Starred(), Base: transformer.Fingerprint(e.Params())}
	return exchange.SaveAdapter(dir, m, d.Part.Params())
}

// distilled is what the emulator's lamina.json says of its training.
func (d *Distillation) distilled(outcome train.Outcome) *emulate.Distilled {
	s := d.Trainer.Settings
	all := &emulate.Distilled{
		Train: d.Kind.Name, LR: s.LR, Steps: outcome.Steps, Batch: s.Batch, Texts: d.Trainer.Train.Len(), Data: d.data.SHA256, Params: nn.Count(d.Trainer.Params),
	}
	if !d.Kind.Local {
		all.LM, all.KD, all.PPD, all.Sigma = d.Weights.LM, d.Weights.KD, d.Weights.PPD, d.Weights.Sigma
	}
	return all
}

// Text shows it to the model owner, in lines.
func (r Distilled) Text() string {
	o := r.Outcome
	text := fmt.Sprintf("distilled %s weights of the emulator on %s texts (%d cut): %d steps, %.1f s, %s of activations\n",
		units.Count(r.Trained), units.Count(r.Examples), r.Truncated, o.Steps, o.Seconds, units.Bytes(o.PeakBytes))
	if r.Skipped > 0 {
		text += fmt.Sprintf("%s rows left out: their targets are longer than the model can take\n", units.Count(r.Skipped))
	}
	if r.Step > 0 {
		text += fmt.Sprintf("last loss %.4f%s, gradient norm %.3g, %.0f tokens/s\n", r.Loss, partsOf(r.Terms), r.GradNorm, r.TokensPerSecond)
	}
	if r.validated {
		text += fmt.Sprintf("kept the weights of step %d, validation loss %.4f\n", o.BestStep, o.BestLoss)
	}
	text += fmt.Sprintf("before distillation, %s\n", r.Before)
	if r.Repaired != "" {
		text += fmt.Sprintf("the starred blocks are not the model's own (%.2f%% of their weights still are); keep %s, which has them by themselves\n", 100*r.Start, r.Repaired)
	}
	return text + r.Emulator.Text()
}

// partsOf tells the parts of a loss in brackets, "" of none.
func partsOf(terms map[string]float64) string {
	text := train.PartsText(terms)
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
