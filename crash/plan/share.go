package plan

import "fmt"

// Sharing says how the places of removed layers are filled.
type Sharing int

// The ways of sharing; the words in quotes are their text forms.
const (
	// ShareNone, "none": removed places are left out and the emulator is as deep
	// as its plan.
	ShareNone Sharing = iota
	// ShareAll, "all": a removed place runs the nearest kept layer, whatever its
	// kind; of a trained layer that is a frozen copy of its initial weights.
	ShareAll
	// ShareFrozen, "frozen": as ShareAll, but where the nearest kept layer trains,
	// a frozen neighbour is preferred if there is one.
	ShareFrozen
)

var sharings = [...]string{ShareNone: "none", ShareAll: "all", ShareFrozen: "frozen"}

// String returns "none", "all" or "frozen".
func (s Sharing) String() string {
	if s < 0 || int(s) >= len(sharings) {
		return fmt.Sprintf("Sharing(%d)", int(s))
	}
	return sharings[s]
}

// ParseSharing reads "none", "all" or "frozen".
func ParseSharing(text string) (Sharing, error) {
	for s, name := range sharings {
		if text == name {
			return Sharing(s), nil
		}
	}
	return 0, fmt.Errorf("share: %.128q is unknown: want none, all or frozen", text)
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
	if how == ShareNone {
		return append(Plan(nil), plan...), nil
	}
	if how != ShareAll && how != ShareFrozen {
		return nil, fmt.Errorf("share: %v is unknown", how)
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
		shared = append(shared, Slot{Layer: fill(plan, above, place, how)})
	}
	return shared, nil
}

// fill returns the layer for a removed place between plan[above-1] and
// plan[above], one of which may not exist.
func fill(plan Plan, above, place int, how Sharing) int {
	if above == 0 {
		return plan[0].Layer
	}
	left := plan[above-1]
	if above == len(plan) {
		return left.Layer
	}
	right := plan[above]
	nearest := right
	if place-left.Layer < right.Layer-place {
		nearest = left
	}
	if how == ShareFrozen && nearest.Trainable {
		switch {
		case !left.Trainable:
			return left.Layer
		case !right.Trainable:
			return right.Layer
		}
	}
	return nearest.Layer
}
