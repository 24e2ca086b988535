package repair_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/crash/repair"
)

func TestBadRowsAreNamedAndNotAdded(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	good := []float32{1, 2, 3, 4}
	for _, c := range []struct {
		name    string
		x, y    []float32
		weights []float64
		want    string
	}{
		{"NaN enters", []float32{1, 2, 3, nan}, good, nil, "row 1, channel 1 entering the gap is NaN"},
		{"infinity leaves", good, []float32{inf, 2, 3, 4}, nil, "row 0, channel 0 leaving the gap is -Inf"},
		{"NaN of weight 0", []float32{nan, 2, 3, 4}, good, []float64{0, 1}, "row 0, channel 0 entering the gap is NaN"},
		{"negative weight", good, good, []float64{1, -1}, "weight of row 1 is -1"},
		{"weight NaN", good, good, []float64{math.NaN(), 1}, "weight of row 0 is NaN"},
		{"weight infinite", good, good, []float64{math.Inf(1), 1}, "weight of row 0 is +Inf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, fold, damped := repair.NewMoments(2), repair.NewFoldMoments(2), repair.NewDampedMoments(2)
			refused(t, m.Add(c.x, c.y, c.weights), c.want)
			refused(t, fold.Add(good, c.x, c.y, c.weights), c.want)
			refused(t, damped.Add(good, c.x, c.y, c.weights), c.want)
			if m.Rows() != 0 || fold.Rows() != 0 {
				t.Errorf("%d and %d rows were added", m.Rows(), fold.Rows())
			}
		})
	}
	refused(t, repair.NewFoldMoments(2).Add([]float32{nan, 0, 0, 0}, good, good, nil), "row 0, channel 0 of the MLP's output is NaN")
	refused(t, repair.NewDampedMoments(2).Add([]float32{0, inf, 0, 0}, good, good, nil), "row 0, channel 1 of what the block adds is -Inf")
	_, err := repair.InverseSquareRMS([]float32{1, 1, 0, 0}, 2)
	refused(t, err, "row 1 is zero and has no rms: weigh rows alike, or leave it out")
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want … %s …", err, want)
	}
}

func TestStatisticsThatDecideNothingAreRefused(t *testing.T) {
	once := newGap(t, 4, 3, "plain", 1)
	// Eight rows, but two directions: more rows than channels, and singular.
	double := newGap(t, 4, 2, "plain", 1)
	double.x, double.y, double.mlp = slices.Repeat(double.x, 4), slices.Repeat(double.y, 4), slices.Repeat(double.mlp, 4)
	double.branch = slices.Repeat(double.branch, 4)
	double.add(t, 8)
	rich := newGap(t, 4, 40, "plain", 1)
	for _, c := range []struct {
		name  string
		gap   *gap
		ridge float64
		want  string
	}{
		{"too few rows", once, 1e-6, "3 rows for width 4 at ridge 1e-06: give more text, at least 4 tokens, or a ridge of 0.001 or more"},
		{"singular", double, 0, "the sums of 8 rows of width 4 are singular at ridge 0"},
		{"a ridge that helps nothing", double, 1e-15, "give more text or a larger ridge"},
		{"negative ridge", rich, -1, "ridge -1: want a finite number, 0 or more"},
		{"ridge NaN", rich, math.NaN(), "ridge NaN"},
		{"infinite ridge", rich, math.Inf(1), "ridge +Inf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := repair.Ghost(c.gap.moments, c.ridge)
			refused(t, err, c.want)
			_, err = repair.ReplaceMe(c.gap.folding, c.ridge)
			refused(t, err, c.want)
		})
	}
	for _, g := range []*gap{once, double} { // the good twins: the remedies named
		if _, err := repair.Ghost(g.moments, repair.FewRowsRidge); err != nil {
			t.Error(err)
		}
	}
}

func TestGapsWithoutARepairAreRefused(t *testing.T) {
	zero, one := make([]float32, 8), []float32{1, 2, 3, 4, 5, 6, 7, 9}
	for _, c := range []struct {
		name string
		x, y []float32
		want string
	}{
		{"no rows", nil, nil, "no rows of width 2: give some text"},
		{"no gap", one, one, "there is nothing to repair"},
		{"nothing enters", zero, one, "are zero: remove the blocks instead"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, damped := repair.NewMoments(2), repair.NewDampedMoments(2)
			if err := m.Add(c.x, c.y, nil); err != nil {
				t.Fatal(err)
			}
			if err := damped.Add(c.x, c.x, c.y, nil); err != nil {
				t.Fatal(err)
			}
			_, err := repair.Ghost(m, 1)
			refused(t, err, c.want)
			_, err = repair.LinearPatch(m)
			refused(t, err, c.want)
			_, err = repair.PruneComp(m)
			refused(t, err, c.want)
			if _, err = repair.Damped(damped); err == nil {
				t.Error("Damped accepts it")
			}
		})
	}
	m := repair.NewMoments(2)
	if err := m.Add([]float32{1, 0, 2, 0}, []float32{1, 1, 1, 1}, nil); err != nil {
		t.Fatal(err)
	}
	_, err := repair.LinearPatch(m)
	refused(t, err, "channel 1 of 2 is zero in all 2 rows")
	_, err = repair.HadamardPatch(newGap(t, 5, 20, "plain", 1).moments)
	refused(t, err, "width 5 is odd")
}

func TestMisusePanics(t *testing.T) {
	for name, misuse := range map[string]func(){
		"no width":      func() { repair.NewMoments(0) },
		"half a row":    func() { repair.NewMoments(2).Add(make([]float32, 3), make([]float32, 3), nil) },
		"unlike rows":   func() { repair.NewMoments(2).Add(make([]float32, 4), make([]float32, 2), nil) },
		"weights":       func() { repair.NewMoments(2).Add(make([]float32, 4), make([]float32, 4), []float64{1}) },
		"wrong weights": func() { repair.Fold{A: make([]float64, 4)}.Down(make([]float32, 9), 3) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "repair: ") {
					t.Errorf("%s: %s", name, text)
				}
			}()
			misuse()
		}()
	}
}
