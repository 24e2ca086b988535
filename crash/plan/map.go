package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Map is what stands in a gap: a map of the stream in place of the layers that are
// removed there, fitted without training to what they did. A new kind is a constant and
// its entry in the table below; the formulas are those of lamina/crash/repair.
type Map string

// The maps.
const (
	NoMap    Map = ""
	Ghost    Map = "ghost"
	Patch    Map = "patch"
	Hadamard Map = "hadamard"
	Scalar   Map = "scalar"

	// Harmonizer is nothing until lamina distill trains it.
	Harmonizer Map = "harmonizer"
)

// mapMark is the word of a Ghost map, and begins that of another.
const mapMark = "~"

var maps = []struct {
	kind   Map
	help   string
	trains bool // and is not fitted
}{
	{kind: Ghost, help: "a linear map by ridge least squares (Ghosted Layers)"},
	{kind: Patch, help: "a scale for each channel (LinearPatch)"},
	{kind: Hadamard, help: "a scale for each channel of a Hadamard basis (LinearPatch)"},
	{kind: Scalar, help: "one scale of the stream (Prune&Comp)"},
	{kind: Harmonizer, help: "a low-rank ReLU pair, nothing until lamina distill trains it (ScaleOT)", trains: true},
}

// Maps returns the maps there are, in order.
func Maps() []Map {
	all := make([]Map, len(maps))
	for i, m := range maps {
		all[i] = m.kind
	}
	return all
}

// Fitted reports whether the map is fitted when an emulator is built, without training.
func (m Map) Fitted() bool {
	for _, known := range maps {
		if known.kind == m {
			return !known.trains
		}
	}
	return false
}

// Help says what the map is, half a sentence.
func (m Map) Help() string {
	for _, known := range maps {
		if known.kind == m {
			return known.help
		}
	}
	return ""
}

func (m Map) known() bool { return slices.Contains(Maps(), m) }

// String returns the word of the map in a plan: "~", or "~patch".
func (m Map) String() string {
	if m == Ghost {
		return mapMark
	}
	return mapMark + string(m)
}

// ParseMap reads the word of a map in a plan.
func ParseMap(word string) (Map, error) {
	var words []string
	for _, m := range Maps() {
		if words = append(words, m.String()); m.String() == word {
			return m, nil
		}
	}
	return NoMap, fmt.Errorf("%.128q is no map of a gap: want one of %s", word, strings.Join(words, ", "))
}

// Gap is where a plan leaves layers out: what the place before it gives is not what the
// place behind it had in the full model.
type Gap struct {
	Place       int // the gap stands before this place of the plan; len(plan) behind the last
	First, Last int // the layers that are left out
}

// Gaps returns the gaps of a plan for a model of so many layers, from the bottom up. A
// map stands in the gap, which is then before the place behind the map.
func (p Plan) Gaps(layers int) []Gap {
	var gaps []Gap
	next := 0 // the layer that would follow
	for place, s := range p {
		if s.IsMap() {
			continue
		}
		if s.Layer > next {
			gaps = append(gaps, Gap{place, next, s.Layer - 1})
		}
		next = s.Layer + 1
	}
	if next < layers {
		gaps = append(gaps, Gap{len(p), next, layers - 1})
	}
	return gaps
}

// wantGaps returns an error that names the first place that is to fill a gap where none
// is: a map, or a transform that folds, with no removed layer between its neighbours, and
// a second map of one gap.
func (p Plan) wantGaps(layers int) error {
	for place, s := range p {
		if !s.Fills() {
			continue
		}
		before, after := p.neighbours(place, layers)
		switch {
		case s.Map.Fitted() && place > 0 && p[place-1].Map.Fitted():
			return fmt.Errorf("plan: place %d: %s: a map stands in this gap already, %s", place, s, p[place-1])
		case after > before+1:
		case before < 0:
			return fmt.Errorf("plan: place %d: %s: nothing is left out below layer %d: there is no gap to fill", place, s, after)
		case after == layers:
			return fmt.Errorf("plan: place %d: %s: nothing is left out above layer %d: there is no gap to fill", place, s, before)
		default:
			return fmt.Errorf("plan: place %d: %s: nothing is left out between layers %d and %d: there is no gap to fill", place, s, before, after)
		}
	}
	return nil
}

// Fills reports whether the place is to fill a gap: by itself, or by folding something of
// the gap behind it into its layer.
func (s Slot) Fills() bool { return s.IsMap() || s.Transform.Name == string(FoldRepair) }

// neighbours returns the layer that a gap at a place begins behind, -1 below the first, and
// the one it ends before, the model's depth above the last.
func (p Plan) neighbours(place, layers int) (before, after int) {
	before, after = -1, layers
	for _, s := range p[:place+1] {
		if !s.IsMap() {
			before = s.Layer
		}
	}
	for _, s := range p[place+1:] {
		if !s.IsMap() {
			return before, s.Layer
		}
	}
	return before, after
}

// GapEnd returns, of a place that fills a gap in a plan for so many layers, the layer that
// the gap ends before: what enters it in the full model is what a repair is to give. It is
// the model's depth above the last.
func (p Plan) GapEnd(place, layers int) int {
	_, after := p.neighbours(place, layers)
	return after
}
