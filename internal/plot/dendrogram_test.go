package plot

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// leaves are the names 0 … n-1.
func leaves(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint(i))
	}
	return names
}

// TestDendrogramEqualsScipy: order of the leaves, and every corner of every bracket.
func TestDendrogramEqualsScipy(t *testing.T) {
	data, err := os.ReadFile("testdata/dendrogram.json")
	if err != nil {
		t.Fatal(err)
	}
	var trees []struct {
		Method   string          `json:"method"`
		Joins    [][3]float64    `json:"joins"`
		Leaves   []int           `json:"leaves"`
		Brackets [][2][4]float64 `json:"brackets"`
	}
	if err := json.Unmarshal(data, &trees); err != nil || len(trees) < 5 {
		t.Fatalf("%d trees, %v", len(trees), err)
	}
	for _, want := range trees {
		d := Dendrogram{Title: want.Method, Leaves: leaves(len(want.Leaves))}
		for _, j := range want.Joins {
			d.Joins = append(d.Joins, Join{int(j[0]), int(j[1]), j[2]})
		}
		order, brackets := d.layout()
		if !slices.Equal(order, want.Leaves) {
			t.Errorf("%s: leaves %v, want %v", want.Method, order, want.Leaves)
		}
		slices.SortFunc(brackets, func(a, b bracket) int {
			if c := slices.Compare(a.x[:], b.x[:]); c != 0 {
				return c
			}
			return slices.Compare(a.y[:], b.y[:])
		})
		for i, b := range brackets {
			for k := range b.x {
				if math.Abs(b.x[k]-want.Brackets[i][0][k]) > 1e-12 || b.y[k] != want.Brackets[i][1][k] {
					t.Fatalf("%s: bracket %d: %v, want %v", want.Method, i, b, want.Brackets[i])
				}
			}
		}
		doc := parse(t, d.Draw())
		if doc.elements["polyline"] < len(want.Joins) || len(doc.tips) < len(want.Joins)+1 {
			t.Errorf("%s: %d lines and %d tips of %d joins", want.Method, doc.elements["polyline"], len(doc.tips), len(want.Joins))
		}
	}
}

func TestDendrogram(t *testing.T) {
	d := Dendrogram{Title: "Tree", AxisLabel: "layer", ValueLabel: "1 - CKA", Leaves: []string{"a", hostile, "c"}, Joins: []Join{{1, 2, 0.25}, {0, 3, 0.5}}}
	p := d.Draw()
	doc := parse(t, p)
	rasterise(t, p)
	for _, want := range []string{"Tree", "a", "c", "layer", "1 - CKA", "0.2"} {
		if !doc.has(want) {
			t.Errorf("no %q among %q", want, doc.texts)
		}
	}
	if !strings.Contains(p.values, "0.5: a with") {
		t.Errorf("in words: %q", p.values)
	}
	rasterise(t, Dendrogram{Leaves: []string{"alone"}}.Draw())
	rasterise(t, Dendrogram{Leaves: leaves(2), Joins: []Join{{0, 1, 0}}}.Draw())
	for want, joins := range map[string][]Join{
		"1 joins of 3 leaves":  {{0, 1, 1}},
		"row 1 joins 0 and 2":  {{0, 1, 1}, {0, 2, 1}},
		"row 0 joins 0 and 3":  {{0, 3, 1}, {1, 2, 1}},
		"row 1 joins 3 and -1": {{0, 1, 1}, {3, -1, 1}},
		"at a height of NaN":   {{0, 1, 1}, {3, 2, math.NaN()}},
	} {
		mustPanic(t, want, func() { Dendrogram{Leaves: leaves(3), Joins: joins}.Draw() })
	}
}

func TestScatter(t *testing.T) {
	s := Scatter{Title: "Map", XLabel: "component 1", YLabel: "component 2", Series: []Points{
		{Name: hostile, Points: []Point{{1, 2}, {-3, 4}, {math.NaN(), 1}}},
		{Name: "named", Points: []Point{{2, 2}}, Names: []string{"model A"}},
	}}
	p := s.Draw()
	doc := parse(t, p)
	rasterise(t, p)
	if doc.elements["polygon"] != 3+2 { // points and legend
		t.Errorf("%d markers", doc.elements["polygon"])
	}
	for _, want := range []string{"component 1", "component 2", "model A", "named"} {
		if !doc.has(want) {
			t.Errorf("no %q among %q", want, doc.texts)
		}
	}
	if !strings.Contains(p.values, "model A at 2, 2") || !strings.Contains(p.values, "2 points around -1, 3") {
		t.Errorf("in words: %q", p.values)
	}
	log := Scatter{LogX: true, Series: []Points{{Points: []Point{{1e5, 1}, {1e7, 2}, {0, 5}}}}}
	if doc := parse(t, log.Draw()); !doc.has("1e+06") || doc.elements["polygon"] != 2 {
		t.Errorf("logarithmic: %q, %d markers", doc.texts, doc.elements["polygon"])
	}
	rasterise(t, Scatter{Series: []Points{{Name: "none"}}}.Draw())
	mustPanic(t, "1 errors of 2 points", func() { Scatter{Series: []Points{{Points: make([]Point, 2), Errors: make([]Point, 1)}}}.Draw() })
	mustPanic(t, "1 names of 2 points", func() { Scatter{Series: []Points{{Points: make([]Point, 2), Names: []string{"a"}}}}.Draw() })
}

// TestBeside: every picture's texts are there, at places of their own, in rows of the width.
func TestBeside(t *testing.T) {
	one := func(name string) *Picture {
		return HeatMap{Title: name, AxisLabel: "x", ValueLabel: "v", Matrix: squareMatrix(4)}.Draw()
	}
	a, b, c := one("first"), one("second"), one("third")
	row := Beside("All", 0, a, b, c)
	if row.width != math.Ceil(a.width+b.width+c.width) || row.height < a.height+titleRoom/2 {
		t.Errorf("%v by %v of pictures %v by %v", row.width, row.height, a.width, a.height)
	}
	two := Beside("All", a.width+b.width+1, a, b, c)
	if two.width != math.Ceil(a.width+b.width) || two.height < 2*a.height {
		t.Errorf("%v by %v in two rows", two.width, two.height)
	}
	doc := parse(t, two)
	rasterise(t, two)
	for _, want := range []string{"All", "first", "second", "third"} {
		if !doc.has(want) {
			t.Errorf("no %q among %q", want, doc.texts)
		}
	}
	if !strings.Contains(two.values, "third: 4 by 4 values.") {
		t.Errorf("in words: %q", two.values)
	}
	mustPanic(t, "no pictures", func() { Beside("", 0) })
}

func TestHeatMapOfTwo(t *testing.T) {
	h := HeatMap{Title: "Two", AxisLabel: "state of B", RowLabel: "state of A", ValueLabel: "CKA", Matrix: [][]float64{{1, 0.5, 0.25}, {0.5, 1, 0.75}}}
	doc := parse(t, h.Draw())
	rasterise(t, h.Draw())
	for _, want := range []string{"state of A", "state of B", ".25", ".75"} {
		if !doc.has(want) {
			t.Errorf("no %q among %q", want, doc.texts)
		}
	}
	named := HeatMap{AxisLabel: "task", Matrix: squareMatrix(2), Names: []string{"arc_easy", hostile}}
	doc = parse(t, named.Draw())
	rasterise(t, named.Draw())
	if !doc.has("arc_easy") || !slices.ContainsFunc(doc.tips, func(s string) bool { return s == "arc_easy, arc_easy: 1.0000" }) {
		t.Errorf("names: %q, tips %q", doc.texts, doc.tips)
	}
	for _, bad := range []func(h *HeatMap){
		func(h *HeatMap) { h.Neighbours = true },
		func(h *HeatMap) { h.Groups = []Span{{0, 1}} },
		func(h *HeatMap) { h.Names = []string{"a", "b"} },
	} {
		g := h
		bad(&g)
		mustPanic(t, "not square", func() { g.Draw() })
	}
}

// TestScatterErrors: bars for the errors that there are, within the axes, numbers and errors for
// those who point or listen, and no name over another or past the edge.
func TestScatterErrors(t *testing.T) {
	s := Scatter{Title: "Errors", XLabel: "share", YLabel: "recovery", Series: []Points{{
		Name: "emulators", Names: []string{"first", "second", "beneath", "at-the-right-edge"},
		Points: []Point{{1, 2}, {1, 2}, {1, 2.001}, {9, 3}},
		Errors: []Point{{0.5, 4}, {math.NaN(), -1}, {0, 0}, {0, math.Inf(1)}},
	}}}
	p := s.Draw()
	svg := p.SVG()
	rasterise(t, p)
	for _, want := range []string{"first: 1 ± 0.5, 2 ± 4", "second: 1, 2<", "at-the-right-edge: 9, 3<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if !strings.Contains(p.values, "first at 1 ± 0.5, 2 ± 4; second at 1, 2;") {
		t.Errorf("in words: %s", p.values)
	}
	_, y := s.axes()
	if y.lo > -2 || y.hi < 6 {
		t.Errorf("the axis from %g to %g does not hold -2 to 6", y.lo, y.hi)
	}
	var names []text
	bars := 0
	for _, shape := range p.shapes {
		switch one := shape.(type) {
		case text:
			if one.size == smallSize {
				names = append(names, one)
			}
		case poly:
			if one.stroke.alpha == 0.6 {
				bars++
			}
		}
	}
	if bars != 2*3 {
		t.Errorf("%d lines of bars, want a bar with two feet in each direction", bars)
	}
	if len(names) != 4 {
		t.Fatalf("%d names: %v", len(names), names)
	}
	for i, a := range names {
		if a.x+textWidth(a.s, smallSize) > p.width {
			t.Errorf("%s stands past the edge", a.s)
		}
		for _, b := range names[:i] {
			if math.Abs(a.y-b.y) < smallSize && a.x < b.x+textWidth(b.s, smallSize) && b.x < a.x+textWidth(a.s, smallSize) {
				t.Errorf("%s and %s cover each other", a.s, b.s)
			}
		}
	}
}

// TestNamesCoverNoPoint: where another point lies beside one with errors, its name stands
// elsewhere.
func TestNamesCoverNoPoint(t *testing.T) {
	errors := []Point{{0, 0.01}, {0, 0.01}, {0, 0.01}}
	at := func(second Point) float64 {
		s := Scatter{Series: []Points{{Points: []Point{{0, 0}, second, {100, 100}}, Names: []string{"first", "", ""}, Errors: errors}}}
		for _, one := range s.Draw().shapes {
			if label, ok := one.(text); ok && label.s == "first" {
				return label.y
			}
		}
		t.Fatal("no name")
		return 0
	}
	if free, covered := at(Point{50, 50}), at(Point{3, 2}); covered <= free {
		t.Errorf("the name stands at %g, above its point as where nothing is beside it (%g)", covered, free)
	}
}
