package plot

import (
	"math"
	"testing"
)

func TestScores(t *testing.T) {
	s := Scores{Title: "Accuracy", XLabel: "acc", Series: []string{"zs", "ft"}, Marks: []Mark{{"chance", 0.25}, {"none", math.NaN()}}, Rows: []Row{
		{"uniform", []Estimate{{0.4, 0.02, "0.400 ± 0.020"}, {0.5, 0, ""}}},
		{"crash", []Estimate{{Value: math.NaN(), Label: "–"}, {0.55, 0.02, ""}}},
	}}
	p := s.Draw()
	d := parse(t, p)
	for _, want := range []string{"uniform", "crash", "zs", "ft", "chance", "0.400 ± 0.020", "–", "acc"} {
		if !d.has(want) {
			t.Errorf("no text %q in %q", want, d.texts)
		}
	}
	if d.has("none") {
		t.Error("a mark without a value is drawn")
	}
	if got := d.elements["polygon"]; got != 3+2 { // three values, two in the legend
		t.Errorf("%d markers, want 5", got)
	}
	rasterise(t, p)
	if x := s.axis(); x.lo > 0.25 || x.hi < 0.57 {
		t.Errorf("axis %g … %g cuts off the mark or a whisker", x.lo, x.hi)
	}
	parse(t, Scores{}.Draw())
}

func TestMarkNamesDoNotOverlap(t *testing.T) {
	s := Scores{Marks: []Mark{{"chance", 0.25}, {"zero-shot", 0.26}, {"full model", 0.9}, {"full model, fine-tuned", 0.91}, {"best", 0.92}}}
	names, room := s.markNames(axis{lo: 0.2, hi: 1, from: 100, to: 560}, 0)
	for i, a := range names {
		a := a.(text)
		if a.y > room {
			t.Errorf("%q lies below the room of %g", a.s, room)
		}
		for _, b := range names[:i] {
			b := b.(text)
			if a.y == b.y && math.Abs(a.x-b.x) < (textWidth(a.s, smallSize)+textWidth(b.s, smallSize))/2 {
				t.Errorf("%q and %q overlap", a.s, b.s)
			}
		}
	}
}
