package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lamina/crash/crashtest"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// studyFile writes a small study and its data, token ids, and returns its path. More is put
// behind what every study here has.
func studyFile(t *testing.T, name, rows, more string) string {
	t.Helper()
	dir := t.TempDir()
	all := crashtest.Pairs(34)
	for file, pairs := range map[string][]task.Pair{"train.jsonl": all[:22], "valid.jsonl": all[22:26], "test.jsonl": all[26:]} {
		var text strings.Builder
		for _, p := range pairs {
			line, _ := json.Marshal(map[string]any{"context_ids": p.Context, "target_ids": p.Target})
			fmt.Fprintf(&text, "%s\n", line)
		}
		put(t, filepath.Join(dir, file), text.String())
	}
	models, err := filepath.Abs(crashtest.Models)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".yaml")
	put(t, path, fmt.Sprintf(`study: %s
models:
  - {name: small, path: %s/opt-prenorm}
tasks:
  - {name: ids, prompt: none, train: train.jsonl, valid: valid.jsonl, test: test.jsonl}
rows: [%s]
keep: 2
trainable: 1
pool: mean
rates: [1e-3, 1e-2]
training: {steps: 2, batch: 4}
%s`, name, models, rows, more))
	return path
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// worker is one of a study on the reference backend, with a host's name of its own.
func worker(t *testing.T, file, cells, out, host string) *Worker {
	t.Helper()
	s, err := Read(file, study.Recipes)
	if err != nil {
		t.Fatal(err)
	}
	return &Worker{Study: s, Cells: Cells{cells}, Out: out, Precision: "f32", Host: host, Lease: time.Hour, Pause: time.Millisecond,
		Open: func(path string) (*Opened, error) {
			c, err := transformer.Open(path)
			if err != nil {
				return nil, err
			}
			m := &eval.Model{Checkpoint: c, Backend: ref.New()}
			m.Decoder, err = c.Decoder(m.Backend)
			return &Opened{Model: m, Close: func() { c.Close() }}, err
		}}
}

// computed runs a worker to its end and returns the cells that it computed.
func computed(t *testing.T, ctx context.Context, w *Worker) (cells []string) {
	t.Helper()
	w.Done = func(c Cell, _, _ int, _ study.Row) { cells = append(cells, c.String()) }
	if err := w.Plan(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(ctx); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return cells
}

// table is what a study came to, in all its forms.
func table(t *testing.T, w *Worker) string {
	t.Helper()
	merged, err := w.Merge()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	return merged.Text() + merged.Markdown() + merged.CSV() + string(data)
}

// TestCellsAreOneRun: the rows of a study, put together of cells, are those of one
// experiment of the same rates and seeds, to the bit.
func TestCellsAreOneRun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains many cells: many seconds under the race detector, and one goroutine")
	}
	const rows = "zs, uniform, crash"
	w := worker(t, studyFile(t, "one", rows, "seeds: [1, 2]"), t.TempDir(), t.TempDir(), "a")
	if n := len(computed(t, context.Background(), w)); n != 1+2*2*2 {
		t.Fatalf("%d cells", n)
	}
	results := map[string]Result{}
	for _, c := range w.planned.Cells {
		r, err := w.Cells.Get(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		results[c.Key] = r
	}
	got := w.Study.tested(w.planned.Cells, 0, 0, results)

	o, err := w.opened(0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	x, err := w.Study.experiment(w.planned.Cells[len(w.planned.Cells)-1], o, "f32")
	if err != nil {
		t.Fatal(err)
	}
	x.Dir, x.Seeds, x.Protocol.LRs, x.Protocol.Rows = t.TempDir(), w.Study.Seeds, w.Study.Rates, w.Study.recipes
	if err := x.Open(false); err != nil {
		t.Fatal(err)
	}
	if err := x.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	ordered := map[string]study.Row{}
	for _, r := range x.Table.Rows {
		ordered[fmt.Sprint(r.Name, r.Seed)] = numbersOf(r)
	}
	if len(got.Rows) != len(x.Table.Rows) {
		t.Fatalf("%d rows, want %d", len(got.Rows), len(x.Table.Rows))
	}
	for _, r := range got.Rows {
		a, _ := json.Marshal(r)
		b, _ := json.Marshal(ordered[fmt.Sprint(r.Name, r.Seed)])
		if string(a) != string(b) {
			t.Errorf("%s seed %d:\n%s\nwant\n%s", r.Name, r.Seed, a, b)
		}
	}
}

// TestStudiesShareCells: a study that asks for some cells of another, under other names,
// computes the rest alone, and a second run computes nothing.
func TestStudiesShareCells(t *testing.T) {
	cells := t.TempDir()
	file := studyFile(t, "first", "zs, uniform", "seeds: [1]")
	first := worker(t, file, cells, t.TempDir(), "a")
	if n := len(computed(t, context.Background(), first)); n != 3 {
		t.Fatalf("%d cells", n)
	}
	text := strings.NewReplacer("study: first", "study: second", "name: small", "name: other", "name: ids", "name: words",
		"[zs, uniform]", `[zs, uniform, "mine=1*"]`, "seeds: [1]", "seeds: [1, 3]").Replace(get(t, file))
	other := filepath.Join(filepath.Dir(file), "second.yaml")
	put(t, other, text)
	second := worker(t, other, cells, t.TempDir(), "b")
	got := computed(t, context.Background(), second)
	for _, c := range got {
		if strings.Contains(c, "zs") || strings.Contains(c, "uniform") && strings.Contains(c, "seed 1") {
			t.Errorf("computed again: %s", c)
		}
	}
	if len(got) != 2+4 {
		t.Errorf("%d cells: %q", len(got), got)
	}
	if again := computed(t, context.Background(), second); len(again) != 0 {
		t.Errorf("computed again: %q", again)
	}
	if text := table(t, second); !strings.Contains(text, "mine") || !strings.Contains(text, "other: accuracy") {
		t.Error(text)
	}
}

// TestAutoIsACell of each size, with what is recommended for the size, and shared like others.
func TestAutoIsACell(t *testing.T) {
	cells := t.TempDir()
	file := studyFile(t, "auto", `zs, "auto@2", "auto@3"`, "train_at: last\nseeds: [1]\noverrides: [{rates: [1e-3]}]")
	w := worker(t, file, cells, t.TempDir(), "a")
	if got := computed(t, context.Background(), w); len(got) != 3 {
		t.Fatalf("computed %q", got)
	}
	merged, err := w.Merge()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range merged.Models[0].Rows[1:] {
		if p, err := plan.Parse(r.Plans[0].Plan); err != nil || len(p.Kept()) != i+2 || len(p.Trainable()) != 1 {
			t.Errorf("%s: plan %s, %v", r.Row, r.Plans[0].Plan, err)
		}
	}
	if again := computed(t, context.Background(), worker(t, file, cells, t.TempDir(), "b")); again != nil {
		t.Errorf("computed again: %q", again)
	}
}

// TestTrainingOptionsAreCellsOfTheirOwn: what a training is pulled, cut and disturbed by changes
// the rows that are told so and no other, stands in the settings of the table, and is nothing
// where nothing is frozen.
func TestTrainingOptionsAreCellsOfTheirOwn(t *testing.T) {
	cells := t.TempDir()
	const rows = `zs, full, "uniform@2", "pulled=uniform@2", "cut=uniform@2", "noisy=uniform@2"`
	w := worker(t, studyFile(t, "plain", rows, "seeds: [1]\noverrides: [{rates: [1e-2]}]"), cells, t.TempDir(), "a")
	if got := computed(t, context.Background(), w); len(got) != 3 { // those of one recipe are one cell
		t.Fatalf("computed %q", got)
	}
	options := []string{"proximal 100", "drop_span 0.9", "gap_noise 0.5"}
	w = worker(t, studyFile(t, "options", rows, `seeds: [1]
overrides:
  - {rates: [1e-2]}
  - {rows: [pulled], training: {proximal: 100}}
  - {rows: [cut, full], training: {drop_span: 0.9}}
  - {rows: [noisy, full], training: {gap_noise: 0.5}}
`), cells, t.TempDir(), "b")
	if got := computed(t, context.Background(), w); len(got) != 3 {
		t.Fatalf("computed %q", got)
	}
	merged, err := w.Merge()
	if err != nil {
		t.Fatal(err)
	}
	losses := map[float64]string{}
	for _, l := range merged.Models[0].Transfer {
		if l.Emulates {
			losses[*l.Measures["answer_loss"].Value] = l.Row
		}
	}
	if len(losses) != 4 {
		t.Errorf("losses of plug-ins: %v, want four", losses)
	}
	text := table(t, w)
	for _, o := range options {
		if !strings.Contains(text, o) {
			t.Errorf("%s is not told:\n%s", o, text)
		}
	}
}

// TestSizesShareCells: a row of a size is that of a study of that size, whatever its name;
// one model may stand in a study with several places to train at, and what is trained inside
// the full model is one cell for all sizes.
func TestSizesShareCells(t *testing.T) {
	cells := t.TempDir()
	first := worker(t, studyFile(t, "two", "zs, ceiling, uniform", "train_at: last\nplug_at: [0.2]\nseeds: [1]\noverrides: [{rates: [1e-3]}]"), cells, t.TempDir(), "a")
	if n := len(computed(t, context.Background(), first)); n != 3 {
		t.Fatalf("%d cells", n)
	}
	file := studyFile(t, "sizes", `zs, ceiling, "uniform@2", "uniform@3", "uniform@2:svd0.5"`, "train_at: last\nplug_at: [0.2]\nseeds: [1]\noverrides: [{rates: [1e-3]}]")
	text := get(t, file)
	models, path := text[strings.Index(text, "models:"):strings.Index(text, "tasks:")], ""
	if _, err := fmt.Sscanf(models, "models:\n  - {name: small, path: %s", &path); err != nil {
		t.Fatal(err)
	}
	path = strings.TrimSuffix(path, "}")
	data := filepath.Dir(first.Study.source.path) // the same files
	text = strings.NewReplacer("keep: 2", "keep: 1", models, models+"  - {name: at-first, path: "+path+", train_at: first}\n",
		"train: train", "train: "+data+"/train", "valid: valid", "valid: "+data+"/valid", "test: test", "test: "+data+"/test").Replace(text)
	put(t, file, text)
	w := worker(t, file, cells, t.TempDir(), "b")
	got := computed(t, context.Background(), w)
	want := []string{"small ids uniform-3 rate 0.001 seed 1", "small ids uniform-2-svd0.5 rate 0.001 seed 1",
		"at-first ids ceiling rate 0.001 seed 1", "at-first ids uniform-2 rate 0.001 seed 1", "at-first ids uniform-3 rate 0.001 seed 1", "at-first ids uniform-2-svd0.5 rate 0.001 seed 1"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("computed %q, want %q", got, want)
	}
	merged, err := w.Merge()
	if err != nil {
		t.Fatal(err)
	}
	for i, trained := range []string{"2*", "0*"} {
		for _, r := range merged.Models[i].Rows[1:] {
			if p := r.Plans[0].Plan; !strings.Contains(p, trained) || r.Row == "ceiling" && strings.Count(p, " ") != 2 {
				t.Errorf("%s %s: plan %s, want %s trained", merged.Models[i].Name, r.Row, p, trained)
			}
		}
	}
	for _, l := range merged.Models[1].Transfer {
		if l.Measures["cosine"].Value == nil || l.Emulates && l.Measures[HeldShare].Value == nil {
			t.Errorf("a cell keeps not all: %+v", l)
		}
	}
	if m := merged.Models[1].Moments; len(m) != 4 || m[0].Row != "ceiling" || m[0].PlugIn.Value == nil {
		t.Errorf("moments %+v", m)
	}
	if text := table(t, w); !strings.Contains(text, "uniform-3 ") || !strings.Contains(text, "at-first: what transfers") {
		t.Error(text)
	}
}

// TestTwoWorkersMakeTheSameTable as one, and no cell is computed twice.
func TestTwoWorkersMakeTheSameTable(t *testing.T) {
	file := studyFile(t, "two", `zs, uniform, crash`, "seeds: [1]")
	one := worker(t, file, t.TempDir(), t.TempDir(), "one")
	all := computed(t, context.Background(), one)

	cells, out := t.TempDir(), t.TempDir()
	a, b := worker(t, file, cells, out, "a"), worker(t, file, cells, out, "b")
	b.First = 2
	lists := make([][]string, 2)
	var wait sync.WaitGroup
	for i, w := range []*Worker{a, b} {
		wait.Go(func() { lists[i] = computed(t, context.Background(), w) })
	}
	wait.Wait()
	if n := len(lists[0]) + len(lists[1]); n != len(all) {
		t.Errorf("%d cells were computed, want %d: %q", n, len(all), lists)
	}
	if got, want := table(t, worker(t, file, cells, out, "c")), table(t, one); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for _, dir := range []string{"claims", "work"} {
		if left, err := os.ReadDir(filepath.Join(cells, dir)); err != nil || len(left) > 0 {
			t.Errorf("%s holds %v, %v", dir, left, err)
		}
	}
}

// TestInterruptedStudyGoesOn: stopped anywhere, and with the claim of a dead worker on what
// it was at, a study ends with the table of one that was left alone.
func TestInterruptedStudyGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("trains again and again: many seconds under the race detector, and one goroutine")
	}
	file := studyFile(t, "cut", `zs, uniform, "mine=1*"`, "seeds: [1]\noverrides: [{training: {steps: 6, eval_every: 2}}]")
	whole := worker(t, file, t.TempDir(), t.TempDir(), "a")
	computed(t, context.Background(), whole)

	cells, out := t.TempDir(), t.TempDir()
	stops := 0
	for n := 9; ; n += 11 {
		w := worker(t, file, cells, out, "a")
		ctx, stop := context.WithCancel(context.Background())
		counted := &crashtest.Countdown{Context: ctx, Left: n}
		if err := w.Plan(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		err := w.Run(counted)
		stop()
		if err == nil {
			break
		}
		if stops++; stops > 30 {
			t.Fatal(err)
		}
		left, err := os.ReadDir(filepath.Join(cells, "work"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left { // as if it had been killed, some hours ago
			claim := filepath.Join(cells, "claims", strings.TrimSuffix(e.Name(), "-a"))
			put(t, claim, `{"host":"a","pid":1,"token":"dead"}`)
			past := time.Now().Add(-2 * time.Hour)
			if err := os.Chtimes(claim, past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := table(t, worker(t, file, cells, out, "c")), table(t, whole); got != want || stops < 2 {
		t.Errorf("stopped %d times:\n%s\nwant\n%s", stops, got, want)
	}
}
