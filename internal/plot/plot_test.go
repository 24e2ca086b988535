package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"
)

// hostile would leave text, attribute or element if it were not escaped.
const hostile = "</title></svg><script>alert('x')</script>\"&\x00\x1b]]>"

// document is what a parser sees of an SVG.
type document struct {
	elements map[string]int
	texts    []string // of <text>
	tips     []string // of <title>
	points   []string // points attributes of polylines
}

func parse(t *testing.T, p *Picture) document {
	t.Helper()
	svg := p.SVG()
	if again := p.SVG(); again != svg {
		t.Error("second SVG differs")
	}
	for _, bad := range []string{"<script", "href", "url(", "NaN", "Inf", "@import"} {
		if strings.Contains(svg, bad) {
			t.Errorf("SVG contains %q", bad)
		}
	}
	d := document{elements: map[string]int{}}
	dec := xml.NewDecoder(strings.NewReader(svg))
	var name string
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("SVG is not well-formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name = tok.Name.Local
			d.elements[name]++
			for _, a := range tok.Attr {
				if a.Name.Local == "points" {
					d.points = append(d.points, a.Value)
				}
			}
		case xml.CharData:
			switch name {
			case "text":
				d.texts = append(d.texts, string(tok))
			case "title":
				d.tips = append(d.tips, string(tok))
			}
		case xml.EndElement:
			name = ""
		}
	}
}

func (d document) has(s string) bool {
	for _, t := range d.texts {
		if t == s {
			return true
		}
	}
	return false
}

// rasterise checks that the PNG is one, of the right size and the same twice.
func rasterise(t *testing.T, p *Picture) {
	t.Helper()
	var a, b bytes.Buffer
	if err := errors.Join(p.PNG(&a), p.PNG(&b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("second PNG differs")
	}
	img, err := png.Decode(&a)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds().Dx(), int(p.width)*pngDensity; got != want {
		t.Errorf("PNG is %d pixels wide, want %d", got, want)
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic %q, want one with %q", got, want)
		}
	}()
	f()
}

func squareMatrix(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		for j := range m[i] {
			m[i][j] = 1 / (1 + math.Abs(float64(i-j)))
		}
	}
	return m
}

func TestHeatMap(t *testing.T) {
	h := HeatMap{Title: "CKA", AxisLabel: "state", ValueLabel: "linear CKA", Matrix: squareMatrix(13), Groups: []Span{{1, 4}, {5, 12}}}
	h.Matrix[0][3] = math.NaN()
	d := parse(t, h.Draw())
	if got := d.elements["path"]; got != 13*13 {
		t.Errorf("%d cells, want %d", got, 13*13)
	}
	if got, want := len(d.tips), 1+13*13; got != want {
		t.Errorf("%d tips, want the title and one per cell: %d", got, want)
	}
	for _, want := range []string{"0", "12", "state", "linear CKA", ".50", "1.00", "–"} {
		if !d.has(want) {
			t.Errorf("no text %q in %q", want, d.texts)
		}
	}
	if !strings.Contains(strings.Join(d.tips, "|"), "|2, 3: 0.5000|") || !strings.Contains(strings.Join(d.tips, "|"), "0, 3: missing") {
		t.Error("tips lack a cell's indices and value, or the missing one")
	}
	rasterise(t, h.Draw())
}

func TestHeatMapSizes(t *testing.T) {
	for _, n := range []int{1, 2, 31, 81} {
		h := HeatMap{Title: "CKA", Matrix: squareMatrix(n)}
		p := h.Draw()
		d := parse(t, p)
		if got := d.elements["path"]; got != n*n {
			t.Errorf("n = %d: %d cells", n, got)
		}
		if len(p.SVG()) > 360<<10 {
			t.Errorf("n = %d: %d bytes are too many for a page", n, len(p.SVG()))
		}
		if p.width > 1000 || p.height > 1000 {
			t.Errorf("n = %d: %g x %g", n, p.width, p.height)
		}
	}
}

func TestHeatMapScale(t *testing.T) {
	m := [][]float64{{0.31, 0.9}, {0.9, 1}}
	a := HeatMap{Matrix: m}.axis(0, 1)
	if a.lo > 0.31 || a.lo < 0.2 || a.hi != 1 {
		t.Errorf("range %g … %g of values 0.31 … 1", a.lo, a.hi)
	}
	a = HeatMap{Matrix: m, Min: 0.5, Max: 0.8}.axis(0, 1)
	h := HeatMap{Matrix: m}
	if h.colour(a, 0.31) != h.colour(a, 0.5) || h.colour(a, 0.6) == h.colour(a, 0.5) {
		t.Error("given range is not that of the colours")
	}
	for _, v := range []float64{0, 1, -3} { // constant matrices have a scale too
		parse(t, HeatMap{Matrix: [][]float64{{v}}}.Draw())
	}
	parse(t, HeatMap{Matrix: [][]float64{{math.Inf(1)}}}.Draw())
}

func TestMisusePanics(t *testing.T) {
	mustPanic(t, "plot: HeatMap: empty", func() { HeatMap{}.Draw() })
	mustPanic(t, "row 1 has 1 of 2 columns", func() { HeatMap{Matrix: [][]float64{{1, 2}, {3}}}.Draw() })
	mustPanic(t, "group [1 2] not inside 2", func() { HeatMap{Matrix: squareMatrix(2), Groups: []Span{{1, 2}}}.Draw() })
	mustPanic(t, "not below", func() { HeatMap{Matrix: squareMatrix(2), Min: 2, Max: 1}.Draw() })
	mustPanic(t, "plot: Strip: 0 layers", func() { Strip{}.Draw() })
	mustPanic(t, "place 0: layer 3 of 3", func() { Strip{Layers: 3, Plans: []Plan{{Places: []Place{{Layer: 3}}}}}.Draw() })
	mustPanic(t, "row 0 has 0 values for 1", func() { Scores{Series: []string{"a"}, Rows: []Row{{}}}.Draw() })
}

func TestHostileNames(t *testing.T) {
	long := strings.Repeat("w", 5000)
	for _, s := range []string{hostile, long} {
		for _, p := range []*Picture{
			HeatMap{Title: s, AxisLabel: s, ValueLabel: s, Matrix: squareMatrix(3)}.Draw(),
			Strip{Title: s, Layers: 2, Plans: []Plan{{Name: s, Places: []Place{{Layer: 1}}}}}.Draw(),
			Curves{Title: s, XLabel: s, YLabel: s, Runs: []Run{{Name: s, Valid: []Point{{1, 2}}}}}.Draw(),
			Scores{Title: s, XLabel: s, Series: []string{s, s}, Rows: []Row{{s, []Estimate{{1, 1, s}, {2, 0, s}}}}, Marks: []Mark{{s, 1}}}.Draw(),
		} {
			if d := parse(t, p); d.elements["script"] != 0 || d.elements["svg"] != 1 {
				t.Errorf("elements %v", d.elements)
			}
			if p.width > 2000 {
				t.Errorf("a long name makes the picture %g wide", p.width)
			}
		}
	}
}
