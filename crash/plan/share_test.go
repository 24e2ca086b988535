package plan

import (
	"strings"
	"testing"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		kept   string
		layers int
		how    Sharing
		want   string
	}{
		{"0* 1 2 5* 9 11*", 12, ShareAll, "0* 1 2 2 5 5* 5 9 9 9 11 11*"},
		{"0* 1 2 5* 9 11*", 12, ShareNone, "0* 1 2 5* 9 11*"},
		// Place 4 has the trained 5 nearest and takes the frozen 2; 6 has 5
		// nearest, whose frozen neighbour is 9; 10 has 11 (the tie) and takes 9.
		{"0* 1 2 5* 9 11*", 12, ShareFrozen, "0* 1 2 2 2 5* 9 9 9 9 9 11*"},
		// The paper's figure 4b: removed 3 between frozen 2 and trained 4.
		{"0* 2 4*", 5, ShareAll, "0* 2 2 4 4*"},
		{"0* 2 4*", 5, ShareFrozen, "0* 2 2 2 4*"},
		// Both neighbours train: the nearest one's initial copy stays.
		{"0* 4*", 5, ShareFrozen, "0* 0 4 4 4*"},
		{"0* 4*", 5, ShareAll, "0* 0 4 4 4*"},
		// Kept layers on one side only: the authors' loop wrapped to the last
		// layer below, and stopped at L-1 above.
		{"2 5*", 8, ShareAll, "2 2 2 2 5 5* 5 5"},
		{"2 5*", 8, ShareFrozen, "2 2 2 2 2 5* 5 5"},
		{"3*", 5, ShareFrozen, "3 3 3 3* 3"},
		{"0 1* 2", 3, ShareAll, "0 1* 2"},
		{"0* 1 2 5* 9 11*", 12, ShareDamped, "0* 1 2 2xfit 5xfit 5* 5xfit 9xfit 9xfit 9 11xfit 11*"},
		{"2:q8_0 5*", 6, ShareDamped, "2xfit:q8_0 2xfit:q8_0 2:q8_0 2xfit:q8_0 5xfit 5*"},
	} {
		got, err := Share(mustPlan(t, c.kept), c.layers, c.how)
		if err != nil || got.String() != c.want {
			t.Errorf("%s of %d, %v: %q, %v; want %q", c.kept, c.layers, c.how, got, err, c.want)
		}
	}
}

func TestShareRefuses(t *testing.T) {
	for _, c := range []struct{ plan, want string }{
		{"0* 1 1 3*", "share all: place 2 repeats layer 1"},
		{"0* 0 3*", "share all: place 1 repeats layer 0"},
		{"2 1", "share all: place 1: layer 1 stands above layer 2"},
		{"1 2 1", "share all: place 2: layer 1 stands above layer 2"},
		{"0 9", "plan: place 1: layer 9 out of range"},
		{"0* ~ 3", "share all: place 1: ~: want kept layers alone"},
		{"0* 2x0.5 3", "share all: place 1: 2x0.5: want kept layers alone"},
	} {
		if got, err := Share(mustPlan(t, c.plan), 4, ShareAll); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, %v; want %q", c.plan, got, err, c.want)
		}
	}
	if _, err := Share(mustPlan(t, "0"), 1, Sharing(7)); err == nil {
		t.Error("an unknown sharing was taken")
	}
}

// slowShare is the rule read literally, for every pair of kept layers.
func slowShare(plan Plan, layers int, how Sharing) Plan {
	kind := map[int]*Slot{}
	for i := range plan {
		kind[plan[i].Layer] = &plan[i]
	}
	var out Plan
	for place := range layers {
		if s := kind[place]; s != nil {
			out = append(out, *s)
			continue
		}
		var left, right *Slot
		for i := place; i >= 0 && left == nil; i-- {
			left = kind[i]
		}
		for i := place; i < layers && right == nil; i++ {
			right = kind[i]
		}
		pick := right
		switch {
		case left == nil:
		case right == nil:
			pick = left
		default:
			if place-left.Layer < right.Layer-place {
				pick = left
			}
			if how == ShareFrozen && pick.Trainable {
				if !left.Trainable {
					pick = left
				} else if !right.Trainable {
					pick = right
				}
			}
		}
		out = append(out, Slot{Layer: pick.Layer})
	}
	return out
}

func TestShareEqualsLiteralRuleOnAllPlans(t *testing.T) {
	const layers = 7
	for kept := 1; kept < 1<<layers; kept++ {
		for stars := kept; ; stars = (stars - 1) & kept {
			var plan Plan
			for i := range layers {
				if kept>>i&1 == 1 {
					plan = append(plan, Slot{Layer: i, Trainable: stars>>i&1 == 1})
				}
			}
			for _, how := range []Sharing{ShareAll, ShareFrozen} {
				got, err := Share(plan, layers, how)
				if err != nil {
					t.Fatal(err)
				}
				if want := slowShare(plan, layers, how); got.String() != want.String() {
					t.Fatalf("%v %v: %v, want %v", plan, how, got, want)
				}
				for place, s := range got {
					if s.Trainable && s.Layer != place {
						t.Fatalf("%v %v: star of %d at place %d", plan, how, s.Layer, place)
					}
				}
			}
			if stars == 0 {
				break
			}
		}
	}
}

func TestSharingText(t *testing.T) {
	for s, name := range SharingNames() {
		got, err := ParseSharing(name)
		if err != nil || got != Sharing(s) || got.String() != name {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	if _, err := ParseSharing("some"); err == nil {
		t.Error("\"some\" was taken")
	}
}
