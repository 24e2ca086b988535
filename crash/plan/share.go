package plan

import (
	"fmt"
	"strings"
)

// Sharing says how the places of removed layers are filled. A new way is a constant
// and its entry in the table below.
type Sharing int

// The ways of sharing.
const (
	ShareNone   Sharing = iota // removed places are left out: the emulator is as deep as its plan
	ShareAll                   // a removed place runs the nearest kept layer
	ShareFrozen                // the nearest, but a frozen neighbour rather than a trained one
	ShareDamped                // the nearest, its part of the stream scaled as fits best
)

// sharings are the text form of each way, what it does, and its rule: the layer for a
// removed place between two kept ones, and its scale. Without a rule nothing is filled.
var sharings = [...]struct {
	name, help string
	fill       func(left, right Slot, place int) Slot
	scale      float64
}{
	ShareNone:   {"none", "leave them out", nil, 0},
	ShareAll:    {"all", "the nearest kept block", nearest, 0},
	ShareFrozen: {"frozen", "a frozen block where one is beside the place", nearestFrozen, 0},
	ShareDamped: {"damped", "the nearest kept block, what it adds scaled by least squares on --support", nearest, FitScale},
}

// nearest returns the kept neighbour of a place, of two equally near ones the one
// above. Where it trains, the place runs a frozen copy of its initial weights.
func nearest(left, right Slot, place int) Slot {
	if place-left.Layer < right.Layer-place {
		return left
	}
	return right
}

// nearestFrozen returns the nearest layer, but where that one trains and the other
// neighbour does not, the other.
func nearestFrozen(left, right Slot, place int) Slot {
	near := nearest(left, right, place)
	switch {
	case !near.Trainable:
		return near
	case !left.Trainable:
		return left
	case !right.Trainable:
		return right
	}
	return near
}

// Sharings returns the ways of sharing, in order.
func Sharings() []Sharing {
	all := make([]Sharing, len(sharings))
	for i := range all {
		all[i] = Sharing(i)
	}
	return all
}

// SharingNames returns their text forms.
func SharingNames() []string {
	names := make([]string, len(sharings))
	for i, s := range sharings {
		names[i] = s.name
	}
	return names
}

// Help says what the way does, half a sentence.
func (s Sharing) Help() string { return sharings[s].help }

// String returns the text form, a name of [SharingNames].
func (s Sharing) String() string {
	if s < 0 || int(s) >= len(sharings) {
		return fmt.Sprintf("Sharing(%d)", int(s))
	}
	return sharings[s].name
}

// ParseSharing reads a text form.
func ParseSharing(text string) (Sharing, error) {
	for s, way := range sharings {
		if text == way.name {
			return Sharing(s), nil
		}
	}
	return 0, fmt.Errorf("share: %.128q is unknown: want one of %s", text, strings.Join(SharingNames(), ", "))
}

// MarshalText returns the word of s.
func (s Sharing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the text form as [ParseSharing] does.
func (s *Sharing) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSharing(string(text))
	return err
}

// Share fills a plan of kept layers to the depth of the full model: kept layer i
// stands at place i, and each removed place gets the nearest kept layer, of two
// equally near ones the one above ("Sharing" in the paper; student_strategy
// repeat in the authors' code). The result has as many places as the model has
// layers, and its stars are the stars of plan, each at the place of its own
// layer. With [ShareNone] the plan is returned as it is.
//
// Where a removed place has a kept layer on one side only, it takes that one;
// the authors' loop would wrap around to the last layer or stop at an end that
// is not kept.
//
// It is an error if the plan does not fit the model, or names layers twice or
// out of order, because then the places it leaves out are not defined.
func Share(plan Plan, layers int, how Sharing) (Plan, error) {
	if err := plan.Validate(layers); err != nil {
		return nil, err
	}
	if how < 0 || int(how) >= len(sharings) {
		return nil, fmt.Errorf("share: %v is unknown", how)
	}
	way := sharings[how]
	if way.fill == nil {
		return append(Plan(nil), plan...), nil
	}
	for place, s := range plan {
		if s.IsMap() || s.Scale != 0 {
			return nil, fmt.Errorf("share %v: place %d: %s: want kept layers alone, without maps and scales", how, place, s)
		}
	}
	for place := 1; place < len(plan); place++ {
		switch last := plan[place-1].Layer; {
		case plan[place].Layer == last:
			return nil, fmt.Errorf("share %v: place %d repeats layer %d: a plan that already shares layers cannot be shared again", how, place, last)
		case plan[place].Layer < last:
			return nil, fmt.Errorf("share %v: place %d: layer %d stands above layer %d: want ascending layers", how, place, plan[place].Layer, last)
		}
	}
	shared := make(Plan, 0, layers)
	above := 0 // index in plan of the first kept layer not below the place
	for place := range layers {
		if above < len(plan) && plan[above].Layer == place {
			shared = append(shared, plan[above])
			above++
			continue
		}
		near := fill(plan, above, place, way.fill)
		shared = append(shared, Slot{Layer: near.Layer, Scale: way.scale, Transform: near.Transform})
	}
	return shared, nil
}

// fill returns the kept place that a removed one between plan[above-1] and plan[above]
// takes after; where one of them does not exist, the other.
func fill(plan Plan, above, place int, rule func(left, right Slot, place int) Slot) Slot {
	switch above {
	case 0:
		return plan[0]
	case len(plan):
		return plan[above-1]
	}
	return rule(plan[above-1], plan[above], place)
}
