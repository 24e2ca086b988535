package study

import (
	"context"
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// Finetuning is one training by itself, of a whole model or of the starred blocks of an
// emulator, in a run directory:
//
//	f := &study.Finetuning{Model: m, Name: "emulator", Data: data, Trainer: trainer}
//	f.Part, err = m.Part("", "none")
//	err = f.Load()
//	dir, err := f.Open("run", false)
//	outcome, err := f.Run(ctx, &study.Watcher{Out: os.Stderr})
//	done, err := f.Finish("run", outcome, nil)
type Finetuning struct {
	Model     *exchange.Model
	Name      string            // of the model, as config.json states it
	Part      *emulate.Emulator // what is trained of it
	Also      []Other           // emulators of the same T, in which steps train in turn
	Data      Data              // Train and Valid alone are read; without a path of Valid nothing is held out
	Rows      Rows              // what the rows of both are, and what of them is learned
	Metric    string            // of the validation documents, measured at each validation; "": none
	Delimiter *string           // between a prompt and its continuation, where it is not one space
	Precision string            // of products, as config.json states it
	Trainer   *train.Trainer    // its objectives, weights, store and key are filled in
	PEFT      *peft.Config      // what trains beside or within these weights; nil: they do
	Claim     bool              // of a private run: the adapter says what was spent

	// Runs is how many trainings there are over the same rows, as of a [Grid]; 0: one.
	Runs int

	Truncated int // examples whose contexts were cut
	Skipped   int // rows left out, as their targets were too long
	Dropped   int // tokens of packed texts that fill no block

	// Return is what is sent back; the zero form: what the emulator's owner asks for, else
	// the weights.
	Return exchange.Form
	Rank   int // of a change of full weights that is returned as LoRA; 0: [exchange.DefaultRank]

	data, valid eval.Identity
	start       []tensor.Tensor // weights before training
	found       rowsConfig
	texts       bool           // rows of Data.Train are texts, each of its own windows
	doubts      []string       // about rows
	base        string         // fingerprint of the part's own weights before training
	attached    *peft.Attached // of PEFT
	prefix      *train.Prefix  // of [Finetuning.KeepPrefix], or nil
	planned     *Planned       // of CheckMemory, or nil

	used train.PrefixUse // of the prefix, by earlier runs
	run  *train.RunDir   // that is open
}

// finetuneConfig is config.json of a run: what determines the result.
type finetuneConfig struct {
	Command   string         `json:"command"`
	Format    int            `json:"format"`
	Model     string         `json:"model"`
	Also      []string       `json:"also,omitempty"` // emulators that take turns with it
	Plan      string         `json:"plan"`           // "" for everything
	Base      string         `json:"base"`           // fingerprint of the weights before training
	Data      eval.Identity  `json:"data"`
	Valid     *eval.Identity `json:"valid,omitempty"`
	Task      string         `json:"task"`
	Text      task.Format    `json:"text"`
	MaxLength int            `json:"max_length"`
	Limit     int            `json:"train_limit"`
	Examples  int            `json:"examples"`
	Truncated int            `json:"truncated"`
	Overlong  string         `json:"overlong,omitempty"` // where such rows are no error
	Skipped   int            `json:"skipped,omitempty"`
	Delimiter *string        `json:"target_delimiter,omitempty"` // where it is not one space
	rowsConfig
	Metric    string         `json:"metric,omitempty"` // measured at validations
	Settings  train.Settings `json:"settings"`
	PEFT      *peft.Config   `json:"peft,omitempty"`
	Precision string         `json:"precision"`
	Backend   string         `json:"backend"`
}

// Load reads and encodes the documents, and gives the trainer what it learns and trains.
func (f *Finetuning) Load() (err error) {
	if err := f.Part.Plan.WantStar(); err != nil {
		return err
	}
	if err := f.checkPrivate(); err != nil {
		return err
	}
	if err := f.checkForm(); err != nil {
		return err
	}
	t := f.Trainer
	t.Held = f.Part.Decoder.Params()
	learned, id, err := f.read(f.Data.Train, f.Data.TrainLimit)
	if err != nil {
		return err
	}
	t.Train, f.data = learned, id
	if err := t.Settings.ChooseNoise(learned.Len()); err != nil {
		return err
	}
	if err := f.turns(learned); err != nil {
		return err
	}
	if err := f.attach(); err != nil || f.Data.Valid.Path == "" {
		return err
	}
	if t.Valid, f.valid, err = f.read(f.Data.Valid, 0); err != nil {
		return err
	}
	return f.score()
}

// read encodes the first rows of some data; a limit of 0 takes all.
func (f *Finetuning) read(from eval.Data, limit int) (*train.NextToken, eval.Identity, error) {
	rows, err := f.rows(from, limit)
	if err != nil {
		return nil, eval.Identity{}, err
	}
	o, err := train.NewSequences(f.Part.Decoder, rows.Sequences)
	return o, rows.Identity, err
}

// examples are the first documents of some data as pairs, for what is trained on whole rows.
func (f *Finetuning) examples(from eval.Data, limit int) ([]task.Pair, eval.Identity, error) {
	docs, files, err := f.Model.Documents(f.Data.Task, from, limit)
	if err != nil {
		return nil, eval.Identity{}, err
	}
	pairs, fits, err := f.Model.Examples(f.Data.Task, docs, f.Data.Format, f.Data.MaxLength, f.Data.Overlong)
	f.Truncated += fits.Cut
	f.Skipped += fits.Skipped
	return pairs, from.Identity(files), err
}

// Warnings tell, after Load, of what does not do what it says.
func (f *Finetuning) Warnings() []string {
	valid, every := f.Data.Valid.Path, f.Trainer.Settings.EvalEvery
	warnings := append(f.doubts, f.Trainer.Settings.Warnings(f.Trainer.Train.Len())...)
	warnings = append(warnings, f.privateWarnings()...)
	switch {
	case valid == "" && every > 0:
		warnings = append(warnings, fmt.Sprintf("--eval-every %d changes nothing without --valid", every))
	case valid != "" && f.valid.SHA256 == f.data.SHA256:
		warnings = append(warnings, valid+": holds the rows that are trained on: as --valid it tells how well they are remembered, not what was learned; name others")
	}
	form, _ := f.form()
	if asked := f.Model.Manifest.Return; asked != "" && asked != form.Name {
		flag := "--return " + form.Name
		if f.PEFT != nil {
			flag = "--peft " + form.Kind
		}
		warnings = append(warnings, fmt.Sprintf("%s: its owner asks for %s, and %s returns something else", f.Model.Path, asked, flag))
	}
	return append(warnings, f.optionWarnings()...)
}

// Health measures an emulator, after Load, on the first validation examples, or of those
// that are learned, beside the full model where it is here. It is nil for a model that is
// trained whole.
func (f *Finetuning) Health(ctx context.Context) (*emulate.Health, error) {
	if f.Part.Plan == nil {
		return nil, nil
	}
	on, _ := f.Trainer.Train.(*train.NextToken)
	if valid, ok := f.Trainer.Valid.(*train.NextToken); ok && valid.Len() > 0 {
		on = valid
	}
	m := f.Model
	loss, err := on.On(f.Part.Decoder, exchange.CheckedDocuments).Mean(ctx, m.Backend, nil)
	if err != nil {
		return nil, err
	}
	h := emulate.NewHealth(m.Config, loss, 0)
	if m.Emulator == nil {
		if h.Full, err = on.On(m.Decoder, exchange.CheckedDocuments).Mean(ctx, m.Backend, nil); err != nil {
			return nil, err
		}
	} else if owner := m.Manifest.Health; owner != nil {
		h.Elsewhere = owner.Full
	}
	return &h, nil
}

// Open makes the run directory, or resumes it, after Load; see [train.OpenRunDir]. Close
// it when the trainer is done.
func (f *Finetuning) Open(dir string, overwrite bool) (*train.RunDir, error) {
	run, err := train.OpenRunDir(dir, f.config("finetune"), overwrite)
	if err != nil {
		return nil, err
	}
	f.run, f.Trainer.Store = run, run
	if f.Trainer.Key, err = run.KeyOf(f.Trainer.Settings); err != nil {
		run.Close()
		return nil, err
	}
	return run, nil
}

// config returns what determines the result.
func (f *Finetuning) config(command string) finetuneConfig {
	if f.attached == nil {
		f.base = transformer.Fingerprint(f.Trainer.Params)
	}
	c := finetuneConfig{
		Command: command, Format: 1, Model: f.Name, Also: f.alsoNames(), Plan: f.Part.Plan.String(), Base: f.base, Data: f.data, Task: f.Data.Task.Name(),
		Text: f.Data.Format, MaxLength: f.Data.MaxLength, Limit: f.Data.TrainLimit, Examples: f.Trainer.Train.Len(),
		Truncated: f.Truncated, Skipped: f.Skipped, Delimiter: f.Delimiter, Settings: f.Trainer.Settings,
		PEFT: f.PEFT, Precision: f.Precision, Backend: f.Trainer.Backend.Name(), rowsConfig: f.found, Metric: f.Metric,
	}
	if f.Data.Valid.Path != "" {
		c.Valid = &f.valid
	}
	if f.Data.Overlong != task.OverlongError {
		c.Overlong = f.Data.Overlong.String()
	}
	return c
}
