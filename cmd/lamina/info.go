package main

import (
	"cmp"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/nn/optim"
	"lamina/transformer"
)

// infoCommand describes a model.
type infoCommand struct {
	modelFlag
	Plan       string `placeholder:"PLAN" help:"Layer plan to compute the memory of training for (text, or @FILE)."`
	Share      string `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places. ${shares_help}. Default: none."`
	Batch      int    `default:"16" placeholder:"N" help:"Memory of training with batches of so many examples (default 16)."`
	MicroBatch int    `placeholder:"N" help:"Of which so many in memory at once."`
	MaxLength  int    `placeholder:"N" help:"Tokens of each example. Default: 64, or the model's positions if they are fewer."`
	Targets    int    `placeholder:"N" help:"Tokens of each example that are learned. Default: all."`
	Recompute  bool   `help:"With finetune's --recompute."`
}

// infoResult is its JSON.
type infoResult struct {
	Model string `json:"model"`
	transformer.Description
	Emulator bool       `json:"emulator"`
	Plan     string     `json:"plan,omitempty"`
	Memory   train.Need `json:"memory"`
}

// Run opens the model, or what describes it; of its weights it reads only those an
// emulator trains.
func (c infoCommand) Run(s *session) error {
	checkpoint, err := s.describedModel(c.Model)
	if err != nil {
		return err
	}
	s.warn(checkpoint.Warnings())
	m := &model{&exchange.Model{Model: eval.Model{Checkpoint: checkpoint, Decoder: checkpoint.Outline()}}, s}
	plan, need, err := c.memory(s, m)
	if err != nil {
		return err
	}
	r := infoResult{Model: c.Model, Description: m.Describe(), Emulator: m.Emulator != nil, Memory: need}
	if plan != nil {
		r.Plan = plan.String()
	}
	s.printInfo(r, m.Config)
	return s.writeJSON(r)
}

// memory computes what running and training the model takes, and returns the plan
// that would be trained: the flag's, the emulator's own, or nil for everything.
func (c infoCommand) memory(s *session, m *model) (plan.Plan, train.Need, error) {
	var need train.Need
	if m.GGUF == nil && emulate.IsEmulator(m.Path) {
		opened, err := s.openModel(c.Model)
		if err != nil {
			return nil, need, err
		}
		*m = *opened
	}
	length, err := m.Config.SequenceLength(cmp.Or(c.MaxLength, min(64, m.Config.MaxPositions)))
	switch {
	case err != nil:
		return nil, need, err
	case c.Targets < 0 || c.Targets > length:
		return nil, need, usagef("--targets %d: want 1 to %d, the tokens of --max-length", c.Targets, length)
	}
	need = train.NewNeed(m.Decoder)
	e, err := m.part(c.Plan, c.Share)
	if err != nil {
		return nil, need, err
	}
	if e.Plan != nil && len(e.Plan.TrainablePlaces()) == 0 {
		return e.Plan, need, nil
	}
	t := &train.Trainer{Recompute: c.Recompute, Params: e.Params(), Held: e.Decoder.Params(), Settings: train.Settings{
		LR: 1, Steps: 1, Batch: c.Batch, MicroBatch: c.MicroBatch, Schedule: optim.Constant, Dropout: m.Config.Dropout,
	}}
	if err := need.AddTraining(t, e.Decoder, length, cmp.Or(c.Targets, length)); err != nil {
		return nil, need, usageError{err}
	}
	return e.Plan, need, nil
}

func (s *session) printInfo(r infoResult, config transformer.Config) {
	list := [][2]string{{"model", r.Model}, {"architecture", config.String()}}
	if r.Emulator {
		list = append(list, [2]string{"", "an emulator written by lamina emulate"})
	}
	for _, line := range slices.Concat(list, r.Lines(), r.Memory.Lines(r.Plan)) {
		s.printf("%-13s %s\n", line[0], oneLine(line[1]))
	}
}
