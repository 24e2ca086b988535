package study_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// experiment returns one on a small checkpoint and files of token ids.
func experiment(t *testing.T, dir string, rows ...string) *study.Experiment {
	t.Helper()
	c, err := transformer.Open(filepath.Join(crashtest.Models, "opt-prenorm"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	m := &eval.Model{Checkpoint: c, Backend: ref.New()}
	if m.Decoder, err = c.Decoder(m.Backend); err != nil {
		t.Fatal(err)
	}
	write := func(name string, pairs []task.Pair) eval.Data {
		var text strings.Builder
		for _, p := range pairs {
			context, _ := json.Marshal(p.Context)
			target, _ := json.Marshal(p.Target)
			fmt.Fprintf(&text, "{\"context_ids\":%s,\"target_ids\":%s}\n", context, target)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return eval.Data{Path: path}
	}
	all := crashtest.Pairs(40)
	x := &study.Experiment{
		Dir: dir, Model: m, Seeds: []uint64{1, 2}, Precision: "f32",
		Table: study.Table{Model: "small", Task: "ids"},
		Data:  study.Data{Train: write("train.jsonl", all[:32]), Test: write("test.jsonl", all[32:])},
		Protocol: study.Protocol{
			Keep: 2, Trainable: 1, LRs: []float64{1e-3}, Settings: crashtest.Settings(), Vectors: measure.Vectors{Pooling: measure.PoolMean},
		},
	}
	x.Protocol.Settings.Epochs, x.Protocol.Settings.Steps = 0, 2
	if x.Protocol.Rows, err = study.Select(study.Recipes, rows, plan.Parse); err != nil {
		t.Fatal(err)
	}
	return x
}

// tableOf reads table.json of a directory, without the time it took.
func tableOf(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "table.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table study.Table
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	return text(t, table.Rows) + fmt.Sprint(table.Splits, table.Model, table.Task)
}

// TestExperimentGoesOn: stopped anywhere and taken up again, an experiment of two seeds
// ends with the table of one that was left alone, and with everything drawn of it.
func TestExperimentGoesOn(t *testing.T) {
	rows := []string{"zs", "uniform", "crash", "mine=1*"}
	run := func(ctx context.Context, dir string) (*study.Experiment, error) {
		x := experiment(t, dir, rows...)
		if err := x.Open(false); err != nil {
			t.Fatal(err)
		}
		return x, x.Run(ctx)
	}
	whole, cut := t.TempDir(), t.TempDir()
	x, err := run(context.Background(), whole)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range x.Table.Rows {
		names = append(names, fmt.Sprint(r.Name, r.Seed))
	}
	if got, want := strings.Join(names, " "), "zs1 uniform1 crash1 mine1 uniform2 crash2 mine2"; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	if s := x.Table.Splits; s != (study.Counts{Train: 24, Valid: 4, Support: 4, Test: 8}) {
		t.Errorf("%+v", s)
	}
	for _, name := range []string{"table.md", "table.csv", "report.html", "plots/similarity.svg", "plots/plans.png", "plots/loss.svg", "plots/scores.png"} {
		if info, err := os.Stat(filepath.Join(whole, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	stops := 0
	for n := 4; ; n += 5 {
		if _, err = run(&crashtest.Countdown{Context: context.Background(), Left: n}, cut); err == nil {
			break
		}
		if stops++; !errors.Is(err, context.Canceled) || stops > 30 {
			t.Fatal(err)
		}
	}
	if got, want := tableOf(t, cut), tableOf(t, whole); got != want || stops < 2 {
		t.Errorf("stopped %d times, the table is %s\nwithout %s", stops, got, want)
	}
}

// TestExperimentOpens a directory that is its own, and no other, and before that finds
// what is wrong with data and settings.
func TestExperimentOpens(t *testing.T) {
	dir := t.TempDir()
	x := experiment(t, dir, "zs")
	if err := x.Open(false); err != nil {
		t.Fatal(err)
	}
	if err := x.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	for _, name := range []string{"inputs", "letters"} {
		if err := os.Mkdir(filepath.Join(other, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		dir   string
		spoil func(x *study.Experiment)
		want  string
	}{
		{dir, func(x *study.Experiment) { x.Protocol.Keep = 3 }, "keep is 2 there, 3 now"},
		{dir, func(x *study.Experiment) { x.Data.Limit = 3 }, "limit is 0 there, 3 now"},
		{dir, func(x *study.Experiment) { x.Data.Test = x.Data.Train }, "test.name is"},
		{dir, func(x *study.Experiment) { x.Data.Support.Path = "none.jsonl" }, "none.jsonl"},
		{dir, func(x *study.Experiment) { x.Protocol.LRs = nil }, "no learning rate"},
		{other, func(x *study.Experiment) {}, "not empty"},
	} {
		y := experiment(t, c.dir, "zs")
		y.Data, y.Table.Rows = x.Data, nil
		c.spoil(y)
		if err := y.Open(false, "inputs"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(other, "config.json")); err == nil {
		t.Error("a refused directory was written to")
	}
	if err := os.Remove(filepath.Join(other, "letters")); err != nil {
		t.Fatal(err)
	}
	beside := experiment(t, other, "zs")
	if err := beside.Open(false, "inputs"); err != nil {
		t.Errorf("beside what is its own: %v", err)
	}
	again := experiment(t, other, "zs")
	again.Data = beside.Data
	if err := again.Open(false, "inputs"); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("open twice: %v", err)
	}
	beside.Release() // of what is not run
	if err := again.Open(false, "inputs"); err != nil {
		t.Errorf("after Release: %v", err)
	}
	again.Release()

	y := experiment(t, dir, "uniform")
	y.Protocol.Keep = 3
	if err := y.Open(true); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"seed-1", "table.json", "report.html", "plots"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left of what was overwritten (%v)", name, err)
		}
	}
}

// TestExperimentDrawsFittedPlans: maps and blocks made smaller are in the picture of plans,
// and scales stand as they were fitted.
func TestExperimentDrawsFittedPlans(t *testing.T) {
	dir := t.TempDir()
	x := experiment(t, dir, "mine=0* ~ 2:svd0.5", "damped=0* 0xfit 2")
	x.Seeds = x.Seeds[:1]
	if err := x.Open(false); err != nil {
		t.Fatal(err)
	}
	if err := x.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(filepath.Join(dir, "plots", "plans.svg"))
	if err != nil || !strings.Contains(string(picture), "mine: 0* ~ 2:svd0.5.") || strings.Contains(string(picture), "fit") {
		t.Errorf("%v: %s", err, picture)
	}
	page, err := os.ReadFile(x.ReportFile())
	if err != nil {
		t.Fatal(err)
	}
	fitted := fmt.Sprintf("0* 0x%.3g 2", x.Table.Rows[1].Built[1].Scale)
	for what, text := range map[string]string{"stdout": x.Text(), "report.html": string(page)} {
		if strings.Contains(text, "xfit") || !strings.Contains(text, fitted) {
			t.Errorf("%s does not say the scale of %s: %s", what, fitted, text)
		}
	}
}
