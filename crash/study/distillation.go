package study

import (
	"context"
	"fmt"

	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
)

// Distillation is the training of an emulator's frozen part by itself, at the model
// owner's, in a run directory. The rows of its data are read whole, context and target:
//
//	d := &study.Distillation{Finetuning: study.Finetuning{Model: m, Name: "model", Data: data, Trainer: trainer},
//		Plan: p, Kind: distill.Norms, Weights: distill.Defaults}
//	defer d.Close()
//	err := d.Load(ctx)
//	before, err := d.Health(ctx)
//	dir, err := d.Open("run", false)
//	outcome, err := d.Run(ctx, &study.Watcher{Out: os.Stderr})
//	done, err := d.Finish(ctx, outcome, before, "run/emulator", "run/emulator.receipt.json")
type Distillation struct {
	Finetuning // its Part is the emulator of Plan
	Plan       plan.Plan
	Share      string // how the plan's places were filled, for the receipt
	Kind       distill.Kind
	Weights    distill.Settings // its seed is the trainer's
	Available  int              // bytes for building the emulator; 0: not known

	objective *distill.Objective
	checked   [][]int32 // rows that losses are measured on before and after
}

// distillConfig is config.json of such a run.
type distillConfig struct {
	finetuneConfig
	Train   string           `json:"train"`
	Weights distill.Settings `json:"weights"`
}

// Load reads and encodes the documents, builds the emulator, fits what its plan asks to fit
// on the first of them, and gives the trainer what it learns and trains.
func (d *Distillation) Load(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	rows, data, err := d.rows(d.Data.Train, d.Data.TrainLimit)
	if err != nil {
		return err
	}
	t, full := d.Trainer, d.Model.Decoder
	support := rows[:min(len(rows), exchange.SupportDocuments)]
	d.data, d.checked = data, checkedRows(rows, len(support))
	if d.Part, err = d.Model.Fit(ctx, d.Plan, support, d.Available, emulate.FitOptions{Seed: t.Settings.Seed}); err != nil {
		return err
	}
	if t.Params, err = d.Kind.Prepare(d.Part, full); err != nil {
		return err
	}
	if d.objective, err = d.Kind.Objective(d.Part, full, rows, d.Weights); err != nil {
		return fmt.Errorf("%s: %w", d.Data.Train.Path, err)
	}
	t.Train, t.Held = d.objective, d.objective.Held(t.Params)
	if d.Data.Valid.Path == "" {
		return nil
	}
	if rows, d.valid, err = d.rows(d.Data.Valid, 0); err != nil {
		return err
	}
	d.checked = rows[:min(len(rows), exchange.CheckedDocuments)]
	held, err := d.objective.On(rows)
	t.Valid = held
	return err
}

// prepare finds what is wrong without a look at the data.
func (d *Distillation) prepare() (err error) {
	d.Weights.Seed = d.Trainer.Settings.Seed
	if err := d.Kind.Check(d.Weights); err != nil {
		return err
	}
	if err := d.Plan.WantStar(); err != nil {
		return err
	}
	if d.Kind.Plan != nil {
		d.Plan, err = d.Kind.Plan(d.Plan, len(d.Model.Decoder.Blocks))
	}
	return err
}

// rows encodes the first documents of some data, see [Finetuning.read].
func (d *Distillation) rows(from eval.Data, limit int) ([][]int32, eval.Identity, error) {
	pairs, id, err := d.examples(from, limit)
	rows := make([][]int32, len(pairs))
	for i, p := range pairs {
		rows[i] = whole(p)
	}
	return rows, id, err
}

// whole returns context and target of a pair as one row.
func whole(p task.Pair) []int32 { return append(append([]int32(nil), p.Context...), p.Target...) }

// Warnings tell, after Load, of what does not do what it says, or not well.
func (d *Distillation) Warnings() []string {
	warnings := append(d.Finetuning.Warnings(), d.Part.Doubts()...)
	weights := d.Weights
	if weights.Seed = distill.Defaults.Seed; d.Kind.Local && weights != distill.Defaults {
		warnings = append(warnings, fmt.Sprintf("--train %s has a loss of its own: --lm, --kd, --ppd and --sigma change nothing", d.Kind.Name))
	}
	return warnings
}

// Close gives back the memory of the emulator and of its objective, after the trainer's.
func (d *Distillation) Close() {
	d.Trainer.Close()
	if d.objective != nil {
		d.objective.Close()
	}
	if d.Part != nil {
		d.Part.Close()
	}
}

// checkedRows are those that losses are measured on where nothing is held out: behind the first,
// which maps were fitted to and which flatter them, if there are any.
func checkedRows(rows [][]int32, fitted int) [][]int32 {
	if len(rows) > fitted {
		rows = rows[fitted:]
	}
	return rows[:min(len(rows), exchange.CheckedDocuments)]
}

// Health measures the emulator as it is now, after Load, on the first validation rows, or
// of those that are learned, beside the full model.
func (d *Distillation) Health(ctx context.Context) (*emulate.Health, error) {
	m := d.Model
	loss, err := emulate.Loss(ctx, m.Backend, d.Part.Decoder, d.checked)
	if err != nil {
		return nil, fmt.Errorf("the emulator of the plan %s: %w", d.Part.Plan, err)
	}
	full, err := emulate.Loss(ctx, m.Backend, m.Decoder, d.checked)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	h := emulate.NewHealth(m.Config, loss, full)
	return &h, nil
}

// Open makes the run directory, or resumes it, after Load; see [train.OpenRunDir]. Close
// it when the trainer is done.
func (d *Distillation) Open(dir string, overwrite bool) (*train.RunDir, error) {
	c := distillConfig{finetuneConfig: d.config("distill"), Train: d.Kind.Name, Weights: d.Weights}
	run, err := train.OpenRunDir(dir, c, overwrite)
	if err != nil {
		return nil, err
	}
	d.Trainer.Store = run
	return run, nil
}

// Run trains, after Open, and shows how far it is.
func (d *Distillation) Run(ctx context.Context, show *Watcher) (train.Outcome, error) {
	return show.train(ctx, "distill", d.Trainer)
}
