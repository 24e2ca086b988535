package plot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// plan parses "0* 1 2": the text form of layer plans.
func plan(t *testing.T, s string) Plan {
	t.Helper()
	var p Plan
	for _, word := range strings.Fields(s) {
		var place Place
		word, place.Trainable = strings.CutSuffix(word, "*")
		if _, err := fmt.Sscan(word, &place.Layer); err != nil {
			t.Fatal(err)
		}
		p.Places = append(p.Places, place)
	}
	return p
}

func TestAlign(t *testing.T) {
	for _, c := range []struct {
		plan    string
		columns int
		want    []int
	}{
		{"0* 1 2 5* 9 11*", 12, []int{0, 1, 2, 5, 9, 11}},
		{"0* 1 2 2 5 5* 5 9 9 9 11 11*", 12, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"3 3 3", 6, []int{2, 3, 4}},      // spread around the layer's column
		{"0 0 0 5", 6, []int{0, 1, 2, 5}}, // not before the axis
		{"5 5 5", 6, []int{3, 4, 5}},      // nor behind it
		{"4 1", 6, []int{0, 1}},           // order wins over place; ties to the left
		{"0 1 0 1", 4, []int{0, 1, 2, 3}}, // deeper than the model of 2
		{"", 3, nil},
	} {
		got := align(plan(t, c.plan).Places, c.columns)
		if !slices.Equal(got, c.want) {
			t.Errorf("align(%q, %d) = %v, want %v", c.plan, c.columns, got, c.want)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct{ plan, want string }{
		{"0* 1 3*", "TF-T"},
		{"0* 0 3 3*", "TCCT"}, // beside a trained place all others are copies
		{"0 1 1 3", "FFCF"},
		{"1 2 2 3", "FCFF"}, // home is the layer's own column
		{"2 2 2 3", "CCFF"},
	} {
		var got strings.Builder
		for _, cell := range plan(t, c.plan).cells(4, 4) {
			got.WriteByte("TFHCM-"[cell.role])
		}
		if got.String() != c.want {
			t.Errorf("roles of %q are %s, want %s", c.plan, got.String(), c.want)
		}
	}
}

func TestStrip(t *testing.T) {
	kept, shared := plan(t, "0* 1 2 5* 9 11*"), plan(t, "0* 1 2 2 5 5* 5 9 9 9 11 11*")
	kept.Name, shared.Name = "crash", "share-all"
	p := Strip{Title: "Plans", Layers: 12, Plans: []Plan{kept, shared}}.Draw()
	d := parse(t, p)
	// Background, 12 cells a plan, 4 roles in the legend.
	if got, want := d.elements["rect"], 1+2*12+4; got != want {
		t.Errorf("%d rectangles, want %d", got, want)
	}
	for _, want := range []string{"crash", "share-all", "trainable", "frozen", "shared copy", "removed", "11"} {
		if !d.has(want) {
			t.Errorf("no text %q", want)
		}
	}
	tips := strings.Join(d.tips, "|")
	for _, want := range []string{"place 3: layer 5, trainable", "place 3: layer 2, shared copy", "layer 3: removed"} {
		if !strings.Contains(tips, want) {
			t.Errorf("no tip %q", want)
		}
	}
	rasterise(t, p)

	only := parse(t, Strip{Layers: 2, Plans: []Plan{plan(t, "0 1")}}.Draw())
	if only.has("removed") || only.has("trainable") || !only.has("frozen") {
		t.Error("the legend explains roles that do not occur")
	}
}

func TestStripDeeperThanModel(t *testing.T) {
	d := parse(t, Strip{Layers: 2, Plans: []Plan{plan(t, "0 1 0 1"), plan(t, "0 1")}}.Draw())
	// The second plan has no cells behind the model's last layer.
	if got, want := d.elements["rect"], 1+4+2+2; got != want {
		t.Errorf("%d rectangles, want %d", got, want)
	}
}

// TestStripOfMapsAndChanges: a map lies below the columns that it leads over, a changed
// block is lower than others, and both have tips, words and keys of their own.
func TestStripOfMapsAndChanges(t *testing.T) {
	p := plan(t, "0* 1 4 5*")
	p.Name, p.Places[2].Change = "mine", ":svd0.5"
	p.Maps = []Map{{0, "~patch"}, {2, "~"}, {4, "~scalar"}}
	pic := Strip{Layers: 6, Plans: []Plan{p}}.Draw()
	d := parse(t, pic)
	// Background, six cells, three maps, five keys.
	if got, want := d.elements["rect"], 1+6+3+5; got != want {
		t.Errorf("%d rectangles, want %d", got, want)
	}
	tips := strings.Join(d.tips, "|")
	for _, want := range []string{"map ~patch before place 0", "map ~ before place 2", "map ~scalar at the end", "place 2: layer 4:svd0.5, changed"} {
		if !strings.Contains(tips, want) {
			t.Errorf("no tip %q in %s", want, tips)
		}
	}
	if !strings.Contains(string(pic.SVG()), "mine: ~patch 0* 1 ~ 4:svd0.5 5* ~scalar.") {
		t.Errorf("words: %s", pic.SVG())
	}
	for _, key := range []string{"changed", "map"} {
		if !d.has(key) {
			t.Errorf("no key %q", key)
		}
	}
	mustPanic(t, "map 0: before place 5 of 4", func() {
		p.Maps = []Map{{Before: 5}}
		Strip{Layers: 6, Plans: []Plan{p}}.Draw()
	})
}
