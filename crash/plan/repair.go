package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Repair is a way of filling the gaps of a plan without training: a map in each, or what
// folds into the place before it. A new map is one by itself; another way is a constant
// and its entry in the table below.
type Repair string

// The ways that are no maps.
const (
	NoRepair Repair = "none"
	// FoldRepair is ReplaceMe's: no weight is added.
	FoldRepair Repair = "replaceme"
)

// Repairs returns the ways there are: none, the maps that are fitted, and replaceme.
func Repairs() []Repair {
	all := []Repair{NoRepair}
	for _, m := range Maps() {
		if m.Fitted() {
			all = append(all, Repair(m))
		}
	}
	return append(all, FoldRepair)
}

// Help says what the way does, half a sentence.
func (r Repair) Help() string {
	switch r {
	case NoRepair:
		return "leave the gaps"
	case FoldRepair:
		return "fold a linear map into the MLP of the frozen block before the gap (ReplaceMe)"
	}
	return Map(r).Help()
}

// ParseRepair reads the name of a way.
func ParseRepair(text string) (Repair, error) {
	var names []string
	for _, r := range Repairs() {
		if names = append(names, string(r)); string(r) == text {
			return r, nil
		}
	}
	return "", fmt.Errorf("repair: %.64q is unknown: want one of %s", text, strings.Join(names, ", "))
}

// Repaired returns the plan with its gaps filled, and the gaps that could not be: what
// folds into a place needs a frozen one without a transform before the gap, for what
// trains must come back as it went. It is an error if the plan does not fit the model or
// has maps already.
func (p Plan) Repaired(layers int, how Repair) (repaired Plan, left []Gap, err error) {
	if err := p.Validate(layers); err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(p, Slot.IsMap) && how != NoRepair {
		return nil, nil, fmt.Errorf("repair %s: plan %s has maps already: leave the repair out, or the maps (~)", how, p)
	}
	repaired = slices.Clone(p)
	if how == NoRepair {
		return repaired, nil, nil
	}
	gaps := p.Gaps(layers)
	for _, gap := range slices.Backward(gaps) {
		before := gap.Place - 1
		switch {
		case how != FoldRepair:
			repaired = slices.Insert(repaired, gap.Place, MapSlot(Map(how)))
		case before < 0 || !repaired[before].Plain() || repaired[before].Trainable:
			left = append(left, gap)
		default:
			repaired[before].Transform = Transform{Name: string(FoldRepair)}
		}
	}
	slices.Reverse(left)
	return repaired, left, nil
}
