package train_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
)

// noted is a run directory that notes the steps of its checkpoints.
type noted struct {
	*train.RunDir
	steps []int
}

func (n *noted) Save(s train.State, t *nn.Trained, o optim.Optimizer) error {
	n.steps = append(n.steps, s.Step)
	return n.RunDir.Save(s, t, o)
}

// saving runs seven steps in dir, validated at the start and the end; change sets more.
func saving(t *testing.T, dir string, change func(*train.Trainer, *noted)) (*emulate.Emulator, *noted) {
	t.Helper()
	tr, e := trainer(t, ref.New(), crashtest.Small(ref.New(), "opt"), "0* 1")
	tr.Settings.Steps, tr.Settings.EvalEvery = 7, 100
	run, err := train.OpenRunDir(dir, tr.Settings, false)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	n := &noted{RunDir: run}
	tr.Store = n
	change(tr, n)
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return e, n
}

// TestCheckpointsBetweenValidations: every so many steps, or when the last one is old. A
// process that is killed loses what came after it and no more; the bits are the same.
func TestCheckpointsBetweenValidations(t *testing.T) {
	want, n := saving(t, filepath.Join(t.TempDir(), "run"), func(*train.Trainer, *noted) {})
	if !slices.Equal(n.steps, []int{7}) {
		t.Errorf("without a wish: checkpoints after %v", n.steps)
	}
	_, n = saving(t, filepath.Join(t.TempDir(), "run"), func(tr *train.Trainer, _ *noted) { tr.SavePause = time.Nanosecond })
	if !slices.Equal(n.steps, []int{1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("by time: checkpoints after %v", n.steps)
	}
	killed := filepath.Join(t.TempDir(), "killed")
	dir := filepath.Join(t.TempDir(), "run")
	_, n = saving(t, dir, func(tr *train.Trainer, _ *noted) {
		tr.SaveEvery = 2
		tr.Report = func(m train.Metrics) {
			if m.Step == 5 {
				if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if !slices.Equal(n.steps, []int{2, 4, 6, 7}) {
		t.Errorf("every second step: checkpoints after %v", n.steps)
	}
	for _, spoiled := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "again")
		if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
			t.Fatal(err)
		}
		from, bad := 4, ""
		if spoiled {
			path := filepath.Join(dir, "checkpoints", "step-4", "optim.safetensors")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)-1] ^= 1
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			from = 2
		}
		resumed := -1
		got, n := saving(t, dir, func(tr *train.Trainer, n *noted) {
			tr.Resumed = func(step int) { resumed = step }
			n.Warn = func(text string) { bad = text }
		})
		if resumed != from || n.steps[len(n.steps)-1] != 7 {
			t.Errorf("spoiled %t: went on after step %d, want %d", spoiled, resumed, from)
		}
		if spoiled != (strings.Contains(bad, "step-4.bad") && strings.Contains(bad, "optim.safetensors")) {
			t.Errorf("spoiled %t: told %q", spoiled, bad)
		}
		crashtest.Same(t, "a run that was killed", crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
	}
}
