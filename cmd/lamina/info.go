package main

import (
	"cmp"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/kernels/replay"
	"lamina/nn/optim"
	"lamina/transformer"
	"lamina/transformer/peft"
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
	EMA        bool   `name:"ema" help:"With finetune's --ema."`
	Proximal   bool   `help:"With finetune's --proximal."`
	peftFlags
	Time bool `help:"Measure how fast this machine makes the calls of a step, in some seconds, and say how long one would take."`
}

// infoResult is its JSON.
type infoResult struct {
	Model string `json:"model"`
	transformer.Description
	Emulator bool          `json:"emulator"`
	Plan     string        `json:"plan,omitempty"`
	Memory   train.Need    `json:"memory"`
	Cost     *emulate.Cost `json:"cost,omitempty"`   // of --plan
	Pace     *train.Pace   `json:"pace,omitempty"`   // with --time
	Device   *deviceNeed   `json:"device,omitempty"` // with --device cuda
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
	r := infoResult{Model: c.Model}
	if err := c.needs(s, m, &r); err != nil {
		return err
	}
	if r.Device != nil {
		r.Device.count(r.Memory)
	}
	r.Description, r.Emulator = m.Describe(), m.Emulator != nil
	s.printInfo(r, m.Config)
	return s.writeJSON(r)
}

// needs computes what running and training the model takes: the plan that is the flag's or
// the emulator's own, or all of it.
func (c infoCommand) needs(s *session, m *model, r *infoResult) error {
	if m.GGUF == nil && emulate.IsEmulator(m.Path) {
		opened, err := s.openModel(c.Model)
		if err != nil {
			return err
		}
		*m = *opened
	}
	length, err := m.Config.SequenceLength(cmp.Or(c.MaxLength, min(64, m.Config.MaxPositions)))
	switch {
	case err != nil:
		return err
	case c.Targets < 0 || c.Targets > length:
		return usagef("--targets %d: want 1 to %d, the tokens of --max-length", c.Targets, length)
	}
	if r.Device, err = s.deviceNeed(); err != nil {
		return err
	}
	r.Memory = train.NewNeed(m.Decoder, s.be)
	e, err := c.part(m, length, r)
	if err != nil {
		return err
	}
	if e.Plan != nil {
		if r.Plan = e.Plan.String(); len(e.Plan.TrainablePlaces()) == 0 {
			return nil
		}
	}
	t := &train.Trainer{Recompute: c.Recompute, Params: e.Params(), Held: e.Decoder.Params(), Settings: train.Settings{
		LR: 1, Steps: 1, Batch: c.Batch, MicroBatch: c.MicroBatch, Schedule: optim.Constant, Dropout: m.Config.Dropout,
	}}
	if r.Device != nil {
		t.Backend = s.be // whose passes are meant
	}
	if c.EMA {
		t.Settings.EMA = 0.5 // any
	}
	if c.Proximal {
		t.Settings.Proximal = 1 // any
	}
	if err := c.attach(t, e); err != nil {
		return err
	}
	if err := r.Memory.AddTraining(t, e.Decoder, length, cmp.Or(c.Targets, length)); err != nil {
		return usageError{err}
	}
	if r.Device != nil {
		if err := r.Device.lessen(*t, e, length, cmp.Or(c.Targets, length), c.Batch, r.Memory); err != nil {
			return err
		}
	}
	if !c.Time {
		return nil
	}
	be, err := s.backend()
	if err != nil {
		return err
	}
	defer s.waiting("measuring the calls of a step").Done()
	t.Settings.Batch = c.Batch
	pace, err := t.Pace(s.ctx, replay.Meter{Backend: be, Long: train.PaceTime})
	r.Pace = &pace
	return err
}

// attach puts what --peft trains to the standard layers of the part.
func (c infoCommand) attach(t *train.Trainer, e *emulate.Emulator) error {
	config, err := c.config(nil)
	if config == nil || err != nil {
		return err
	}
	a, err := peft.Attach(peft.Blank{}, e.Decoder, e.Trained(), *config)
	if err != nil {
		return usagef("--peft %s: %w", config.Kind, err)
	}
	t.Params, t.Drops = a.Params(), config.Dropout > 0
	return nil
}

// part is what is trained. The emulator of a plan is no more than its sizes.
func (c infoCommand) part(m *model, length int, r *infoResult) (*emulate.Emulator, error) {
	if m.Emulator != nil || c.Plan == "" {
		return m.part(c.Plan, c.Share)
	}
	p, err := plan.ReadShared(c.Plan, c.Share, m.Config.Layers)
	if err != nil {
		return nil, err
	}
	cost, err := emulate.CostOf(m.Decoder, p, length)
	if err != nil {
		return nil, err
	}
	r.Cost = &cost
	return emulate.OutlineOf(m.Decoder, p)
}

func (s *session) printInfo(r infoResult, config transformer.Config) {
	list := [][2]string{{"model", r.Model}, {"architecture", config.String()}}
	if r.Emulator {
		list = append(list, [2]string{"", "an emulator written by lamina emulate"})
	}
	lines := slices.Concat(list, r.Lines(), r.Memory.Lines(r.Plan))
	if r.Device != nil {
		lines = append(lines, r.Device.lines()...)
	}
	if r.Cost != nil {
		lines = append(lines, r.Cost.Lines()...)
	}
	if r.Pace != nil {
		lines = append(lines, r.Pace.Lines()...)
	}
	for _, line := range lines {
		s.printf("%-13s %s\n", line[0], oneLine(line[1]))
	}
}
