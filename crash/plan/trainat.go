package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// TrainAt says which layers train: a rule by its name, or a list of layers. The zero
// value leaves it to the method. Offsite-tuning trains the ends ("sandwich"); CRaSh
// centres; where it is best is open, and what can be reached inside the full model
// differs with it. It is comparable.
type TrainAt struct {
	name string
	list string // layers as "0,5,11", of no rule
}

// The rules that methods name.
var (
	AtCentres = TrainAt{name: "centres"}
	AtEnds    = TrainAt{name: "ends"}
	AtSpread  = TrainAt{name: "spread"}
)

// position is a rule: which of the full model's layers train. Without layers it is
// decided among the kept ones.
type position struct {
	name, help string
	needs      Need
	layers     func(r *Request) []int
}

var positions = []position{
	{"centres", "evenly over the kept layers, the first and the last of them among them", "", nil},
	{"ends", "the first and the last of the model", "", func(r *Request) []int {
		return slices.Concat(span(0, (r.Trainable+1)/2), span(r.Layers-r.Trainable/2, r.Layers))
	}},
	{"first", "the first of the model", "", func(r *Request) []int { return span(0, r.Trainable) }},
	{"last", "the last of the model", "", func(r *Request) []int { return span(r.Layers-r.Trainable, r.Layers) }},
	{"spread", "evenly over the model", "", func(r *Request) []int { return starEvenly(span(0, r.Layers), r.Trainable).Trainable() }},
	{"upper", "evenly over the upper middle of the model, from 7/15 to 13/15 of its depth", "", func(r *Request) []int {
		return starEvenly(upperMiddle(r.Layers, r.Trainable), r.Trainable).Trainable()
	}},
	{"gain", "those of the full model whose first step of training promises most, by the sum of |gradient| on the support texts", NeedGains, mostGain},
}

// span returns the layers [from, to).
func span(from, to int) []int {
	var layers []int
	for i := from; i < to; i++ {
		layers = append(layers, i)
	}
	return layers
}

// upperMiddle returns the layers from 7/15 to 13/15 of the depth, 14 to 26 of 30, or as many
// more around them as are to train. Below them a layer's gradient in the emulator has gone
// through too many gaps to be the model's; above there is little to train (docs/findings.md).
func upperMiddle(layers, trainable int) []int {
	from := min(layers*7/15, layers-trainable)
	return span(from, max(layers*13/15+1, from+trainable))
}

// mostGain returns the layers of the largest gains, of equal ones the lower.
func mostGain(r *Request) []int {
	layers := span(0, r.Layers)
	slices.SortStableFunc(layers, func(a, b int) int {
		switch {
		case r.Gains[a] > r.Gains[b]:
			return -1
		case r.Gains[a] < r.Gains[b]:
			return 1
		}
		return 0
	})
	layers = layers[:r.Trainable]
	slices.Sort(layers)
	return layers
}

// ParseTrainAt reads a rule's name, or layers with commas between; "" is the zero value.
func ParseTrainAt(text string) (TrainAt, error) {
	if text == "" || slices.ContainsFunc(positions, func(p position) bool { return p.name == text }) {
		return TrainAt{name: text}, nil
	}
	layers, err := ParseList(text)
	if err != nil {
		return TrainAt{}, fmt.Errorf("train at %.128q: want one of %s, or layers such as 0,5,11", text, strings.Join(TrainAtNames(), ", "))
	}
	words := make([]string, len(layers))
	for i, layer := range layers {
		words[i] = strconv.Itoa(layer)
	}
	return TrainAt{list: strings.Join(words, ",")}, nil
}

// ParseList reads layers with commas or spaces between, ascending and each once.
func ParseList(text string) ([]int, error) {
	var layers []int
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		s, err := parseSlot(word)
		switch {
		case err != nil || s.Trainable:
			return nil, fmt.Errorf("list: %.128q is no layer", word)
		case len(layers) > 0 && s.Layer <= layers[len(layers)-1]:
			return nil, fmt.Errorf("list: layer %d stands after layer %d: want them ascending, each once", s.Layer, layers[len(layers)-1])
		case len(layers) == maxPlaces:
			return nil, fmt.Errorf("list: more than %d layers", maxPlaces)
		}
		layers = append(layers, s.Layer)
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("list: no layers")
	}
	return layers, nil
}

// TrainAtNames returns the names of the rules.
func TrainAtNames() []string {
	names := make([]string, len(positions))
	for i, p := range positions {
		names[i] = p.name
	}
	return names
}

// TrainAtHelp says what each rule does.
func TrainAtHelp() string {
	texts := make([]string, len(positions))
	for i, p := range positions {
		texts[i] = p.name + ": " + p.help
	}
	return strings.Join(texts, "; ")
}

// String returns the text that [ParseTrainAt] reads.
func (t TrainAt) String() string { return t.name + t.list }

// MarshalText returns the same.
func (t TrainAt) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads it.
func (t *TrainAt) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTrainAt(string(text))
	return err
}

// IsZero reports whether the method decides.
func (t TrainAt) IsZero() bool { return t == TrainAt{} }

// Decided reports whether the layers are known before any is chosen to stay: the same ones
// train then, whatever a method keeps.
func (t TrainAt) Decided() bool { return t.list != "" || t.rule().layers != nil }

// rule returns the rule that t names; that of a list or of nothing does nothing.
func (t TrainAt) rule() position {
	for _, p := range positions {
		if p.name == t.name {
			return p
		}
	}
	return position{}
}

// trainAt returns where layers train if a method chooses.
func (r *Request) trainAt(m Method) TrainAt {
	if r.TrainAt.IsZero() {
		return m.TrainAt
	}
	return r.TrainAt
}

// setTrained notes which layers train, where that is known before any is chosen.
func (r *Request) setTrained(m Method) error {
	at := r.trainAt(m)
	r.trained = nil
	switch rule := at.rule(); {
	case at.list != "":
		layers, err := ParseList(at.list)
		if err != nil {
			return err
		}
		if len(layers) != r.Trainable {
			return fmt.Errorf("plan: train at %s: %d layers, and %d are to train", at, len(layers), r.Trainable)
		}
		if last := layers[len(layers)-1]; last >= r.Layers {
			return fmt.Errorf("plan: train at %s: layer %d out of range (the model has layers 0 to %d)", at, last, r.Layers-1)
		}
		r.trained = layers
	case rule.needs != "" && !r.Has(rule.needs):
		return fmt.Errorf("plan: train at %s needs the %s of layers", at, rule.needs)
	case rule.layers != nil:
		r.trained = rule.layers(r)
	}
	if n := len(r.Fixed()); n > r.Keep {
		return fmt.Errorf("plan: the trained layers and both ends are %d, and %d are to stay: keep more, or train elsewhere", n, r.Keep)
	}
	return nil
}

// restarred returns a plan with the stars where the request says. A layer that stays
// whatever the rule says and was not chosen takes the place of the nearest one that was,
// of two equally near ones the lower.
func (r *Request) restarred(p Plan) Plan {
	if r.trained == nil {
		return starEvenly(p.Kept(), r.Trainable)
	}
	kept, fixed := p.Kept(), r.Fixed()
	for _, layer := range fixed {
		if slices.Contains(kept, layer) {
			continue
		}
		nearest := -1
		for i, k := range kept {
			if !slices.Contains(fixed, k) && (nearest < 0 || abs(k-layer) < abs(kept[nearest]-layer)) {
				nearest = i
			}
		}
		if nearest < 0 {
			break // fewer are kept than are fixed, which Plan says
		}
		kept[nearest] = layer
		slices.Sort(kept)
	}
	plan := make(Plan, len(kept))
	for i, layer := range kept {
		plan[i] = Slot{Layer: layer, Trainable: slices.Contains(r.trained, layer)}
	}
	return plan
}

func abs(n int) int { return max(n, -n) }
