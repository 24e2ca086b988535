package study

import (
	"cmp"
	"fmt"
	"path/filepath"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/train"
	"lamina/internal/units"
	"lamina/nn"
)

// Finetuned is what a training came to, with the last metrics.
type Finetuned struct {
	train.Metrics
	Outcome   train.Outcome   `json:"outcome"`
	Examples  int             `json:"examples"`
	Truncated int             `json:"truncated"`
	Skipped   int             `json:"skipped,omitempty"`        // rows whose targets were too long
	Dropped   int             `json:"dropped_tokens,omitempty"` // of packed texts, that fill no block
	Trained   int             `json:"trained_params"`
	Held      int             `json:"held_params"`
	Health    *emulate.Health `json:"health,omitempty"` // of an emulator, before training
	Sent      exchange.Sent   `json:"sent"`             // the adapter
	Form      string          `json:"form"`             // of [exchange.Forms]
	Out       string          `json:"out"`
	// Factored is what became of full weights that come back as LoRA.
	Factored *exchange.Factored `json:"factored,omitempty"`
	// Prefix is what came of streams that were kept, where any were read again.
	Prefix  *train.PrefixUse `json:"prefix,omitempty"`
	Planned *Planned         `json:"planned_memory,omitempty"` // that was checked before

	Metric string `json:"metric,omitempty"` // that validations measured

	validated bool
}

// metricText tells the metric of the kept weights, "" where none was measured.
func (r Finetuned) metricText() string {
	if r.Outcome.BestMetric == nil {
		return ""
	}
	return fmt.Sprintf(", %s %.4f", r.Metric, *r.Outcome.BestMetric)
}

// Finish writes what the data owner sends back, the directory "adapter" of a run directory
// whose trainer is done, and sums up. health is that of [Finetuning.Health].
func (f *Finetuning) Finish(dir string, outcome train.Outcome, health *emulate.Health) (r Finetuned, err error) {
	r = Finetuned{
		Outcome: outcome, Examples: f.Trainer.Train.Len(), Truncated: f.Truncated, Skipped: f.Skipped, Dropped: f.Dropped,
		Trained: nn.Count(f.Trainer.Params), Held: nn.Count(f.Trainer.Held), Health: health, Metric: f.Metric, Out: dir, validated: f.Trainer.Valid != nil,
	}
	r.Planned = f.planned
	if use := f.PrefixUse(); use.Read > 0 {
		r.Prefix = &use
	}
	if r.Metrics, err = train.LastMetrics(dir); err != nil {
		return r, err
	}
	adapter := filepath.Join(dir, "adapter")
	m := exchange.Manifest{Plan: f.Part.Plan, Whole: f.Part.Plan == nil, Base: f.base, Origin: f.Part.Origin}
	if f.Claim {
		m.Claims = map[string]string{"dp_sgd": f.claim(outcome)}
	}
	form, err := f.form()
	if err != nil {
		return r, err
	}
	r.Form = form.Name
	returned := exchange.Returned{After: f.Trainer.Params, Before: f.start, Attached: f.attached}
	if form.Kind != "" && f.attached == nil {
		a, factored, err := exchange.FactorsOf(f.Trainer.Backend, f.Part.Decoder, f.Part.Trained(), returned, f.rank())
		if err != nil {
			return r, fmt.Errorf("--return %s: %w", form.Name, err)
		}
		defer a.Close()
		returned.Attached, r.Factored = a, &factored
	}
	if err := exchange.Save(adapter, form, m, returned); err != nil {
		return r, err
	}
	r.Sent, err = exchange.NewSent(adapter)
	return r, err
}

// rank is that of a change that is returned as LoRA.
func (f *Finetuning) rank() int { return cmp.Or(f.Rank, exchange.DefaultRank) }

// checkForm returns an error, before hours of training, for a form that what it comes to
// cannot have.
func (f *Finetuning) checkForm() error {
	form, err := f.form()
	switch {
	case err != nil || form.Kind == "" || f.PEFT != nil:
		return err
	case f.Part.Plan == nil:
		return fmt.Errorf("--return %s: everything trains, and of embeddings and head LoRA has nothing: --plan PLAN trains blocks alone, --return delta sends all of it", form.Name)
	}
	if err := exchange.CheckFactors(f.Part.Decoder, f.Part.Trained(), f.rank()); err != nil {
		return fmt.Errorf("--return %s: %w", form.Name, err)
	}
	return nil
}

// form is what is sent back.
func (f *Finetuning) form() (exchange.Form, error) {
	asked := f.Model.Manifest.Return
	switch {
	case f.PEFT != nil && f.Return.Name != "" && f.Return.Name != f.PEFT.Kind:
		return f.Return, fmt.Errorf("--return %s: with --peft %s what comes back is what that trains: leave --return out", f.Return.Name, f.PEFT.Kind)
	case f.PEFT != nil:
		return exchange.FormNamed(f.PEFT.Kind)
	case f.Return.Kind != "" && f.Return.Name != exchange.LoRA:
		return f.Return, fmt.Errorf("--return %s: is what --peft %s trains, and every weight was to be: add that flag", f.Return.Name, f.Return.Kind)
	case f.Return.Name != "":
		return f.Return, nil
	case asked == "":
		return exchange.Weights, nil
	}
	form, err := exchange.FormNamed(asked)
	if err != nil {
		return form, fmt.Errorf("%s: its owner asks for what this version cannot return: %w: --return says what to send instead", f.Model.Path, err)
	}
	if form.Kind != "" && form.Name != exchange.LoRA {
		return form, fmt.Errorf("%s: its owner asks for what --peft %s trains: add that flag, or --return says what to send instead", f.Model.Path, form.Kind)
	}
	return form, nil
}

// Text shows it to the data owner, in lines.
func (r Finetuned) Text() string {
	o := r.Outcome
	text := fmt.Sprintf("trained %s of %s weights on %s examples (%d cut): %d steps, %.1f s, %s of activations\n",
		units.Count(r.Trained), units.Count(r.Held), units.Count(r.Examples), r.Truncated, o.Steps, o.Seconds, units.Bytes(o.PeakBytes))
	if r.Skipped > 0 {
		text += fmt.Sprintf("%s rows left out: their targets are longer than the model can take\n", units.Count(r.Skipped))
	}
	if r.Dropped > 0 {
		text += fmt.Sprintf("%s tokens of texts fill no block and were left out\n", units.Count(r.Dropped))
	}
	if o.Skipped > 0 {
		text += fmt.Sprintf("%s steps left out: their loss or gradient is not finite, and metrics.jsonl names their examples\n", units.Count(o.Skipped))
	}
	if o.Early {
		text += "ended early: the validation loss no longer improved (--patience)\n"
	}
	if r.Step > 0 {
		text += fmt.Sprintf("last loss %.4f, gradient norm %.3g, %.0f tokens/s\n", r.Loss, r.GradNorm, r.TokensPerSecond)
	}
	if r.validated {
		text += fmt.Sprintf("kept the weights of step %d, validation loss %.4f%s\n", o.BestStep, o.BestLoss, r.metricText())
	}
	if r.Prefix != nil {
		text += fmt.Sprintf("%s\n", r.Prefix)
	}
	if o.Private.Delta > 0 {
		text += o.Private.String() + "\n"
	}
	if r.Factored != nil {
		text += fmt.Sprintf("%s\n", r.Factored)
	}
	if r.Health != nil {
		text += fmt.Sprintf("before training, %s\n", r.Health)
	}
	return text
}
