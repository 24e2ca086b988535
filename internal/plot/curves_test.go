package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestCurves(t *testing.T) {
	c := Curves{Title: "Loss", XLabel: "step", YLabel: "nats"}
	for r := range 2 {
		run := Run{Name: fmt.Sprint("run ", r)}
		for s := range 100 {
			run.Train = append(run.Train, Point{float64(s), 3 - 0.02*float64(s)})
		}
		run.Valid = []Point{{50, 2}, {99, 1}}
		c.Runs = append(c.Runs, run)
	}
	for _, log := range []bool{false, true} {
		c.Log = log
		p := c.Draw()
		d := parse(t, p)
		for _, want := range []string{"run 0", "run 1", "step", "nats", "thin: training", "marked: validation", "1", "2", "80"} {
			if !d.has(want) && !d.has(want+".0") {
				t.Errorf("log %v: no text %q in %q", log, want, d.texts)
			}
		}
		long := 0
		for _, points := range d.points {
			if strings.Count(points, " ") == 99 {
				long++
			}
		}
		if long != 2 {
			t.Errorf("log %v: %d lines of 100 points, want 2", log, long)
		}
		// Markers: 2 runs with 2 validation points, and one per run in the legend.
		if got := d.elements["polygon"]; got != 2*2+2 {
			t.Errorf("log %v: %d markers, want 6", log, got)
		}
		rasterise(t, p)
	}
}

func TestCurvesGaps(t *testing.T) {
	run := Run{Name: "r", Train: []Point{{0, 1}, {1, math.NaN()}, {2, 1}, {3, 2}, {4, math.Inf(1)}, {5, -1}, {6, 0}, {7, 2}}}
	count := func(log bool) int { return len(Curves{Log: log}.parts(run.Train)) }
	if count(false) != 3 || count(true) != 3 {
		t.Errorf("%d and %d parts, want 3 and 3", count(false), count(true))
	}
	for _, c := range []Curves{{}, {Log: true}, {Runs: []Run{run}}, {Log: true, Runs: []Run{run}}, {Log: true, Runs: []Run{{Train: []Point{{0, -1}}}}}, {Runs: []Run{{Valid: []Point{{7, 0}}}}}} {
		parse(t, c.Draw()) // no NaN reaches a coordinate
	}
}

func TestThinKeepsExtremes(t *testing.T) {
	points := make([]Point, 50_000)
	for i := range points {
		points[i] = Point{float64(i), math.Sin(float64(i))}
	}
	points[31_007].Y, points[4_242].Y = 9, -9
	got := thin(points)
	if len(got) > 4*buckets || !slices.Contains(got, points[31_007]) || !slices.Contains(got, points[4_242]) || got[0] != points[0] || got[len(got)-1] != points[len(points)-1] {
		t.Errorf("%d points kept; spikes and ends must be among them", len(got))
	}
	for i := 1; i < len(got); i++ {
		if got[i].X <= got[i-1].X {
			t.Fatalf("order lost at %d", i)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(a axis, n int) string {
		var out []string
		for _, tick := range a.ticks(n) {
			out = append(out, tick.label)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		a    axis
		want string
	}{
		{axis{lo: 0, hi: 1}, "0 0.2 0.4 0.6 0.8 1.0"},
		{axis{lo: -1, hi: 1}, "-1.0 -0.5 0 0.5 1.0"},
		{axis{lo: 3, hi: 397}, "100 200 300"},
		{axis{lo: 0.0312, hi: 0.0391}, "0.032 0.034 0.036 0.038"},
		{axis{lo: 0.9, hi: 11, log: true}, "1 1.5 2 3 5 7 10"},
		{axis{lo: 0.9, hi: 150, log: true}, "1 2 5 10 20 50 100"},
		{axis{lo: 1e-5, hi: 1, log: true}, "1e-05 0.0001 0.001 0.01 0.1 1"},
		{axis{lo: 2, hi: 4, log: true}, "2.0 2.5 3.0 3.5 4.0"},
		{axis{lo: 0, hi: 4e7}, "0 1e+07 2e+07 3e+07 4e+07"},
	} {
		if got := labels(c.a, 5); got != c.want {
			t.Errorf("ticks of %+v: %q, want %q", c.a, got, c.want)
		}
	}
	for _, c := range []struct {
		n    int
		px   float64
		want int
	}{{13, 36, 1}, {31, 16, 2}, {81, 6, 5}, {1000, 0.5, 50}, {1, 1, 1}} {
		if got := intervalTicks(c.n, c.px, 20); got != c.want {
			t.Errorf("intervalTicks(%d, %g) = %d, want %d", c.n, c.px, got, c.want)
		}
	}
}
