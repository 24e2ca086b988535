package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/files/filestest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// squares is the smallest objective there is: Σ (W·x)² over examples of three numbers. Its
// minimum is at W = 0; the examples to validate on are others, so that the lowest
// validation loss comes in the middle of a run at a high rate.
type squares struct {
	layer *nn.Linear
	rows  []tensor.Tensor
}

func (o squares) Len() int { return len(o.rows) }

func (o squares) Size(ids []int) (tokens, terms int) { return len(ids), len(ids) }

func (o squares) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	var sum autograd.Var
	for i, id := range ids {
		y := o.layer.Forward(p, p.Input(o.rows[id]))
		if y = p.Sum(p.Mul(y, y), 0, 1); i == 0 {
			sum = y
		} else {
			sum = p.Add(sum, y)
		}
	}
	return sum, p.Err()
}

// small is a run of the smallest objective in dir/run, saved after each step and validated
// at every second.
type small struct {
	steps     int
	lr        float64
	overwrite bool
	result    string // in dir: the run is finished, and forgotten when its result stands there
}

func (s small) run(dir string, saved func(step int)) (from int, err error) {
	be := ref.New()
	layer := nn.NewLinear(nn.From(nn.Init{Device: be, Seed: 3}), 3, 2, false)
	row := func(x ...float64) tensor.Tensor { return tensor.MustFromFloats(be, tensor.F32, x, 1, 3) }
	tr := &train.Trainer{
		Backend: be, Params: layer.Params(), Settings: crashtest.Settings(), SaveEvery: 1,
		Train: squares{layer, []tensor.Tensor{row(1, 2, 3), row(-1, 0, 2), row(0, 1, 0)}},
		Valid: squares{layer, []tensor.Tensor{row(2, -1, 1)}},
	}
	defer tr.Close()
	tr.Settings.Steps, tr.Settings.EvalEvery, tr.Settings.LR, tr.Settings.Batch, tr.Settings.Warmup = s.steps, 2, s.lr, 2, 0
	run, err := train.OpenRunDir(filepath.Join(dir, "run"), tr.Settings, s.overwrite)
	if err != nil {
		return 0, err
	}
	defer run.Close()
	from = -1
	tr.Store, tr.Resumed = told{run, saved}, func(step int) { from = step }
	if s.result == "" {
		_, err := tr.Run(context.Background())
		return from, err
	}
	result := filepath.Join(dir, s.result)
	if _, err := os.Stat(result); err == nil {
		return s.steps, run.Forget()
	}
	out, done, err := run.Finished()
	switch {
	case err != nil:
		return from, err
	case done:
		from, err = s.steps, tr.Restore(run)
	default:
		if out, err = tr.Run(context.Background()); err != nil {
			return from, err
		}
		out.Seconds = 0
		err = tr.Finish(run, out)
	}
	if err != nil {
		return from, err
	}
	saved(s.steps)
	if err := files.WriteBytes(result, fmt.Append(nil, out, crashtest.Bits(tr.Params))); err != nil {
		return from, err
	}
	return from, run.Forget()
}

// told is a run directory that tells what was saved.
type told struct {
	*train.RunDir
	saved func(step int)
}

func (r told) Save(s train.State, t *nn.Trained, o optim.Optimizer) error {
	err := r.RunDir.Save(s, t, o)
	if err == nil {
		r.saved(s.Step)
	}
	return err
}

// Log leaves out the only number of a line that tells the time.
func (r told) Log(m train.Metrics) error {
	m.TokensPerSecond = 0
	return r.RunDir.Log(m)
}

// TestRunSurvivesAnyOperation: the disk fails, and the power goes, at every operation on
// files of a run that saves, validates, keeps its best weights and ends. The same call goes
// on from the last checkpoint that was saved, or the one that was being saved, to the same
// bits in every file.
func TestRunSurvivesAnyOperation(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	t.Log(filestest.Everywhere(t, filestest.Scenario{Run: small{steps: 3, lr: 0.3}.run, Found: sealed, Said: remedy}))
}

// TestFinishedRunSurvivesAnyOperation: the same of a run whose weights are wanted later, and
// which is forgotten once its result is kept elsewhere.
func TestFinishedRunSurvivesAnyOperation(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	t.Log(filestest.Everywhere(t, filestest.Scenario{Run: small{steps: 1, lr: 0.3, result: "result"}.run, Found: sealed, Said: remedy}))
}

// TestOverwritingSurvivesAnyOperation: the same of a run in the place of another one.
func TestOverwritingSurvivesAnyOperation(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	t.Log(filestest.Everywhere(t, filestest.Scenario{
		Before: func(dir string) error {
			_, err := small{steps: 2, lr: 0.1}.run(dir, func(int) {})
			return err
		},
		Run: func(dir string, saved func(int)) (int, error) {
			from, err := small{steps: 1, lr: 0.3}.run(dir, saved)
			if err != nil && strings.Contains(err.Error(), "pass --overwrite") { // the old one is still there
				return small{steps: 1, lr: 0.3, overwrite: true}.run(dir, saved)
			}
			return from, err
		},
		Found: sealed, Said: remedy,
	}))
}

// remedy looks at an error: one line that names a path, and where the run had begun says
// how it goes on.
func remedy(err error) error {
	text := err.Error()
	begun := strings.Contains(text, "step-") || strings.Contains(text, "best") || strings.Contains(text, "outcome") || strings.Contains(text, "LATEST")
	if strings.Contains(text, "\n") || !strings.Contains(text, string(filepath.Separator)) || begun && !strings.Contains(text, "the same command") {
		return fmt.Errorf("says %q", text)
	}
	return nil
}

// sealed holds every directory that has a manifest against it.
func sealed(dir string) error {
	return filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		if slices.Contains([]string{"checkpoints", "best"}, filepath.Base(filepath.Dir(path))) || e.Name() == "best" {
			return files.Verify(path)
		}
		return nil
	})
}
