package distill

import (
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/nn"
	"lamina/transformer"
)

// Kind says what of an emulator trains.
type Kind struct {
	Name string
	Help string // what trains, for the list of a command's help
	// Prepare gives the emulator weights of its own for what trains, and returns them. It
	// is an error, naming the remedy, if the emulator has nothing of the kind.
	Prepare func(e *emulate.Emulator, full *transformer.Decoder) (nn.Params, error)
}

// Kinds are all that there are.
var Kinds = []Kind{Norms, Frozen}

// Norms trains gains and biases of the norms of frozen places: few weights, which change
// the scale of what the blocks read.
var Norms = Kind{
	Name: "norms", Help: "gains and biases of the norms of frozen places",
	Prepare: func(e *emulate.Emulator, _ *transformer.Decoder) (nn.Params, error) {
		return trained(e, "norms", nn.NormsOf)
	},
}

// Frozen trains all weights of all frozen places.
var Frozen = Kind{
	Name: "frozen", Help: "all weights of frozen places",
	Prepare: func(e *emulate.Emulator, _ *transformer.Decoder) (nn.Params, error) {
		return trained(e, "weights", nn.ParamsOf)
	},
}

// Named returns the kind of a name.
func Named(name string) (Kind, error) {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		if k.Name == name {
			return k, nil
		}
		names[i] = k.Name
	}
	return Kind{}, fmt.Errorf("--train %.32q is unknown: want one of %v", name, names)
}

// trained gives the emulator's frozen places blocks of their own, and returns the chosen
// parameters of them: of a block that stands at several places once.
func trained(e *emulate.Emulator, what string, choose func(nn.Module) nn.Params) (nn.Params, error) {
	var params []*autograd.Parameter
	for _, b := range ownBlocks(e) {
		params = slices.AppendSeq(params, choose(b))
	}
	if len(params) == 0 {
		return nil, fmt.Errorf("plan %s: its frozen places have no %s to train", e.Plan, what)
	}
	return slices.Values(params), nil
}

// ownBlocks puts copies over the same values in the frozen places and returns them, each
// once, from the bottom up. Places that had one block have one copy.
func ownBlocks(e *emulate.Emulator) (own []transformer.Block) {
	copies := map[transformer.Block]transformer.Block{}
	for place, s := range e.Plan {
		if s.Trainable {
			continue
		}
		was := e.Decoder.Blocks[place]
		if copies[was] == nil {
			copies[was] = was.Clone()
			own = append(own, copies[was])
		}
		e.Decoder.Blocks[place] = copies[was]
	}
	return own
}
