package sweep

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/plan"
	"lamina/crash/study"
)

// near holds a number against scipy's, both in float64.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// scipySays is testdata/errors.json.
type scipySays struct {
	Estimates []struct {
		Right     []string `json:"right"`
		Seeds     []uint64 `json:"seeds"`
		Value     float64  `json:"value"`
		Documents float64  `json:"documents"`
		OverSeeds float64  `json:"over_seeds"`
	} `json:"estimates"`
	Rows  map[string]string `json:"rows"`
	Pairs []struct {
		Row        string  `json:"row"`
		Against    string  `json:"against"`
		Won        int     `json:"won"`
		Lost       int     `json:"lost"`
		Difference float64 `json:"difference"`
		Stderr     float64 `json:"stderr"`
		P          float64 `json:"p"`
		PHolm      float64 `json:"p_holm"`
	} `json:"pairs"`
	P    []float64 `json:"p"`
	Holm []float64 `json:"holm"`
}

func scipy(t *testing.T) (s scipySays) {
	t.Helper()
	data, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// rowOf is a row with so many documents right.
func rowOf(name, right string, seed uint64) study.Row {
	share := float64(strings.Count(right, "1")) / float64(len(right))
	n := float64(len(right))
	return study.Row{Name: name, Seed: seed, Right: right, N: len(right), PlugIn: &share, Stderr: math.Sqrt(share * (1 - share) / (n - 1))}
}

// TestErrorsAreScipys: means and both errors of rows of several seeds and draws.
func TestErrorsAreScipys(t *testing.T) {
	for _, c := range scipy(t).Estimates {
		var rows []study.Row
		for i, right := range c.Right {
			rows = append(rows, rowOf("random", right, c.Seeds[i]))
		}
		e := estimate(rows, func(r study.Row) *float64 { return r.PlugIn })
		near(t, "mean", *e.Value, c.Value)
		near(t, "over documents", e.Documents, c.Documents)
		near(t, "over seeds", *e.Seeds, c.OverSeeds)
		one := estimate(rows[:1], func(r study.Row) *float64 { return r.PlugIn })
		near(t, "one run", one.Documents, rows[0].Stderr)
		if one.Seeds != nil || one.Runs != 1 || e.Runs != len(rows) {
			t.Errorf("%+v", one)
		}
		several := []Estimate{e, e, e, e}
		m := mean(several, [][]study.Row{rows, rows, rows, rows}, func(r study.Row) *float64 { return r.PlugIn })
		near(t, "mean of the same task four times", *m.Value, c.Value)
		near(t, "its error over documents, as if they were others", m.Documents, c.Documents/2)
		near(t, "its error over seeds", *m.Seeds, c.OverSeeds)
	}
}

// TestComparisonsAreScipys: McNemar's test, errors of differences and Holm's correction.
func TestComparisonsAreScipys(t *testing.T) {
	s := scipy(t)
	recipes, err := study.Select(study.Recipes, []string{"zs", "uniform", "crash", "mine=0* 1"}, plan.Parse)
	if err != nil {
		t.Fatal(err)
	}
	var table study.Table
	for _, r := range recipes {
		table.Rows = append(table.Rows, rowOf(r.Name, s.Rows[r.Name], 1))
	}
	table.Relate(recipes)
	if len(table.Comparisons) != len(s.Pairs) {
		t.Fatalf("%d comparisons, want %d", len(table.Comparisons), len(s.Pairs))
	}
	for i, want := range s.Pairs {
		got := table.Comparisons[i]
		if got.Row != want.Row || got.Against != want.Against || got.Won != want.Won || got.Lost != want.Lost || !got.Paired {
			t.Errorf("%+v, want %+v", got, want)
		}
		near(t, "difference", got.Difference, want.Difference)
		near(t, "its error", got.Stderr, want.Stderr)
		near(t, "McNemar", got.P, want.P)
		near(t, "Holm", got.PHolm, want.PHolm)
	}
	for i, p := range study.Holm(s.P) {
		near(t, "Holm of nine", p, s.Holm[i])
	}
	// Over two tasks that are the same there are twice as many.
	var all []TaskComparison
	for _, task := range []string{"a", "b"} {
		for _, c := range table.Comparisons {
			all = append(all, TaskComparison{task, c})
		}
	}
	correct(all, func(TaskComparison) string { return "" })
	smallest := 0
	for i, c := range all {
		if c.P < all[smallest].P {
			smallest = i
		}
	}
	near(t, "Holm over tasks", all[smallest].PHolm, min(1, float64(len(all))*all[smallest].P))
}

// TestPublishedStandsBeside: what the paper prints is found by row, number and task, and the
// best cell of a column is one of ours that an emulator gave.
func TestPublishedStandsBeside(t *testing.T) {
	p := Published()
	if len(p.Tables) != 1 || p.Source == "" {
		t.Fatalf("%+v", p)
	}
	table := p.model("opt-1.3b")
	means := map[string]float64{"Full ZS": 42.51, "Full FT": 49.88, "KD plug-in (OFT)": 49.00, "Uniform plug-in": 46.46, "Uniform learnable plug-in": 46.65, "CRaSh plug-in": 48.35, "no sharing, plug-in": 46.19}
	for _, r := range table.Rows {
		if len(r.Values) != len(table.Tasks) {
			t.Errorf("%s: %d values", r.Setting, len(r.Values))
		}
		sum := 0.0
		for _, v := range r.Values {
			sum += v / float64(len(r.Values))
		}
		if want, known := means[r.Setting]; known && math.Abs(sum-want) > 0.006 {
			t.Errorf("%s: mean %.3f, want %.2f", r.Setting, sum, want)
		}
	}
	if v := table.value("share-all", "plug_in", "openbookqa"); v == nil || *v != 30.2 {
		t.Errorf("%v", v)
	}
	if v := table.value("share-all", "plug_in", "copa"); v != nil {
		t.Errorf("%v", *v)
	}
	share := func(v float64) Estimate { return Estimate{Value: &v} }
	rows := []TableRow{
		{Row: "full", Lines: []TableLine{{Of: plugIn, Tasks: []Estimate{share(0.9)}, Mean: share(0.9)}}},
		{Row: "a", Emulates: true, Lines: []TableLine{{Of: "emulator_ft", Tasks: []Estimate{share(1)}, Mean: share(1)}, {Of: plugIn, Tasks: []Estimate{share(0.5)}, Mean: share(0.5)}}},
		{Row: "b", Emulates: true, Lines: []TableLine{{Of: plugIn, Tasks: []Estimate{share(0.6)}, Mean: share(0.6)}}},
	}
	markBest(rows, 1)
	m := ModelTable{ModelFacts: ModelFacts{Name: "m"}, Tasks: []TaskFacts{{Task: "openbookqa"}}, Rows: rows, PublishedAs: "opt-1.3b"}
	printed := 31.4
	rows[0].Lines[0].Tasks[0].Published = &printed
	s := m.Sheet()
	if len(s.Best) != 1 || s.Rows[s.Best[0][0]][0] != "b" {
		t.Errorf("best %v of %q", s.Best, s.Rows)
	}
	if text := (&Table{Models: []ModelTable{m}}).Text(); !strings.Contains(text, "60.0 ±0.0*") || strings.Count(text, "*") != 2 || s.Rows[s.Best[0][0]][2] != "60.0 ±0.0" {
		t.Error(text)
	}
	if s.Rows[1][1] != "published: Full FT" || s.Rows[1][2] != "31.4" {
		t.Errorf("%q", s.Rows)
	}
}

// TestRateOfTheLowestLoss: as one run chooses, the first of several; what diverged is named.
func TestRateOfTheLowestLoss(t *testing.T) {
	loss := func(v float64) Result { return Result{Rows: []study.Row{{ValidLoss: v}}} }
	cells := []Cell{{Rate: 1, Seed: 7, Key: "a"}, {Rate: 2, Seed: 7, Key: "b"}, {Rate: 3, Seed: 7, Key: "c"}, {Rate: 4, Seed: 7, Key: "d"}, {Rate: 5, Seed: 8, Key: "e"}}
	results := map[string]Result{"a": loss(2), "b": loss(1), "c": loss(1), "d": {Diverged: "step 3"}, "e": loss(0.5)}
	row, key, ok := chosen(cells, 0, 7, false, results)
	if !ok || key != "b" || len(row.Diverged) != 1 || row.Diverged[0] != 4 {
		t.Errorf("%s %v %v", key, row.Diverged, ok)
	}
	if _, _, ok := chosen(cells[3:4], 0, 7, false, results); ok {
		t.Error("a row of rates that all diverged")
	}
}

// recipesDir holds the studies that are delivered.
const recipesDir = "../../recipes"

// TestRecipes: each is read, its index sets are plans of its model, and a check without any
// file says what it takes and what is missing.
func TestRecipes(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recipesDir, "*.yaml"))
	if err != nil || len(paths) < 4 {
		t.Fatal(paths, err)
	}
	emulators, err := filepath.Abs("../../bench/results/transfer/emulators") // their descriptions
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAMINA_EMULATORS", emulators)
	blocks := map[string]int{"opt-1.3b": 24, "opt-6.7b": 32, "llama-7b": 32}
	nowhere := func(name string) (string, error) { return "", os.ErrNotExist }
	for _, path := range paths {
		s, err := Read(path, study.Recipes)
		if err != nil {
			t.Error(err)
			continue
		}
		found, err := s.Check(t.Context(), Place{Model: nowhere, Data: nowhere, Available: 1 << 30})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(found.Missing) < 1+len(s.Tasks) || found.Cells != len(s.List()) || found.Fault() == nil {
			t.Errorf("%s: %+v", path, found)
		}
		for _, m := range s.Models {
			for task, text := range m.Plans {
				if p, err := plan.Parse(text); err != nil || p.Validate(blocks[m.Name[:0]+s.Name]) != nil || p.Kept()[0] != 0 || !p[0].Trainable || !p[len(p)-1].Trainable {
					t.Errorf("%s: %s: %v", path, task, err)
				}
			}
			if m.Config != "" && (len(found.Rows) != len(s.Rows) || found.Rows[1].Bytes < found.Rows[0].Bytes) {
				t.Errorf("%s: rows %+v", path, found.Rows)
			}
		}
		if !strings.Contains(found.Text(), "missing: model ") {
			t.Error(found.Text())
		}
	}
}
