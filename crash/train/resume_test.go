package train_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels/ref"
)

// stored runs a training in a run directory, and returns what it came to without what
// depends on time.
func stored(ctx context.Context, t *testing.T, tr *train.Trainer, dir string) (train.Outcome, []train.Metrics) {
	t.Helper()
	store, err := train.OpenRunDir(dir, tr.Settings, false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tr.Store = store
	out, err := tr.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := train.ReadMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m {
		m[i].TokensPerSecond = 0
	}
	out.Seconds = 0
	return out, m
}

// TestRunStoppedAnywhereResumesToTheSameBits ends a run at every place that looks
// at its context, the validations among them, and takes it up again.
func TestRunStoppedAnywhereResumesToTheSameBits(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	run := func(ctx context.Context, dir string) (*emulate.Emulator, train.Outcome, []train.Metrics) {
		tr, e := trainer(t, be, full, "0* 1")
		// A rate at which the validation loss goes up again, so that which
		// validations are made decides which weights are kept.
		tr.Settings.Steps, tr.Settings.EvalEvery, tr.Settings.LR, tr.Settings.Schedule, tr.Settings.Warmup = 4, 2, 0.02, "constant", 0
		out, m := stored(ctx, t, tr, dir)
		return e, out, m
	}
	want, wantOut, wantLines := run(context.Background(), t.TempDir())
	if wantOut.BestStep == 0 || wantOut.BestStep == 4 {
		t.Fatalf("the best weights are those of step %d: the test wants one in the middle", wantOut.BestStep)
	}
	stops := 0
	for n := 0; ; n++ {
		dir := filepath.Join(t.TempDir(), "run")
		_, out, _ := run(&crashtest.Countdown{Context: context.Background(), Left: n}, dir)
		if !out.Stopped {
			break
		}
		stops++
		got, out, lines := run(context.Background(), dir)
		what := fmt.Sprintf("stopped at the %d. look", n+1)
		crashtest.Same(t, what, crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
		if out != wantOut {
			t.Errorf("%s: outcome %+v, want %+v", what, out, wantOut)
		}
		if fmt.Sprint(lines) != fmt.Sprint(wantLines) {
			t.Errorf("%s: metrics %v\nwant %v", what, lines, wantLines)
		}
	}
	if want := 4 + 3; stops < want { // steps and validations
		t.Errorf("the run looked at its context %d times, want %d or more", stops, want)
	}
}

// TestTornLineOfMetricsIsDropped: what a machine that lost power left of a line
// is not part of the file that goes on, newline and all.
func TestTornLineOfMetricsIsDropped(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	for _, torn := range []string{`{"step":2,"loss":4}`, `{"step":2,"lo`, `{"step":2,"loss":4}` + "\x00\x00"} {
		dir := filepath.Join(t.TempDir(), "run")
		run := func(ctx context.Context) {
			tr, _ := trainer(t, be, full, "0* 1")
			tr.Settings.Steps, tr.Valid = 4, nil
			store, err := train.OpenRunDir(dir, tr.Settings, false)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			tr.Store = store
			if _, err := tr.Run(ctx); err != nil {
				t.Fatal(err)
			}
		}
		run(&crashtest.Countdown{Context: context.Background(), Left: 2}) // two steps
		path := filepath.Join(dir, "metrics.jsonl")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(data, []byte("\n"))
		if len(lines) != 3 {
			t.Fatalf("%d lines after two steps", len(lines)-1)
		}
		if err := os.WriteFile(path, append(lines[0], torn...), 0o644); err != nil {
			t.Fatal(err)
		}
		run(context.Background())
		var steps []int
		m, err := train.ReadMetrics(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range m {
			steps = append(steps, line.Step)
		}
		if !slices.Equal(steps, []int{1, 3, 4}) {
			t.Errorf("%q: steps %v, want 1, 3, 4", torn, steps)
		}
	}
}
