package study_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/cases"
	"lamina/kernels/cpu"
)

// TestFinishedRatesAreNotTrainedAgain: wherever a run is interrupted, in a learning rate
// or while a trained model is scored, the steps of all its runs together are those of a
// run that was left alone, for adapters and for whole models.
func TestFinishedRatesAreNotTrainedAgain(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	lrs := []float64{1e-3, 5e-3, 2e-3}
	const steps = 3 // of each rate, see protocol
	for _, row := range []string{"crash", "full"} {
		run := func(dir string, stop func(e study.Event, taken int) bool, taken *int) ([]study.Row, error) {
			p := protocol(t, be, full, dir, row)
			p.LRs = lrs
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			p.Watch = func(e study.Event) {
				if e.Phase == "train" && e.Metrics.Loss > 0 {
					*taken++
				}
				if stop(e, *taken) {
					cancel()
				}
			}
			return table(ctx, p)
		}
		never := func(study.Event, int) bool { return false }
		alone := 0
		want, err := run(t.TempDir(), never, &alone)
		if err != nil {
			t.Fatal(err)
		}
		for name, stop := range map[string]func(e study.Event, taken int) bool{
			"in the first rate":          func(e study.Event, taken int) bool { return e.Phase == "train" && taken == 2 },
			"in the second rate":         func(e study.Event, taken int) bool { return e.Phase == "train" && taken == steps+1 },
			"at the end of a rate":       func(e study.Event, taken int) bool { return e.Phase == "train" && taken == 2*steps },
			"in scoring of what is kept": func(e study.Event, taken int) bool { return e.Phase == "score" && taken == 3*steps },
		} {
			cut, dir := 0, t.TempDir()
			if _, err := run(dir, stop, &cut); !errors.Is(err, context.Canceled) {
				t.Errorf("%s %s: %v, want an interruption", row, name, err)
			}
			got, err := run(dir, never, &cut)
			if err != nil {
				t.Fatal(err)
			}
			if cut != alone || alone != len(lrs)*steps {
				t.Errorf("%s %s: %d steps, alone %d, want %d", row, name, cut, alone, len(lrs)*steps)
			}
			if a, b := text(t, got), text(t, want); a != b {
				t.Errorf("%s %s: %s\nalone: %s", row, name, a, b)
			}
			for _, left := range []string{"best", "checkpoints", "outcome.json"} {
				found, _ := filepath.Glob(filepath.Join(dir, "rows", row, "lr*", left, "*"))
				if _, err := os.Stat(filepath.Join(dir, "rows", row, "lr0.001", "outcome.json")); len(found) > 0 || !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s %s: %s is left of a finished row (%v)", row, name, found, err)
				}
			}
		}
	}
}

// TestKilledRunsTakeNoStepTwice: what a process leaves that is killed at any moment of a
// run over several rates, each step kept, goes on to the same rows and takes one step
// again at most.
func TestKilledRunsTakeNoStepTwice(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	run := func(dir string, watch func(e study.Event)) []study.Row {
		p := protocol(t, be, full, dir, "crash", "uniform")
		p.LRs, p.SaveEvery, p.Watch = []float64{1e-3, 5e-3}, 1, watch
		rows, err := table(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	count := func(steps *int) func(e study.Event) {
		return func(e study.Event) {
			if e.Phase == "train" && e.Metrics.Loss > 0 {
				*steps++
			}
		}
	}
	type moment struct {
		dir   string
		taken int
		in    string
	}
	var moments []moment
	seen := map[string]bool{} // what a moment before left, after as many steps, goes on alike
	taken, dir := 0, t.TempDir()
	step := count(&taken)
	want := run(dir, func(e study.Event) {
		step(e)
		same := fmt.Sprint(taken, digest(t, dir))
		if seen[same] {
			return
		}
		seen[same] = true
		if len(seen)%cases.Each(5) != 0 {
			return
		}
		left := filepath.Join(t.TempDir(), "left")
		if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		moments = append(moments, moment{left, taken, e.Row + " " + e.Phase})
	})
	for _, m := range moments {
		steps := 0
		got := run(m.dir, count(&steps))
		if a, b := text(t, got), text(t, want); a != b {
			t.Errorf("killed in %s after %d steps: %s\nalone: %s", m.in, m.taken, a, b)
		}
		if again := m.taken + steps - taken; again < 0 || again > 1 {
			t.Errorf("killed in %s after %d steps: %d steps were taken again", m.in, m.taken, again)
		}
	}
	t.Logf("%d moments, %d steps", len(moments), taken)
}

// digest tells what stands in a directory.
func digest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		fmt.Fprintf(h, "%q %x\n", path, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(h.Sum(nil))
}

// TestRatesThatDivergeAreLeftOut: a rate at which the loss is no number does not end a row
// that has others: it is named, noted, not trained again, and the row is that of the others.
// Where none is left the row has an error.
func TestRatesThatDivergeAreLeftOut(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	run := func(dir string, watch func(study.Event), lrs ...float64) ([]study.Row, error) {
		p := protocol(t, be, full, dir, "uniform")
		p.LRs, p.Watch = lrs, watch
		return table(t.Context(), p)
	}
	want, err := run("", nil, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	const sick = 1e30
	for _, dir := range []string{"", t.TempDir()} {
		warnings := ""
		got, err := run(dir, func(e study.Event) { warnings += e.Warning }, sick, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0].Diverged, []float64{sick}) || !strings.Contains(warnings, "row uniform: at the rate 1e+30 step 2: loss") {
			t.Errorf("%v left out, warned of %q", got[0].Diverged, warnings)
		}
		got[0].Diverged = nil
		if a, b := text(t, got), text(t, want); a != b {
			t.Errorf("%s\nwithout the rate: %s", a, b)
		}
	}
	dir := t.TempDir()
	for again := range 2 { // by what was noted
		steps := 0
		_, err = run(dir, func(e study.Event) { steps += min(e.Metrics.Step, 1) }, sick, 2*sick)
		if (steps > 0) != (again == 0) {
			t.Errorf("try %d: %d steps", again, steps)
		}
		if diverged := (*train.Diverged)(nil); !errors.As(err, &diverged) || diverged.Step != 2 {
			t.Errorf("no rate is left: %v", err)
		}
		if _, noted := os.Stat(filepath.Join(dir, "rows", "uniform", "lr2e+30", "failed.json")); noted != nil {
			t.Error(noted)
		}
		dirs, _ := filepath.Glob(filepath.Join(dir, "rows", "uniform", "lr*", "checkpoints", "*"))
		if len(dirs) > 0 {
			t.Errorf("%q are left of runs that failed", dirs)
		}
	}
}
