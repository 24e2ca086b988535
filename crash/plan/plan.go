package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of a plan, far above any decoder: it has as many places as a model that is
// opened may have layers. They keep a hostile file from costing more than its own size.
const (
	maxPlaces = 1024
	maxLayer  = 1 << 20
)

// Plan lists the places of an emulator from the bottom up. A starred layer
// stands once; the same layer without a star beside it is a frozen copy of its
// initial weights; places that repeat an unstarred layer with the same transform are
// one object.
//
// As text it is one word per place, e.g. "0* 1 2 2 5* 9 9 11*", or with all there is
// "0* ~ 3 3x0.7 5* 9:svd0.5 ~patch 11*", and that is also its JSON form. See [Slot] for
// the words.
type Plan []Slot

// Parse reads a plan from text: words of [Slot] separated by white space. It does not
// know how many layers the model has; see [Plan.Validate] for that.
func Parse(text string) (Plan, error) {
	var plan Plan
	for word := range strings.FieldsSeq(text) {
		if len(plan) == maxPlaces {
			return nil, fmt.Errorf("plan: more than %d places: a model has so many layers at most", maxPlaces)
		}
		slot, err := parseSlot(word)
		if err != nil {
			return nil, fmt.Errorf("plan: place %d: %w", len(plan), err)
		}
		plan = append(plan, slot)
	}
	if err := plan.check(); err != nil {
		return nil, err
	}
	return plan, nil
}

// check tests what holds for every model: at least one place, no negative
// layer, a star only once per layer, and one fold, which is of one gap.
func (p Plan) check() error {
	if len(p) == 0 {
		return fmt.Errorf("plan: no places: want layer numbers such as \"0* 1 2 5*\"")
	}
	starred, folded := make(map[int]int), make(map[int]int)
	for place, s := range p {
		if err := s.check(); err != nil {
			return fmt.Errorf("plan: place %d: %w", place, err)
		}
		if s.Transform.Name == string(FoldRepair) {
			if first, again := folded[s.Layer]; again {
				return fmt.Errorf("plan: place %d: layer %d takes up another gap at place %d: %s stands once a layer", place, s.Layer, first, FoldRepair)
			}
			folded[s.Layer] = place
		}
		if !s.Trainable {
			continue
		}
		if first, again := starred[s.Layer]; again {
			return fmt.Errorf("plan: place %d: layer %d already trains at place %d; a star stands once", place, s.Layer, first)
		}
		starred[s.Layer] = place
	}
	return nil
}

// Validate returns an error naming place and value if the plan cannot be built
// from a model of the given number of layers: an empty plan, a layer outside
// [0, layers), a layer starred twice, or a map where nothing is left out.
func (p Plan) Validate(layers int) error {
	if err := p.check(); err != nil {
		return err
	}
	for place, s := range p {
		if s.Layer >= layers {
			return fmt.Errorf("plan: place %d: layer %d out of range (the model has layers 0 to %d)", place, s.Layer, layers-1)
		}
	}
	return p.wantGaps(layers)
}

// WantStar returns an error that says how to star a layer where the plan has no star. A
// plan without places, which stands for the whole model, is none.
func (p Plan) WantStar() error {
	if len(p) == 0 || len(p.TrainablePlaces()) > 0 {
		return nil
	}
	return fmt.Errorf("plan %s: nothing to train: star a layer, e.g. %d*", p, max(0, p[len(p)-1].Layer))
}

// String returns the plan's text form, which [Parse] reads back.
func (p Plan) String() string {
	var b strings.Builder
	for place, s := range p {
		if place > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// MarshalText returns the text form; encoding/json uses it too.
func (p Plan) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form as [Parse] does.
func (p *Plan) UnmarshalText(text []byte) error {
	plan, err := Parse(string(text))
	if err != nil {
		return err
	}
	*p = plan
	return nil
}

// Kept returns the layers the plan names, each once, in ascending order.
func (p Plan) Kept() []int {
	var kept []int
	for _, s := range p {
		if !s.IsMap() {
			kept = append(kept, s.Layer)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}

// Trainable returns the starred layers in ascending order: the layers an adapter
// holds and the full model gets back.
func (p Plan) Trainable() []int {
	var starred []int
	for _, s := range p {
		if s.Trainable {
			starred = append(starred, s.Layer)
		}
	}
	slices.Sort(starred)
	return starred
}

// Starred returns the places that train, alone: of an emulator they are what comes back
// into the full model, whatever stands between them.
func (p Plan) Starred() Plan {
	return slices.DeleteFunc(slices.Clone(p), func(s Slot) bool { return !s.Trainable })
}

// TrainablePlaces returns the places with a star, from the bottom up.
func (p Plan) TrainablePlaces() []int {
	var places []int
	for place, s := range p {
		if s.Trainable {
			places = append(places, place)
		}
	}
	return places
}

// Copies returns the places that run a frozen copy of the initial weights of a
// layer starred elsewhere, from the bottom up. One copy per layer is enough: its
// places share it.
func (p Plan) Copies() []int {
	starred := make(map[int]bool)
	for _, s := range p {
		if s.Trainable {
			starred[s.Layer] = true
		}
	}
	var places []int
	for place, s := range p {
		if !s.IsMap() && !s.Trainable && starred[s.Layer] {
			places = append(places, place)
		}
	}
	return places
}

// Identity returns the plan of the full model, every layer at its own place,
// with the layers of trainable starred. It panics if one of them is outside
// [0, layers).
func Identity(layers int, trainable []int) Plan {
	plan := make(Plan, layers)
	for i := range plan {
		plan[i].Layer = i
	}
	for _, i := range trainable {
		if i < 0 || i >= layers {
			panic(fmt.Sprintf("plan: Identity: layer %d outside [0, %d)", i, layers))
		}
		plan[i].Trainable = true
	}
	return plan
}
