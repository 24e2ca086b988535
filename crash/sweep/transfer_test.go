package sweep

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/internal/philox"
)

// TestSpearmanIsPearsonOfRanks: ranks with ties by hand, correlations as gonum has Pearson's of
// them, and one that books print.
func TestSpearmanIsPearsonOfRanks(t *testing.T) {
	if got := ranks([]float64{5, 1, 5, 2, 5}); !slices.Equal(got, []float64{4, 1, 4, 2, 4}) {
		t.Errorf("ranks %v", got)
	}
	iq := []float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}
	hours := []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17}
	near(t, "of ten pairs", spearman(iq, hours), -29.0/165)
	for seed := range uint64(20) {
		draws := philox.New(seed, 7).Sequence()
		n := 3 + draws.Intn(30)
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(draws.Intn(9)), float64(draws.Intn(9))
		}
		if want := stat.Correlation(ranks(x), ranks(y), nil); !math.IsNaN(want) {
			near(t, "by gonum", spearman(x, y), want)
			near(t, "whatever the scale", spearman(x, scaled(y)), want)
		}
	}
	if v := spearman([]float64{1, 1, 1}, []float64{1, 2, 3}); !math.IsNaN(v) {
		t.Errorf("of a single value: %v", v)
	}
}

// scaled is another list in the same order.
func scaled(v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = math.Exp(v[i]) - 100
	}
	return out
}

// TestRankInterval: the same bounds at each call, around the correlation, and none of few.
func TestRankInterval(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	y := []float64{2, 1, 4, 3, 7, 5, 6, 8, 12, 9, 10, 11}
	low, high := rankInterval(x, y)
	again, _ := rankInterval(x, y)
	if rho := spearman(x, y); !(low < rho && rho < high && low > 0.5 && high <= 1) || low != again {
		t.Errorf("%v in %v … %v, then %v", rho, low, high, again)
	}
	if low, high := rankInterval(x, x); low < 1-1e-12 || high > 1+1e-12 {
		t.Errorf("of the same order %v … %v", low, high)
	}
	for _, n := range []int{0, 3} {
		if low, _ := rankInterval(x[:n], y[:n]); !math.IsNaN(low) {
			t.Errorf("of %d points: %v", n, low)
		}
	}
	if low, _ := rankInterval(x, make([]float64, 12)); !math.IsNaN(low) {
		t.Errorf("of a single value: %v", low)
	}
}

// measuredRow is a run of a row of which all was measured.
func measuredRow(name string, seed uint64, r, cosine, held float64) study.Row {
	ptr := func(v float64) *float64 { return &v }
	free := true
	return study.Row{Name: name, Seed: seed, PlugIn: ptr(0.5), N: 1, Right: "1", AnswerLoss: ptr(2), Health: &emulate.Health{Emulator: 8 - cosine}, Measures: &study.Measures{
		Cosine: ptr(cosine), Signs: ptr(0.5 + cosine/4), Blocks: []study.BlockMeasures{{Layer: 3, Cosine: ptr(cosine - 0.1)}, {Layer: 0, Cosine: ptr(cosine + 0.2)}},
		PredictedGain: ptr(cosine / 10), SupportGain: ptr(0.01), ExactShare: ptr(held), HeldShare: ptr(held), Skill: ptr(held * held), LossSkill: ptr(held),
		Recovery: &study.Recovery{Value: r, Stderr: ptr(0.1)}, LossRecovery: &study.Recovery{Value: r / 2}, TrainingFree: &free,
	}}
}

// transferTable is of one model under two names, two tasks, two seeds.
func transferTable(t *testing.T) Table {
	t.Helper()
	s := &Study{Tasks: []Task{{Name: "a"}, {Name: "b"}}}
	var err error
	if s.recipes, err = study.Select(study.Recipes, []string{"zs", "ceiling", "uniform", "crash", "uniform@3", "crash@3"}, plan.Parse); err != nil {
		t.Fatal(err)
	}
	var out Table
	for m := range 2 {
		all := make([]tested, 2)
		for i := range all {
			for k, r := range s.recipes[1:] {
				for _, seed := range []uint64{1, 2} {
					c := float64(k) + float64(10*m) + float64(seed)/10 + float64(i)/100
					all[i].Rows = append(all[i].Rows, measuredRow(r.Name, seed, c, c/20, 0.9-float64(k)/10))
				}
			}
		}
		table := ModelTable{ModelFacts: ModelFacts{Name: []string{"spread", "last"}[m], Fingerprint: "same"}, Tasks: []TaskFacts{{Task: "a"}, {Task: "b"}}}
		table.Transfer = s.transfer(all)
		out.Models = append(out.Models, table)
	}
	out.correlate()
	return out
}

// TestTransfer: the numbers of runs come together with both errors, and what goes with recovery
// is told over all emulators and on each task.
func TestTransfer(t *testing.T) {
	table := transferTable(t)
	m := table.Models[0]
	if n := len(m.Transfer); n != 2*5 {
		t.Fatalf("%d lines", n)
	}
	l := m.Transfer[1]
	r := l.Measures[Recovery]
	if l.Task != "a" || l.Row != "uniform" || !l.Emulates || m.Transfer[0].Emulates || l.TrainingFree == nil {
		t.Errorf("%+v", l)
	}
	near(t, "recovery", *r.Value, 1.15)
	near(t, "over documents", *r.Documents, 0.1)
	near(t, "over seeds", *r.Seeds, 0.05)
	if l.Measures[LossRecovery].Documents != nil {
		t.Error("an error over documents that no run knows")
	}
	near(t, "cosine of a block", l.Blocks[0].Cosine, 1.15/20+0.2)
	near(t, "mean of the blocks", *l.Measures["block_cosine"].Value, 1.15/20+0.05)

	emulators := table.Emulators()
	if len(emulators) != 1 || len(emulators[0]) != 8 {
		t.Fatalf("%+v", emulators)
	}
	over := emulators[0][0].Measures[Recovery]
	near(t, "mean of the tasks", *over.Value, 1.155)
	near(t, "its error", *over.Documents, 0.1/math.Sqrt2)
	if len(table.Correlations) != 3*2*8 {
		t.Fatalf("%d correlations", len(table.Correlations))
	}
	for _, c := range table.Correlations {
		if c.N != 8 || c.Rho == nil || c.Low == nil || strings.Join(c.Models, " ") != "spread last" {
			t.Fatalf("%+v", c)
		}
		switch c.With {
		case "cosine", "block_cosine", "sign_agreement", "predicted_gain":
			near(t, c.With, *c.Rho, 1)
		case "emulator_loss":
			near(t, c.With, *c.Rho, -1)
		}
	}
	said := ""
	for _, s := range append(m.TransferSheets(), table.CorrelationSheets()...) {
		said += s.Caption + "\n" + s.report().Text()
	}
	for _, want := range []string{"spread: what transfers", "1.15 ±0.10 ±0.05", "0:0.26, 3:-0.04", "what the emulators give away", "80.0%", "yes", "mean  uniform", "1.16 ±0.07 ±0.04",
		"Transfer, spread, last: what goes with recovery", "+1.00", "8 (few)"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is missing in\n%s", want, said)
		}
	}
	if notes := table.CorrelationNotes(); len(notes) != 1 || !strings.Contains(notes[0], "fewer than 10 emulators (here 8)") {
		t.Errorf("%q", notes)
	}
	if err := table.Models[0].validate(); err == nil { // has no rows
		t.Error("validated")
	}
	few := Table{Models: slices.Clone(table.Models)}
	for i := range few.Models { // of the two emulators of one model's ends
		few.Models[i].Transfer = slices.DeleteFunc(slices.Clone(few.Models[i].Transfer), func(l TransferLine) bool { return l.Emulates && l.Row != "crash" })
	}
	if few.correlate(); len(few.Correlations) != 0 {
		t.Errorf("%d correlations of two emulators", len(few.Correlations))
	}
	two := 2.0
	wrong := Table{Models: table.Models, Correlations: []Correlation{{Rho: &two}}}
	for i := range wrong.Models {
		wrong.Models[i].Rows = []TableRow{{Row: "r", Lines: []TableLine{{Tasks: make([]Estimate, 2)}}}}
	}
	if err := wrong.Validate(); err == nil || !strings.Contains(err.Error(), "correlations, 1: 2: want -1 to 1") {
		t.Error(err)
	}
}

// TestLinesWithoutNumbers: of a study of plug-ins alone the table has no empty lines.
func TestLinesWithoutNumbers(t *testing.T) {
	value := 0.5
	m := ModelTable{Tasks: []TaskFacts{{Task: "a"}}, Rows: []TableRow{{Row: "uniform", Lines: []TableLine{
		{Of: "emulator_zs", Tasks: make([]Estimate, 1)}, {Of: "plug_in", Tasks: []Estimate{{Value: &value, Best: true}}},
	}}}}
	if s := m.Sheet(); len(s.Rows) != 1 || s.Rows[0][1] != "plug-in" || len(s.Best) != 1 || s.Best[0] != [2]int{0, 2} {
		t.Errorf("%+v", s)
	}
}
