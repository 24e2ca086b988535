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

	// Groups are rules for some of the trained parameters. Nil: with weight decay, biases
	// and gains of norms are left out of it ([optim.NoDecayOfVectors]); an empty list
	// decays everything.
	Groups []optim.Group `json:"groups,omitempty"`
}

// groups returns the rules that hold.
func (s Settings) groups() []optim.Group {
	if s.Groups == nil && s.WeightDecay > 0 {
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

// Validate returns an error naming the setting that cannot be used.
func (s Settings) Validate() error {
	switch {
	case !(s.LR > 0) || math.IsInf(s.LR, 0):
		return fmt.Errorf("lr %v: want a positive number", s.LR)
	case s.Epochs < 1 && s.Steps < 1:
		return fmt.Errorf("epochs %d and steps %d: want one of them positive", s.Epochs, s.Steps)
	case s.Batch < 1:
		return fmt.Errorf("batch %d: want 1 or more", s.Batch)
	case s.MicroBatch < 0 || s.EvalEvery < 0:
		return fmt.Errorf("micro-batch %d and eval-every %d: want 0 or more", s.MicroBatch, s.EvalEvery)
	case !(s.Clip >= 0) || !(s.WeightDecay >= 0):
		return fmt.Errorf("clip %v and weight decay %v: want 0 or more", s.Clip, s.WeightDecay)
	case !(s.Dropout >= 0 && s.Dropout < 1):
		return fmt.Errorf("dropout %v: want 0 to 1", s.Dropout)
	}
	for _, g := range s.Groups {
		if err := g.Validate(); err != nil {
			return err
		}
	}
	return s.schedule(1).Validate()
}

func (s Settings) schedule(steps int) optim.Schedule {
	return optim.Schedule{Kind: s.Schedule, Warmup: s.Warmup, Steps: steps}
}

// TotalSteps returns how many optimiser steps a run over n examples takes.
func (s Settings) TotalSteps(n int) int {
	if s.Steps > 0 {
		return s.Steps
	}
	return s.Epochs * s.stepsPerEpoch(n)
}

// passSize returns how many examples a pass holds at once.
func (s Settings) passSize() int {
	if s.MicroBatch > 0 {
		return s.MicroBatch
	}
	return s.Batch
}

func (s Settings) stepsPerEpoch(n int) int { return (n + s.Batch - 1) / s.Batch }
