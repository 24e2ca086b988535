package plot

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestNeighbours: the line below a heat map has each value, as many labels as there is
// room for, and a gap where one is missing.
func TestNeighbours(t *testing.T) {
	for _, n := range []int{1, 2, 13, 31, 81} {
		m := squareMatrix(n)
		for i := range n - 1 {
			m[i][i+1] = 0.5 + float64(i)/200
		}
		if n > 13 {
			m[7][8] = math.NaN()
		}
		p := HeatMap{Title: "CKA", Matrix: m, Neighbours: true}.Draw()
		d := parse(t, p)
		labels, tips := 0, 0
		for i := range n - 1 {
			if v := m[i][i+1]; finite(v) {
				if d.has(strings.TrimPrefix(fmt.Sprintf("%.4f", v), "0")) {
					labels++
				}
				for _, tip := range d.tips {
					if tip == fmt.Sprintf("%d, %d: %.4f", i, i+1, v) {
						tips++
						break
					}
				}
			}
		}
		wantTips, wantLabels := n-1, n-1
		if n > 13 {
			wantTips, wantLabels = n-2, n-2
		}
		if n == 81 { // six pixels a cell: every second
			wantLabels = 40
		}
		if labels != wantLabels || tips != wantTips {
			t.Errorf("%d indices: %d labels, %d marks; want %d and %d", n, labels, tips, wantLabels, wantTips)
		}
		rasterise(t, p)
	}
}

// TestPicturesSayTheirValues to those who hear them read.
func TestPicturesSayTheirValues(t *testing.T) {
	m := squareMatrix(3)
	m[0][2] = 0.01
	for _, c := range []struct {
		picture *Picture
		want    []string
	}{
		{HeatMap{Title: "h", Matrix: m}.Draw(), []string{"3 by 3", "0 and 1 0.5000", "1 and 2 0.5000", "least of all: 0 and 2 0.0100"}},
		{HeatMap{Matrix: [][]float64{{math.NaN()}}}.Draw(), []string{"1 by 1"}},
		{Strip{Layers: 4, Plans: []Plan{{Name: "<crash>", Places: []Place{{Trainable: true}, {Layer: 2}, {Layer: 3, Trainable: true}}}}}.Draw(), []string{"4 layers", "&lt;crash&gt;: 0* 2 3*."}},
		{Curves{XLabel: "step", Runs: []Run{{Name: "a", Train: []Point{{1, 2}, {2, math.NaN()}, {3, 1}}, Valid: []Point{{0, 4}}}, {Name: "empty"}}}.Draw(),
			[]string{"a: training 2 at step 1 to 1 at 3", "validation 4 at step 0"}},
		{Scores{Series: []string{"x", "y"}, Rows: []Row{{Name: "r", Values: []Estimate{{Value: 0.5, StdErr: 0.1}, {Value: math.NaN()}}}}}.Draw(), []string{"r: x 0.5 ± 0.1<"}},
	} {
		parse(t, c.picture)
		svg := c.picture.SVG()
		_, desc, _ := strings.Cut(svg, "<desc>")
		desc, _, _ = strings.Cut(desc, "/desc>")
		for _, want := range c.want {
			if !strings.Contains(desc, want) {
				t.Errorf("no %q in %q", want, desc)
			}
		}
	}
}
