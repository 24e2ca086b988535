package study_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/study"
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
		for name, stop := range map[string]func(e study.Event, taken int) bool{
			"in the first rate":          func(e study.Event, taken int) bool { return e.Phase == "train" && taken == 2 },
			"in the second rate":         func(e study.Event, taken int) bool { return e.Phase == "train" && taken == steps+1 },
			"at the end of a rate":       func(e study.Event, taken int) bool { return e.Phase == "train" && taken == 2*steps },
			"in scoring of what is kept": func(e study.Event, taken int) bool { return e.Phase == "score" && taken == 3*steps },
		} {
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
			var alone, cut int
			want, err := run(t.TempDir(), never, &alone)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
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
