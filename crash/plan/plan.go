package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a plan, far above any decoder: it has as many places as a model that is
// opened may have layers. They keep a hostile file from costing more than its own size.
const (
	maxPlaces = 1024
	maxLayer  = 1 << 20
)

// Slot is one place of a decoder: the layer of the full model whose weights run
// there, and whether it is trained.
type Slot struct {
	Layer     int
	Trainable bool
}

// String returns the slot's word in a plan: "7", or "7*" where it trains.
func (s Slot) String() string {
	if s.Trainable {
		return strconv.Itoa(s.Layer) + "*"
	}
	return strconv.Itoa(s.Layer)
}

// Plan lists the places of an emulator from the bottom up. A starred layer
// stands once; the same layer without a star beside it is a frozen copy of its
// initial weights; places that repeat an unstarred layer are one object.
//
// As text it is one word per place, e.g. "0* 1 2 2 5* 9 9 11*", and that is also
// its JSON form.
type Plan []Slot

// Parse reads a plan from text: words separated by white space, each a layer
// number, with a star where it trains. It does not know how many layers the
// model has; see [Plan.Validate] for that.
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

func parseSlot(word string) (Slot, error) {
	digits, trainable := strings.CutSuffix(word, "*")
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return Slot{}, fmt.Errorf("%.128q is no layer: want a number, with * after it if it trains", word)
		}
	}
	layer, err := strconv.Atoi(digits)
	if err != nil || layer > maxLayer {
		return Slot{}, fmt.Errorf("%.128q is no layer: want a number below %d, with * after it if it trains", word, maxLayer)
	}
	return Slot{Layer: layer, Trainable: trainable}, nil
}

// check tests what holds for every model: at least one place, no negative
// layer, a star only once per layer.
func (p Plan) check() error {
	if len(p) == 0 {
		return fmt.Errorf("plan: no places: want layer numbers such as \"0* 1 2 5*\"")
	}
	starred := make(map[int]int)
	for place, s := range p {
		if s.Layer < 0 {
			return fmt.Errorf("plan: place %d: layer %d is negative", place, s.Layer)
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
// [0, layers), or a layer starred twice.
func (p Plan) Validate(layers int) error {
	if err := p.check(); err != nil {
		return err
	}
	for place, s := range p {
		if s.Layer >= layers {
			return fmt.Errorf("plan: place %d: layer %d out of range (the model has layers 0 to %d)", place, s.Layer, layers-1)
		}
	}
	return nil
}

// WantStar returns an error that says how to star a layer where the plan has no star. A
// plan without places, which stands for the whole model, is none.
func (p Plan) WantStar() error {
	if len(p) == 0 || len(p.TrainablePlaces()) > 0 {
		return nil
	}
	return fmt.Errorf("plan %s: nothing to train: star a layer, e.g. %d*", p, p[len(p)-1].Layer)
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
	kept := make([]int, len(p))
	for place, s := range p {
		kept[place] = s.Layer
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
		if !s.Trainable && starred[s.Layer] {
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
