package sweep

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lamina/crash/study"
)

// Table is the result of a study. Accuracies are shares, published numbers are in %, as
// printed.
type Table struct {
	Study           string       `json:"study"`
	Note            string       `json:"note,omitempty"`
	Format          int          `json:"format"`
	File            string       `json:"file_sha256"` // of the study file
	Device          string       `json:"device"`
	Precision       string       `json:"precision"`
	Settings        []Setting    `json:"settings"`
	PublishedSource string       `json:"published_source,omitempty"`
	Models          []ModelTable `json:"models"`
	// Correlations say what goes with recovery over the emulators of the table.
	Correlations []Correlation `json:"correlations,omitempty"`
	Cells        []CellFacts   `json:"cells"`
}

// Setting is a line of what the study file says.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CellFacts are a cell, whether the table has its rows, and why not.
type CellFacts struct {
	Cell
	Kept     bool   `json:"kept"`
	Diverged string `json:"diverged,omitempty"`
}

// ModelTable is the paper's table for a model.
type ModelTable struct {
	ModelFacts
	Tasks []TaskFacts `json:"tasks"`
	Rows  []TableRow  `json:"rows"`
	// Comparisons are, for each task, the best row against each other one; Baselines every
	// emulator against each baseline. P-values are corrected after Holm over all tasks: of
	// all comparisons, and of all with one baseline.
	Comparisons []TaskComparison `json:"comparisons"`
	Baselines   []TaskComparison `json:"baselines,omitempty"`
	Transfer    []TransferLine   `json:"transfer,omitempty"`
	Moments     []MomentLine     `json:"moments,omitempty"`      // where the study asks for some
	PublishedAs string           `json:"published_as,omitempty"` // the model of [Published] that stands beside
	Notes       []string         `json:"notes,omitempty"`
}

// TaskFacts are a column.
type TaskFacts struct {
	Task   string       `json:"task"`
	Chance float64      `json:"chance"`
	Splits study.Counts `json:"splits"`
}

// TableRow is a row over all tasks.
type TableRow struct {
	Row       string        `json:"row"`
	Help      string        `json:"help"`
	Emulates  bool          `json:"emulates"`
	HeldShare *float64      `json:"held_share"` // weights of the emulator, of the full model's; null where it hands out none
	Lines     []TableLine   `json:"lines"`
	Plans     []PlannedCell `json:"plans,omitempty"`
}

// TableLine is one of the numbers of a row: on each task in the order of the columns, and
// their mean.
type TableLine struct {
	Of    string     `json:"of"` // emulator_zs, emulator_ft or plug_in
	Tasks []Estimate `json:"tasks"`
	Mean  Estimate   `json:"mean"`
}

// PlannedCell is what a row was on a task at a seed.
type PlannedCell struct {
	Task     string    `json:"task"`
	Row      string    `json:"row"`
	Seed     uint64    `json:"seed"`
	Plan     string    `json:"plan"`
	Rate     float64   `json:"rate,omitempty"`
	Diverged []float64 `json:"diverged_rates,omitempty"`
}

// Estimate is an accuracy. Value is the mean of runs (seeds and draws); null where there is
// none.
type Estimate struct {
	Value *float64 `json:"value"`
	// Documents is the standard error over scored documents, of the mean that each document
	// has over the runs: with n documents of mean right p_i, sqrt(Σ(p_i-p)²/(n-1)/n). Where a
	// run does not say which documents it has right, as emulators do not, it is that of one
	// run, sqrt(p(1-p)/(n-1)), which is no less. Of a mean over k tasks, whose documents are
	// independent, it is sqrt(Σe²)/k.
	Documents float64  `json:"stderr_documents"`
	Seeds     *float64 `json:"stderr_seeds"` // over the means of the seeds; null for one seed
	Runs      int      `json:"runs"`
	Best      bool     `json:"best,omitempty"`      // of its column, among what emulators give; of all where none is handed out
	Published *float64 `json:"published,omitempty"` // what the paper prints there, in %; no number is made of it
}

// TaskComparison is a comparison on a task, see [study.Comparison].
type TaskComparison struct {
	Task string `json:"task"`
	study.Comparison
}

// lineNames are what a row has, with how to get it.
var lineNames = []struct {
	of    string
	shown string
	value func(study.Row) *float64
}{
	{"emulator_zs", "emulator zero-shot", func(r study.Row) *float64 { return r.EmulatorZS }},
	{"emulator_ft", "emulator tuned", func(r study.Row) *float64 { return r.EmulatorFT }},
	{"plug_in", "plug-in", func(r study.Row) *float64 { return r.PlugIn }},
}

// plugIn is the line that rows are ranked by.
const plugIn = "plug_in"

// merged is a model's table with the keys of the cells that it holds.
type merged struct {
	table ModelTable
	kept  map[string]bool
}

// model makes the table of a model.
func (s *Study) model(m int, p *planned, results map[string]Result) merged {
	out := merged{ModelTable{ModelFacts: p.Models[m], PublishedAs: s.Models[m].Published}, map[string]bool{}}
	t := &out.table
	all := make([]tested, len(s.Tasks))
	for i, given := range s.Tasks {
		all[i] = s.tested(p.Cells, m, i, results)
		for key := range all[i].kept {
			out.kept[key] = true
		}
		t.Tasks = append(t.Tasks, TaskFacts{given.Name, all[i].Chance, all[i].Splits})
		for _, c := range all[i].Comparisons {
			t.Comparisons = append(t.Comparisons, TaskComparison{given.Name, c})
		}
		for _, c := range all[i].Baselines {
			t.Baselines = append(t.Baselines, TaskComparison{given.Name, c})
		}
		for _, note := range all[i].Notes {
			t.Notes = append(t.Notes, given.Name+": "+note)
		}
		for _, row := range all[i].missing {
			t.Notes = append(t.Notes, fmt.Sprintf("%s: every rate of %s diverged", given.Name, row))
		}
	}
	correct(t.Comparisons, func(TaskComparison) string { return "" })
	correct(t.Baselines, func(c TaskComparison) string { return c.Against })
	for _, recipe := range s.recipes {
		t.Rows = append(t.Rows, s.row(t, recipe, all, s.Models[m]))
	}
	markBest(t.Rows, len(s.Tasks))
	t.Transfer, t.Moments = s.transfer(all), s.moments(all)
	return out
}

// row makes a row of the table.
func (s *Study) row(t *ModelTable, recipe study.Recipe, all []tested, m Model) TableRow {
	out := TableRow{Row: recipe.Name, Help: recipe.Help, Emulates: recipe.Emulates()}
	of := make([][]study.Row, len(all))
	for i := range all {
		for _, r := range all[i].Rows {
			if !slices.Contains(recipe.RowNames(), r.Name) {
				continue
			}
			of[i] = append(of[i], r)
			if len(r.Plan.Trainable()) > 0 {
				out.Plans = append(out.Plans, PlannedCell{s.Tasks[i].Name, r.Name, r.Seed, r.Plan.String(), r.LR, r.Diverged})
			}
			if out.Emulates {
				share := float64(r.HeldParams) / float64(t.Params)
				out.HeldShare = &share
			}
		}
	}
	for _, l := range lineNames {
		if l.of != plugIn && !out.Emulates {
			continue
		}
		line := TableLine{Of: l.of}
		for i, rows := range of {
			e := estimate(rows, l.value)
			e.Published = published().model(t.PublishedAs).value(recipe.Name, l.of, cmp.Or(s.tasks[i].prompt.Name(), s.Tasks[i].Name))
			line.Tasks = append(line.Tasks, e)
		}
		line.Mean = mean(line.Tasks, of, l.value)
		out.Lines = append(out.Lines, line)
	}
	return out
}

// estimate is a number of the runs of a row on a task.
func estimate(rows []study.Row, value func(study.Row) *float64) Estimate {
	e := Estimate{}
	sum := 0.0
	for _, r := range rows {
		if v := value(r); v != nil {
			sum += *v
			e.Runs++
		}
	}
	if e.Runs == 0 || e.Runs != len(rows) {
		return Estimate{}
	}
	average := sum / float64(e.Runs)
	e.Value = &average
	e.Documents = overDocuments(rows, average, value)
	e.Seeds = study.StdErr(perSeed(rows, value))
	return e
}

// overDocuments is the standard error of a mean over documents.
func overDocuments(rows []study.Row, average float64, value func(study.Row) *float64) float64 {
	n := rows[0].N
	says := !slices.ContainsFunc(rows, func(r study.Row) bool { return len(r.Right) != n || value(r) != r.PlugIn })
	switch {
	case n < 2:
		return 0
	case !says && value(rows[0]) == rows[0].PlugIn:
		return slices.MaxFunc(rows, func(a, b study.Row) int { return cmp.Compare(a.Stderr, b.Stderr) }).Stderr
	case !says:
		return math.Sqrt(average * (1 - average) / float64(n-1))
	}
	squares := 0.0
	for i := range n {
		right := 0.0
		for _, r := range rows {
			right += float64(r.Right[i] - '0')
		}
		d := right/float64(len(rows)) - average
		squares += d * d
	}
	return math.Sqrt(squares / float64(n-1) / float64(n))
}

// perSeed are the means of the seeds, in their order.
func perSeed(rows []study.Row, value func(study.Row) *float64) (means []float64) {
	var seeds []uint64
	for _, r := range rows {
		if !slices.Contains(seeds, r.Seed) {
			seeds = append(seeds, r.Seed)
		}
	}
	for _, seed := range seeds {
		sum, n := 0.0, 0
		for _, r := range rows {
			if r.Seed == seed {
				sum += *value(r)
				n++
			}
		}
		means = append(means, sum/float64(n))
	}
	return means
}

// mean is that of a line over its tasks, null where one is missing.
func mean(tasks []Estimate, of [][]study.Row, value func(study.Row) *float64) Estimate {
	out, sum, squares, published := Estimate{Runs: tasks[0].Runs}, 0.0, 0.0, 0.0
	var seeds [][]float64
	for i, e := range tasks {
		if e.Value == nil {
			return Estimate{}
		}
		sum += *e.Value
		squares += e.Documents * e.Documents
		seeds = append(seeds, perSeed(of[i], value))
		if e.Published == nil {
			published = math.NaN()
		} else {
			published += *e.Published
		}
	}
	k := float64(len(tasks))
	average := sum / k
	out.Value, out.Documents = &average, math.Sqrt(squares)/k
	if published /= k; !math.IsNaN(published) {
		out.Published = &published
	}
	means := make([]float64, len(seeds[0]))
	for _, of := range seeds {
		if len(of) != len(means) {
			return out
		}
		for i, v := range of {
			means[i] += v / k
		}
	}
	out.Seeds = study.StdErr(means)
	return out
}

// markBest marks the best plug-in of each column and of the means.
func markBest(rows []TableRow, tasks int) {
	handed := slices.ContainsFunc(rows, func(r TableRow) bool { return r.Emulates })
	for column := range tasks + 1 {
		var best float64
		var at []*Estimate
		for i := range rows {
			if handed && !rows[i].Emulates {
				continue
			}
			line := &rows[i].Lines[len(rows[i].Lines)-1]
			e := &line.Mean
			if column < tasks {
				e = &line.Tasks[column]
			}
			switch {
			case e.Value == nil:
			case at == nil || *e.Value > best:
				best, at = *e.Value, []*Estimate{e}
			case *e.Value == best:
				at = append(at, e)
			}
		}
		for _, e := range at {
			e.Best = true
		}
	}
}

// correct corrects the p-values of comparisons that belong together.
func correct(all []TaskComparison, together func(TaskComparison) string) {
	families := map[string][]int{}
	for i, c := range all {
		families[together(c)] = append(families[together(c)], i)
	}
	for _, places := range families {
		p := make([]float64, len(places))
		var losses []float64
		var of []int
		for k, i := range places {
			p[k] = all[i].P
			if all[i].Loss != nil {
				losses, of = append(losses, all[i].Loss.P), append(of, i)
			}
		}
		for k, v := range study.Holm(p) {
			all[places[k]].PHolm = v
		}
		for k, v := range study.Holm(losses) {
			all[of[k]].Loss.PHolm = v
		}
	}
}
