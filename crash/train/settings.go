package train

import (
	"encoding/json"
	"fmt"
	"math"

	"lamina/nn/optim"
)

// Settings are the choices of a fine-tuning run. Together with data, model
// and plan they determine every bit of the result.
type Settings struct {
	LR          float64    `json:"lr"`
	Epochs      int        `json:"epochs,omitempty"`
	Steps       int        `json:"steps,omitempty"` // if set, instead of Epochs
	Batch       int        `json:"batch"`
	MicroBatch  int        `json:"micro_batch,omitempty"` // examples a pass holds at once; 0: the batch
	Schedule    optim.Kind `json:"schedule"`
	Warmup      int        `json:"warmup"`
	Clip        float64    `json:"clip"`
	WeightDecay float64    `json:"weight_decay"`
	Dropout     float64    `json:"dropout"`
	EvalEvery   int        `json:"eval_every"` // steps between validations; 0: each epoch
	NoShuffle   bool       `json:"no_shuffle,omitempty"`
	Seed        uint64     `json:"seed"`
	BestBy      string     `json:"best_by,omitempty"` // what chooses the kept weights: "" or BestLoss, or BestMetric

	// Groups are rules for some of the trained parameters. Nil: with weight decay, biases
	// and gains of norms are left out of it ([optim.NoDecayOfVectors]); an empty list
	// decays everything.
	Groups []optim.Group `json:"groups,omitempty"`

	Options

	Private *Private `json:"dp_sgd,omitempty"` // nil: no privacy is promised
}

// groups returns the rules that hold.
func (s Settings) groups() []optim.Group {
	if s.Groups == nil && s.WeightDecay > 0 && s.SGD == nil {
		return optim.NoDecayOfVectors
	}
	return s.Groups
}

// MarshalJSON writes the rules that hold, those by default too, so that a run made
// under others is told apart by its config.json. Without rules there is no field.
func (s Settings) MarshalJSON() ([]byte, error) {
	type plain Settings // without this method
	s.Groups = s.groups()
	return json.Marshal(plain(s))
}

// mostCounted bounds steps, epochs and examples: their products, with each other and with
// the rows of a file, are whole numbers of the machine.
const mostCounted = 1_000_000_000

// inFloat32 reports whether a number is 0, or neither 0 nor infinite in 32 bits, which
// kernels compute in.
func inFloat32(x float64) bool {
	return x == 0 || float32(x) != 0 && !math.IsInf(float64(float32(x)), 0)
}

// Validate returns an error naming the setting that cannot be used.
func (s Settings) Validate() error {
	for _, n := range []struct {
		flag  string
		value int
		least int
	}{
		{"epochs", s.Epochs, 0}, {"steps", s.Steps, 0}, {"batch", s.Batch, 1}, {"micro-batch", s.MicroBatch, 0},
		{"eval-every", s.EvalEvery, 0}, {"warmup", s.Warmup, 0},
	} {
		if n.value < n.least || n.value > mostCounted {
			return fmt.Errorf("--%s %d: want %d to %d", n.flag, n.value, max(n.least, 1), mostCounted)
		}
	}
	switch {
	case s.Epochs == 0 && s.Steps == 0:
		return fmt.Errorf("--epochs 0 and --steps 0: want one of them 1 or more")
	case !(s.LR > 0) || !inFloat32(s.LR):
		return fmt.Errorf("--lr %v: want a positive number that 32 bits hold", s.LR)
	case !(s.Clip >= 0) || !inFloat32(s.Clip):
		return fmt.Errorf("--clip %v: want a number that 32 bits hold, 0 (any norm) or more", s.Clip)
	case !(s.WeightDecay >= 0) || !inFloat32(s.WeightDecay):
		return fmt.Errorf("--weight-decay %v: want a number that 32 bits hold, 0 or more", s.WeightDecay)
	case !(s.Dropout >= 0 && s.Dropout < 1):
		return fmt.Errorf("--dropout %v: want 0 or more, and less than 1", s.Dropout)
	}
	for _, g := range s.Groups {
		if err := g.Validate(); err != nil {
			return err
		}
	}
	if err := s.Options.validate(); err != nil {
		return err
	}
	if s.Private != nil {
		if err := s.Private.validate(s); err != nil {
			return err
		}
	}
	if err := s.checkSGD(); err != nil {
		return err
	}
	return s.schedule(1).Validate()
}

// Warnings tell, of a run over n examples, of settings that change nothing or never take
// their full effect.
func (s Settings) Warnings(n int) (warnings []string) {
	if steps := s.TotalSteps(n); s.Warmup >= steps && s.Warmup > 0 {
		warnings = append(warnings, fmt.Sprintf("--warmup %d of %d steps: the rate never reaches --lr", s.Warmup, steps))
	}
	if s.Private != nil {
		warnings = append(warnings, s.Private.warnings(n)...)
	}
	if s.MicroBatch > s.Batch {
		warnings = append(warnings, fmt.Sprintf("--micro-batch %d changes nothing: it is more than --batch %d", s.MicroBatch, s.Batch))
	}
	return append(warnings, s.Options.warnings()...)
}

func (s Settings) schedule(steps int) optim.Schedule {
	return optim.Schedule{Kind: s.Schedule, Warmup: s.Warmup, Steps: steps}
}

// TotalSteps returns how many optimiser steps a run over n examples takes.
func (s Settings) TotalSteps(n int) int {
	if s.Steps > 0 {
		return s.Steps
	}
	return s.Epochs * s.stepsPerEpoch(n) // see mostCounted
}

// passSize returns how many examples a pass holds at once.
func (s Settings) passSize() int {
	switch {
	case s.Private != nil:
		return 1
	case s.MicroBatch > 0:
		return s.MicroBatch
	}
	return s.Batch
}

func (s Settings) stepsPerEpoch(n int) int { return (n-1)/s.Batch + 1 }
