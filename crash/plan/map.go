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
)

// mapMark is the word of a Ghost map, and begins that of another.
const mapMark = "~"

var maps = []struct {
	kind Map
	help string
}{
	{Ghost, "a linear map by ridge least squares (Ghosted Layers)"},
	{Patch, "a scale for each channel (LinearPatch)"},
	{Hadamard, "a scale for each channel of a Hadamard basis (LinearPatch)"},
	{Scalar, "one scale of the stream (Prune&Comp)"},
}

// Maps returns the maps there are, in order.
func Maps() []Map {
	all := make([]Map, len(maps))
	for i, m := range maps {
		all[i] = m.kind
	}
	return all
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
