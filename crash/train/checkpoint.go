package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// Save writes checkpoints/step-N and removes all but the newest two.
func (r *RunDir) Save(s State, t *nn.Trained, o optim.Optimizer) error {
	if err := r.metrics.f.Sync(); err != nil {
		return full(err)
	}
	err := files.Dir(r.checkpoint(s.Step), true, func(tmp string) error {
		if err := writeFlat(filepath.Join(tmp, weightsFile), map[string]tensor.Tensor{"weights": t.Values}); err != nil {
			return err
		}
		if err := writeFlat(filepath.Join(tmp, momentsFile), o.State()); err != nil {
			return err
		}
		if err := files.WriteJSON(filepath.Join(tmp, stateFile), saved{State: s, OptimizerSteps: o.Steps(), Metrics: r.metrics.mark()}); err != nil {
			return err
		}
		return files.Seal(tmp)
	})
	if err != nil {
		return full(err)
	}
	return full(r.saved(s.Step))
}

// full says what to do where a disk is full.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: make room", err)
	}
	return err
}

// goesOn says of an error that ends a run that nothing which was saved is lost by it.
func goesOn(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: once that is mended the same command goes on from the last checkpoint", full(err))
}

// saved notes that a checkpoint is the newest, and removes all but two.
func (r *RunDir) saved(step int) error {
	latest := fmt.Appendf(nil, "step-%d\n", step)
	if err := files.WriteInside(filepath.Join(r.path, checkpointsDir, latestFile), latest); err != nil {
		return err
	}
	steps := r.steps()
	for _, step := range steps[min(keptCheckpoints, len(steps)):] {
		if err := files.Remove(r.checkpoint(step)); err != nil {
			return err
		}
	}
	return nil
}

// saved is state.json of a checkpoint.
type saved struct {
	State
	OptimizerSteps int   `json:"optimizer_steps"`
	Metrics        *mark `json:"metrics,omitempty"` // nil in old ones
}

// Room returns an error if the checkpoints of a run to come would not fit the disk: those
// that are kept, one more while it is written, the best weights twice for the same reason
// and the adapter, and a tenth on top.
func (r *RunDir) Room(t *nn.Trained, o optim.Optimizer) error {
	values := (1+len(o.State()))*(keptCheckpoints+1) + 2 + 1 // weights, moments and average a checkpoint
	need := int64(values*t.Values.Bytes()) / 10 * 11
	filepath.WalkDir(r.path, func(_ string, e fs.DirEntry, err error) error {
		if info, wrong := e.Info(); err == nil && wrong == nil && info.Mode().IsRegular() {
			need -= info.Size() // takes the place of what is to come
		}
		return nil
	})
	if err := files.CheckSpace(r.path, need); err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	return nil
}

func (r *RunDir) checkpoint(step int) string {
	return filepath.Join(r.path, checkpointsDir, fmt.Sprintf("step-%d", step))
}

// steps lists the checkpoints, newest first.
func (r *RunDir) steps() []int {
	entries, _ := os.ReadDir(filepath.Join(r.path, checkpointsDir))
	var steps []int
	for _, e := range entries {
		if n, ok := strings.CutPrefix(e.Name(), "step-"); ok {
			if step, err := strconv.Atoi(n); err == nil {
				steps = append(steps, step)
			}
		}
	}
	slices.Sort(steps)
	slices.Reverse(steps)
	return steps
}

// damaged is a checkpoint that does not verify, and why.
type damaged struct {
	dir string
	err error
}

// Resume loads the newest checkpoint that verifies. Those newer than it are put aside as
// step-N.bad, with a warning. Lines of metrics.jsonl after the checkpoint are dropped: the
// steps are taken again, to the same bits. If there are checkpoints and none verifies, it
// is an error: what to do is for people to say.
func (r *RunDir) Resume(t *nn.Trained, o optim.Optimizer) (State, bool, error) {
	var bad []damaged
	for _, step := range r.steps() {
		dir := r.checkpoint(step)
		s, err := loadCheckpoint(dir, t, o)
		if err != nil {
			bad = append(bad, damaged{dir, err})
			continue
		}
		if err := r.checkBest(s.State); err != nil {
			return State{}, false, err
		}
		if err := r.putAside(bad, s.Step); err != nil {
			return State{}, false, goesOn(err)
		}
		if err := r.saved(s.Step); err != nil { // who saved it may have been killed before
			return State{}, false, goesOn(err)
		}
		return s.State, true, goesOn(r.rewind(s.Step, s.Metrics))
	}
	if err := r.noneGood(bad); err != nil {
		return State{}, false, err
	}
	return State{}, false, r.rewind(-1, nil)
}

// rewind drops the metrics after a step.
func (r *RunDir) rewind(step int, m *mark) error {
	wrong, err := r.metrics.rewind(step, m)
	if wrong != "" {
		r.warn(fmt.Sprintf("%s: %s; the lines that can be read are kept, and training, which does not depend on them, goes on after step %d", r.metrics.f.Name(), wrong, step))
	}
	return err
}

func (r *RunDir) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

// putAside renames damaged checkpoints, under names that are free, and writes beside each
// why. Nothing but --overwrite, or the end of a run of which the checkpoints are not kept,
// removes them.
func (r *RunDir) putAside(bad []damaged, step int) error {
	for _, d := range bad {
		aside := d.dir + ".bad"
		for n := 2; ; n++ {
			if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
				break
			}
			aside = fmt.Sprintf("%s.bad-%d", d.dir, n)
		}
		reason := fmt.Sprintf("%s, put aside when the run went on after step %d: %v\n", filepath.Base(d.dir), step, d.err)
		err := files.WriteInside(aside+reasonSuffix, []byte(reason))
		if err == nil {
			err = files.Rename(d.dir, aside)
		}
		if err != nil {
			return fmt.Errorf("%s is damaged (%w) and cannot be put aside: %w", d.dir, d.err, err)
		}
		r.warn(fmt.Sprintf("checkpoint %s is damaged and put aside as %s: training goes on after step %d: %v", d.dir, filepath.Base(aside), step, d.err))
	}
	return nil
}

// noneGood is an error where there are checkpoints, or were, and none can be used.
func (r *RunDir) noneGood(bad []damaged) error {
	var each []string
	for _, d := range bad {
		each = append(each, d.err.Error())
	}
	if len(bad) == 0 {
		entries, _ := os.ReadDir(filepath.Join(r.path, checkpointsDir))
		for _, e := range entries {
			if strings.Contains(e.Name(), ".bad") && !strings.HasSuffix(e.Name(), reasonSuffix) {
				each = append(each, e.Name())
			}
		}
		if each == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: no checkpoint is whole, so the run cannot go on: put back a copy of one, or pass --overwrite to begin anew at step 0 (%s)",
		filepath.Join(r.path, checkpointsDir), strings.Join(each, "; "))
}

// checkBest returns an error if the weights of the lowest validation loss, which a
// checkpoint counts on, are damaged: no step makes them again.
func (r *RunDir) checkBest(s State) error {
	if !s.Validated {
		return nil
	}
	if err := files.Verify(filepath.Join(r.path, bestDir)); err != nil {
		return fmt.Errorf("the weights of the lowest validation loss, of step %d, are damaged: put back a copy, or pass --overwrite to begin anew at step 0 (%w)", s.BestStep, err)
	}
	return nil
}

func loadCheckpoint(dir string, t *nn.Trained, o optim.Optimizer) (s saved, err error) {
	if err := files.Verify(dir); err != nil {
		return s, err
	}
	if err := files.ReadJSON(filepath.Join(dir, stateFile), &s); err != nil {
		return s, err
	}
	if err := readFlat(filepath.Join(dir, weightsFile), map[string]tensor.Tensor{"weights": t.Values}); err != nil {
		return s, err
	}
	if err := readFlat(filepath.Join(dir, momentsFile), o.State()); err != nil {
		return s, err
	}
	o.SetSteps(s.OptimizerSteps)
	return s, nil
}

// SaveBest writes the weights as best/.
func (r *RunDir) SaveBest(t *nn.Trained) error {
	return goesOn(files.Dir(filepath.Join(r.path, bestDir), true, func(tmp string) error {
		if err := writeFlat(filepath.Join(tmp, weightsFile), map[string]tensor.Tensor{"weights": t.Values}); err != nil {
			return err
		}
		return files.Seal(tmp)
	}))
}

// LoadBest reads the weights of best/.
func (r *RunDir) LoadBest(t *nn.Trained) error {
	dir := filepath.Join(r.path, bestDir)
	if err := files.Verify(dir); err != nil {
		return err
	}
	return readFlat(filepath.Join(dir, weightsFile), map[string]tensor.Tensor{"weights": t.Values})
}

func writeFlat(path string, values map[string]tensor.Tensor) error {
	var entries []formats.Entry
	for name, v := range values {
		entries = append(entries, formats.Entry{Name: name, DType: v.DType(), Shape: v.Shape()})
	}
	return safetensors.Write(path, entries, nil, func(name string, w io.Writer) error {
		_, err := values[name].WriteTo(w)
		return err
	})
}

func readFlat(path string, into map[string]tensor.Tensor) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for name, t := range into {
		e, ok := f.Entry(name)
		if !ok || e.DType != t.DType() || !slices.Equal(e.Shape, t.Shape()) {
			return fmt.Errorf("%s: %q is %s%v, want %v", path, name, e.DType, e.Shape, t)
		}
		data, err := f.Bytes(name)
		if err != nil {
			return err
		}
		t.SetRaw(data)
	}
	return nil
}
