package plot

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func bowl(n int) Surface {
	s := Surface{Title: "Bowl & <b>", XLabel: "a", YLabel: "b", ValueLabel: "nats", Spots: []Spot{{"init", 0, 0, 2}, {"far", 99, 0, 3}, {"none", 0.5, 0.5, math.NaN()}}}
	for i := range n {
		s.X, s.Y = append(s.X, -1+2*float64(i)/float64(n-1)), append(s.Y, -2+4*float64(i)/float64(n-1))
	}
	for _, y := range s.Y {
		var row []float64
		for _, x := range s.X {
			row = append(row, 2+x*x+y*y/4)
		}
		s.Values = append(s.Values, row)
	}
	return s
}

// TestContourLiesAtItsValue: on a bowl every piece of a line of equal value lies at that
// value, and a value that is nowhere has no line.
func TestContourLiesAtItsValue(t *testing.T) {
	s := bowl(41)
	x, y := axis{lo: -1, hi: 1, from: -1, to: 1}, axis{lo: -2, hi: 2, from: -2, to: 2}
	ends := s.contour(2.5, x, y)
	if len(ends) < 80 || len(ends)%2 != 0 {
		t.Fatalf("%d ends", len(ends))
	}
	for _, p := range ends {
		if got := 2 + p.x*p.x + p.y*p.y/4; math.Abs(got-2.5) > 0.002 {
			t.Errorf("the line at 2.5 goes through (%v, %v), where it is %v", p.x, p.y, got)
		}
	}
	if ends := s.contour(7, x, y); len(ends) > 0 {
		t.Errorf("a line where nothing is: %v", ends)
	}
	for _, at := range [][2]float64{{-1, -2}, {0.13, 0.7}, {1, 2}} {
		if got, want := s.between(at[0], at[1]), 2+at[0]*at[0]+at[1]*at[1]/4; math.Abs(got-want) > 0.003 {
			t.Errorf("at %v between the places: %v, want %v", at, got, want)
		}
	}
}

// TestSurfaceIsDrawn with values missing, of two places a side, all equal; the same input
// gives the same bytes.
func TestSurfaceIsDrawn(t *testing.T) {
	missing, flat := bowl(12), bowl(2)
	missing.Values[3][4], missing.Values[0][0] = math.NaN(), math.Inf(1)
	for i := range flat.Values {
		flat.Values[i] = []float64{1, 1}
	}
	nothing := bowl(3)
	nothing.Spots = nil
	for i := range nothing.Values {
		nothing.Values[i] = []float64{math.NaN(), math.NaN(), math.NaN()}
	}
	for i, s := range []Surface{bowl(60), missing, flat, nothing} {
		svg := s.Draw().SVG()
		if svg != s.Draw().SVG() || strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%d: other bytes, or a coordinate that is no number", i)
		}
		if !strings.Contains(svg, "Bowl &amp; &lt;b&gt;") {
			t.Errorf("%d: the title is not escaped", i)
		}
		if len(svg) > 400_000 {
			t.Errorf("%d: %d bytes", i, len(svg))
		}
		var png bytes.Buffer
		if err := s.Draw().PNG(&png); err != nil {
			t.Error(err)
		}
	}
	if svg := bowl(20).Draw().SVG(); !strings.Contains(svg, "init at (0, 0): 2.0000") || !strings.Contains(svg, "least 2.0") {
		t.Error("no values for who hears the picture")
	}
}

func TestSurfaceMisuse(t *testing.T) {
	for name, spoil := range map[string]func(s *Surface){
		"no rise":  func(s *Surface) { s.X[1] = s.X[0] },
		"one":      func(s *Surface) { s.Y = s.Y[:1] },
		"rows":     func(s *Surface) { s.Values = s.Values[1:] },
		"columns":  func(s *Surface) { s.Values[1] = s.Values[1][1:] },
		"infinite": func(s *Surface) { s.X[2] = math.Inf(1) },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.HasPrefix(r.(string), "plot: Surface: ") {
					t.Errorf("%s: %v", name, r)
				}
			}()
			s := bowl(3)
			spoil(&s)
			s.Draw()
		}()
	}
}

// TestLinesAreDrawn with gaps, a bar, marks and nothing at all.
func TestLinesAreDrawn(t *testing.T) {
	full := Lines{Title: "L", XLabel: "x", YLabel: "y", Rise: &Rise{X: 0.5, From: 1, To: 2, Label: "barrier 1"}, Marks: []Mark{{"A", 0}, {"B", 1}, {"out", 9}},
		Series: []Series{{Name: "way", Points: []Point{{0, 1}, {0.5, 2}, {0.75, math.NaN()}, {1, 1}}}, {Name: "chord", Dash: true, Points: []Point{{0, 1}, {1, 1}}}, {Name: "none"}}}
	for _, l := range []Lines{full, {}, {Series: []Series{{Points: []Point{{1, math.Inf(1)}}}}}} {
		svg := l.Draw().SVG()
		if svg != l.Draw().SVG() || strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Error("other bytes, or a coordinate that is no number")
		}
	}
	svg := full.Draw().SVG()
	for _, want := range []string{"barrier 1", "way: x 0.5: 2.0000", "stroke-dasharray", ">A<", "highest 2 at 0.5"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(svg, ">out<") {
		t.Error("a mark beside the plot")
	}
}
