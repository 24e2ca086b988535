package plan

import (
	"slices"
	"strings"
	"testing"
)

// TestRecommendedCoversEveryShare once, and names what there is. Which values stand in the
// table is no matter of this test.
func TestRecommendedCoversEveryShare(t *testing.T) {
	if n := len(Recommended); n == 0 || Recommended[0].From > 1 || Recommended[n-1].From != 0 {
		t.Fatalf("%d ranges: want one or more, from 1 down to 0", n)
	}
	for i, a := range Recommended {
		if i > 0 && !(a.From < Recommended[i-1].From) {
			t.Errorf("range %d begins at %v, the one above it at %v", i, a.From, Recommended[i-1].From)
		}
		known, err := Named(Methods, a.Method.Name)
		if err != nil || known.Advised != nil || known.Reads(NeedList) || a.Method.Help != known.Help {
			t.Errorf("range from %v: method %q: %v", a.From, a.Method.Name, err)
		}
		if at, err := ParseTrainAt(a.TrainAt.String()); err != nil || at != a.TrainAt {
			t.Errorf("range from %v: train at %s: %v", a.From, a.TrainAt, err)
		}
		shape, err := ParseShape(a.Shape.Share.String(), string(a.Shape.Repair), a.Shape.Compress.String())
		if err != nil || shape != a.Shape {
			t.Errorf("range from %v: shape %+v: %v", a.From, a.Shape, err)
		}
		if a.Why == "" || strings.ContainsAny(a.Why, "\n") || a.Return == "" {
			t.Errorf("range from %v: returned as %q, because %q", a.From, a.Return, a.Why)
		}
	}
}

// TestAutoIsWhatItStandsFor at every size: the choice of the method that is recommended
// there, with its needs, and training where that is recommended unless somebody says.
func TestAutoIsWhatItStandsFor(t *testing.T) {
	for _, layers := range []int{6, 10} {
		for keep := 2; keep <= layers; keep++ {
			r := everything(layers, keep, 2)
			a, ok := Auto.Advice(r)
			at := slices.IndexFunc(Recommended, func(a Advice) bool { return float64(keep)/float64(layers) >= a.From })
			if !ok || a.Method.Name != Recommended[at].Method.Name || (a.Shape == Recommended[at].Shape) != (keep < layers || Recommended[at].Shape == Shape{}) {
				t.Errorf("%d of %d: advice %s, want that of the range from %v", keep, layers, a, Recommended[at].From)
			}
			for _, asked := range []TrainAt{{}, AtEnds} {
				r.TrainAt = asked
				own := a.Method
				own.TrainAt = a.TrainAt
				want, err := own.Plan(r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Auto.Plan(r)
				if err != nil || got.Plan.String() != want.Plan.String() {
					t.Errorf("%d of %d, at %q: %v, %v; want %v", keep, layers, asked, got.Plan, err, want.Plan)
				}
				if needs := r.Needed(Auto); !slices.Equal(needs, r.Needed(own)) {
					t.Errorf("%d of %d: needs %v, want %v", keep, layers, needs, r.Needed(own))
				}
			}
		}
	}
	if _, ok := Uniform.Advice(Request{Layers: 6, Keep: 3}); ok || Uniform.As(Request{Layers: 6, Keep: 3}).Name != Uniform.Name {
		t.Error("uniform stands for another method")
	}
}

// TestShapeOr: what is asked for stands; sharing and repair are asked for together.
func TestShapeOr(t *testing.T) {
	svd := Transform{Name: "svd", Amount: 0.5}
	advised := Shape{Repair: Repair(Ghost)}
	for _, c := range []struct{ asked, want Shape }{
		{Shape{}, advised},
		{Shape{Repair: NoRepair}, Shape{Repair: NoRepair}},
		{Shape{Repair: Repair(Patch)}, Shape{Repair: Repair(Patch)}},
		{Shape{Share: ShareAll}, Shape{Share: ShareAll}},
		{Shape{Compress: svd}, Shape{Repair: Repair(Ghost), Compress: svd}},
	} {
		if got := c.asked.Or(advised); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.asked, got, c.want)
		}
	}
}

// TestAdviceTells what was chosen, and what of it was asked to be otherwise.
func TestAdviceTells(t *testing.T) {
	a := Advice{Method: CRaSh, TrainAt: AtSpread, Shape: Shape{Repair: Repair(Ghost)}, Return: "lora", Why: "it was best (somewhere)"}
	r := Request{Layers: 9, Keep: 5, Trainable: 2}
	if got := strings.Join(a.Lines(r, a.Shape), "\n"); got != "chosen: crash, 5 of 9 layers stay, 2 train (spread), repair ghost\nwhy: it was best (somewhere)" {
		t.Error(got)
	}
	r.TrainAt = AtEnds
	if got := strings.Join(a.Lines(r, Shape{Repair: NoRepair}), "\n"); got != "chosen: crash, 5 of 9 layers stay, 2 train (ends), no repair\nwhy: it was best (somewhere); as asked, --train-at ends instead of spread and no repair instead of repair ghost" {
		t.Error(got)
	}
}
