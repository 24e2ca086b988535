package distill

import (
	"fmt"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/transformer"
)

// Kind says what of an emulator trains, and towards what.
type Kind struct {
	Name string
	Help string // what trains, for the list of a command's help
	// Plan returns the plan that an emulator has for it, of one for a model of so many
	// layers; nil: the same.
	Plan func(p plan.Plan, layers int) (plan.Plan, error)
	// Choose returns what trains of an emulator whose frozen places have weights of their
	// own, in any order and as often as it stands there.
	Choose func(e *emulate.Emulator, layers int) ([]*autograd.Parameter, error)
	// Local says that blocks are fitted to their gaps ([NewLocal]), by no weights or
	// disturbance.
	Local bool
	// Repairs says that T itself trains: its owner keeps T₀, and only what training adds to
	// T later may come back.
	Repairs bool
}

// Kinds are all that there are.
var Kinds = []Kind{Norms, Frozen, Harmonizers, Fit, Trained, TrainedNorms}

// Norms trains gains and biases of the norms of frozen places, and maps that stand in
// gaps: few weights, which change the scale of what the blocks read.
var Norms = Kind{
	Name: "norms", Help: "norms of frozen places, and maps in gaps",
	Choose: func(e *emulate.Emulator, _ int) (chosen []*autograd.Parameter, err error) {
		for place, s := range e.Plan {
			switch b := e.Decoder.Blocks[place]; {
			case s.IsMap():
				chosen = slices.AppendSeq(chosen, nn.ParamsOf(b))
			case !s.Trainable:
				chosen = slices.AppendSeq(chosen, nn.NormsOf(b))
			}
		}
		return chosen, nil
	},
}

// Frozen trains all weights of all places that are not starred.
var Frozen = Kind{
	Name: "frozen", Help: "all weights of frozen places, and maps in gaps",
	Choose: func(e *emulate.Emulator, _ int) (chosen []*autograd.Parameter, err error) {
		for place, s := range e.Plan {
			if s.Trainable {
				continue
			}
			if chosen, err = allOf(chosen, e, place); err != nil {
				return nil, err
			}
		}
		return chosen, nil
	},
}

// Harmonizers trains one in each gap (ScaleOT, AAAI 2025), see [transformer.Harmonizer].
var Harmonizers = Kind{
	Name: "harmonizers", Help: "a low-rank ReLU pair in each gap (ScaleOT)",
	Plan: func(p plan.Plan, layers int) (plan.Plan, error) {
		if slices.Contains(p, plan.MapSlot(plan.Harmonizer)) {
			return p, nil
		}
		if len(p.Gaps(layers)) == 0 {
			return nil, fmt.Errorf("plan %s: no layers are left out, so that there is no gap for a harmonizer: leave some out, or --train norms", p)
		}
		p, _, err := p.Repaired(layers, plan.Repair(plan.Harmonizer))
		return p, err
	},
	Choose: func(e *emulate.Emulator, _ int) (chosen []*autograd.Parameter, err error) {
		for place, s := range e.Plan {
			if s.Map == plan.Harmonizer {
				chosen = slices.AppendSeq(chosen, nn.ParamsOf(e.Decoder.Blocks[place]))
			}
		}
		return chosen, nil
	},
}

// Fit trains a frozen block beside each gap to do what the removed layers did as well
// (XMerge), block by block on the full model's streams.
var Fit = Kind{
	Name: "fit", Help: "a frozen block beside each gap, to do what was left out too, by a loss of its own (XMerge)", Local: true,
	Choose: func(e *emulate.Emulator, layers int) (chosen []*autograd.Parameter, err error) {
		spans, err := Spans(e, layers)
		if err != nil {
			return nil, err
		}
		for _, s := range spans {
			if chosen, err = allOf(chosen, e, s.Place); err != nil {
				return nil, err
			}
		}
		return chosen, nil
	},
}

// Trained trains the starred blocks T themselves and leaves the rest as it is, so that a
// data owner's training finds nothing left to repair.
var Trained = Kind{
	Name: "trained", Help: "the starred blocks themselves: the model's own are not handed out then, and what comes back is a change of them", Repairs: true,
	Plan: noTwins,
	Choose: func(e *emulate.Emulator, _ int) ([]*autograd.Parameter, error) {
		return slices.Collect(e.Params()), nil
	},
}

// TrainedNorms is [Trained] and [Norms] together.
var TrainedNorms = Kind{
	Name: "trained-norms", Help: "those, norms of frozen places and maps", Repairs: true,
	Plan: noTwins,
	Choose: func(e *emulate.Emulator, layers int) ([]*autograd.Parameter, error) {
		norms, err := Norms.Choose(e, layers)
		return slices.AppendSeq(norms, e.Params()), err
	},
}

// noTwins returns an error for a plan in which a starred layer stands frozen too: its own
// weights would be given away there.
func noTwins(p plan.Plan, _ int) (plan.Plan, error) {
	starred := p.Trainable()
	for place, s := range p {
		if !s.Trainable && !s.IsMap() && slices.Contains(starred, s.Layer) {
			return nil, fmt.Errorf("plan %s: layer %d trains, and stands frozen at place %d, where its own weights would be given away: leave it out there", p, s.Layer, place)
		}
	}
	return p, nil
}

// Weights are those of the objective's parts where nobody says: [Defaults], but of a kind
// that trains T the next token's loss alone.
func (k Kind) Weights() Settings {
	w := Defaults
	if k.Repairs {
		w.KD, w.PPD = 0, 0
	}
	return w
}

// Check returns an error for weights that a kind cannot have.
func (k Kind) Check(s Settings) error {
	if k.Repairs && s.PPD > 0 {
		return fmt.Errorf("--train %s: --ppd %v puts disturbed blocks in the place of those that train: leave it out", k.Name, s.PPD)
	}
	return s.Validate()
}

// allOf appends all weights of a place, if training them leaves it what it is.
func allOf(chosen []*autograd.Parameter, e *emulate.Emulator, place int) ([]*autograd.Parameter, error) {
	if s := e.Plan[place]; s.Transform.InValues() {
		return nil, fmt.Errorf("plan %s: place %d, %s: training all its weights would undo that: --train norms trains its norms", e.Plan, place, s)
	}
	return slices.AppendSeq(chosen, nn.ParamsOf(e.Decoder.Blocks[place])), nil
}

// Named returns the kind of a name.
func Named(name string) (Kind, error) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("--train %.32q is unknown: want one of %s", name, strings.Join(Names(), ", "))
}

// Names returns the names of the kinds.
func Names() []string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = k.Name
	}
	return names
}

// Prepare gives the emulator copies of its frozen places over the same values, and returns
// what trains of them: of a block that stands at several places once. It is an error,
// naming the remedy, if the emulator has nothing of the kind.
func (k Kind) Prepare(e *emulate.Emulator, full *transformer.Decoder) (nn.Params, error) {
	ownBlocks(e)
	chosen, err := k.Choose(e, len(full.Blocks))
	if err != nil {
		return nil, err
	}
	seen := map[*autograd.Parameter]bool{}
	chosen = slices.DeleteFunc(chosen, func(w *autograd.Parameter) bool {
		again := seen[w]
		seen[w] = true
		return again
	})
	if len(chosen) == 0 {
		return nil, fmt.Errorf("plan %s: nothing in it trains as --train %s (%s): want a plan with frozen layers or gaps", e.Plan, k.Name, k.Help)
	}
	return slices.Values(chosen), nil
}

// Objective returns what an emulator is trained towards after Prepare: that of [New], or of
// [NewLocal].
func (k Kind) Objective(e *emulate.Emulator, full *transformer.Decoder, rows [][]int32, s Settings) (*Objective, error) {
	if k.Local {
		return NewLocal(e, full, rows)
	}
	return New(e, full, rows, s)
}

// ownBlocks puts copies over the same values in the places that are not starred. Places
// that had one block have one copy, however each scales it.
func ownBlocks(e *emulate.Emulator) {
	copies := map[transformer.Block]transformer.Block{}
	copied := func(was transformer.Block) transformer.Block {
		if copies[was] == nil {
			copies[was] = was.Clone()
		}
		return copies[was]
	}
	for place, s := range e.Plan {
		switch b := e.Decoder.Blocks[place].(type) {
		case *transformer.Scaled:
			e.Decoder.Blocks[place] = &transformer.Scaled{Block: copied(b.Block), By: b.By}
		default:
			if !s.Trainable {
				e.Decoder.Blocks[place] = copied(b)
			}
		}
	}
}
