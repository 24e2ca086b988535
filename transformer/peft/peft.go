// Package peft trains little of a decoder beside weights that stay as they are: LoRA, a
// bottleneck adapter, BitFit and (IA)³, in blocks that are chosen. What was trained is read
// from and written to the files of the library of that name, version 0.21.0, where it has
// such files.
//
//	a, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, d.Blocks, peft.Config{Kind: "lora", Rank: 8, Alpha: 16})
//	trained, err := nn.Trainable(be, a.Params()) // A and B of every linear layer of the blocks
//	...
//	err = a.Save("adapter")                      // adapter_config.json, adapter_model.safetensors
//
//	saved, err := peft.Open("adapter")
//	a, err := saved.Attach(be, d, d.Blocks)      // d computes with it
//	weights, err := a.Merged(be)                 // the tensors of d that it changes, with it folded in
//
// Invariants: only the blocks that are given are changed, and of them only fields for linear
// layers, so a block that stands elsewhere too is to be cloned first; no layer gets a bias
// that it had not; frozen weights keep their bytes and their storage type, quantised ones
// too; what begins, begins as the model it stands in; a file is read whole or not at all, and
// a key or tensor that would change a number unseen is an error that names it.
package peft

import (
	"fmt"
	"math"
	"slices"
)

// Config says what is trained.
type Config struct {
	Kind    string   `json:"kind"`              // a name of [Kinds]
	Rank    int      `json:"rank,omitempty"`    // r of LoRA
	Alpha   float64  `json:"alpha,omitempty"`   // of LoRA: the change is scaled by Alpha/Rank
	RSLoRA  bool     `json:"rslora,omitempty"`  // it is scaled by Alpha/√Rank instead (Kalajdzievski 2023)
	Targets []string `json:"targets,omitempty"` // names of linear layers, see [Attach]; nil: the kind's own
	Layers  []int    `json:"layers,omitempty"`  // numbers of the full model's layers; nil: all blocks that are given
	Dropout float64  `json:"dropout,omitempty"` // of what LoRA reads; of what an adapter has in between
	Width   int      `json:"width,omitempty"`   // of an adapter's middle
}

// Names of fields of [Config], as [Kind.Takes] knows them.
const (
	Rank    = "rank"
	Alpha   = "alpha"
	RSLoRA  = "rslora"
	Targets = "targets"
	Dropout = "dropout"
	Width   = "width"
)

// AllLinear among the targets stands for every linear layer of a block.
const AllLinear = "all-linear"

// most bounds ranks and widths, far above any that is used.
const most = 1 << 20

// Validate returns an error for what no layer can have, and for what the kind has not.
func (c Config) Validate() error {
	k, err := Named(c.Kind)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{Rank, c.Rank != 0}, {Alpha, c.Alpha != 0}, {RSLoRA, c.RSLoRA}, {Targets, c.Targets != nil},
		{Dropout, c.Dropout != 0}, {Width, c.Width != 0},
	} {
		if f.set && !k.Takes(f.name) {
			return fmt.Errorf("%s has no %s: leave it out", k.Name, f.name)
		}
	}
	switch {
	case k.Takes(Rank) && (c.Rank < 1 || c.Rank > most):
		return fmt.Errorf("rank %d: want 1 to %d", c.Rank, most)
	case k.Takes(Alpha) && !(c.Alpha > 0 && c.Alpha <= math.MaxFloat32):
		return fmt.Errorf("alpha %v: want a number above 0, at most %.3g", c.Alpha, math.MaxFloat32)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("dropout %v: want 0 or more, and less than 1", c.Dropout)
	case k.Takes(Width) && (c.Width < 1 || c.Width > most):
		return fmt.Errorf("width %d: want 1 to %d", c.Width, most)
	case c.Targets != nil && len(c.Targets) == 0 || slices.Contains(c.Targets, ""):
		return fmt.Errorf("targets: an empty name")
	}
	return nil
}

// scale returns what the change of a layer is multiplied by.
func (c Config) scale() float64 {
	if c.RSLoRA {
		return c.Alpha / math.Sqrt(float64(c.Rank))
	}
	return c.Alpha / float64(c.Rank)
}
