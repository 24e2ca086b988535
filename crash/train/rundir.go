package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// RunDir keeps a fine-tuning run on disk:
//
//	config.json            every setting; a later run must have the same
//	metrics.jsonl          one line a step or validation
//	checkpoints/step-N/    weights, moments, state; written whole, then renamed
//	checkpoints/LATEST     a hint at the newest
//	best/                  the weights of the lowest validation loss
//	outcome.json           what a finished run came to, see [RunDir.Finish]
//
// It is a [Store]. A checkpoint counts only if its MANIFEST (written last) lists
// every file with size and SHA-256, and they agree.
type RunDir struct {
	Bad func(dir string, err error) // told of a checkpoint that does not verify, and why; may be nil

	path    string
	metrics *os.File
}

const (
	metricsFile     = "metrics.jsonl"
	weightsFile     = "weights.safetensors"
	momentsFile     = "optim.safetensors"
	stateFile       = "state.json"
	latestFile      = "LATEST"
	checkpointsDir  = "checkpoints"
	bestDir         = "best"
	outcomeFile     = "outcome.json"
	keptCheckpoints = 2
)

// OpenRunDir makes or resumes the directory dir of a run with the given config
// (anything that marshals to a JSON object). A directory made with another config
// is refused with the first differences, unless overwrite: then its run is
// removed first. One process has it open at a time.
func OpenRunDir(dir string, config any, overwrite bool) (*RunDir, error) {
	want, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, err
	}
	want = append(want, '\n')
	if err := files.CheckSettings(dir, want, overwrite); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, checkpointsDir), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, metricsFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	r := &RunDir{path: dir, metrics: f}
	if err := r.prepare(want, overwrite); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// prepare locks the directory, cleans up after a killed process and writes the
// config.
func (r *RunDir) prepare(config []byte, overwrite bool) error {
	if err := files.TryLock(r.metrics); err != nil {
		return fmt.Errorf("%s: another process is running there: %w", r.path, err)
	}
	if overwrite {
		if err := r.metrics.Truncate(0); err != nil {
			return err
		}
		for _, name := range []string{outcomeFile, checkpointsDir, bestDir, "adapter", files.Settings} {
			if err := os.RemoveAll(filepath.Join(r.path, name)); err != nil {
				return err
			}
		}
		if err := os.Mkdir(filepath.Join(r.path, checkpointsDir), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{bestDir, "adapter"} {
		if err := files.Recover(filepath.Join(r.path, name)); err != nil {
			return err
		}
	}
	// A checkpoint is never replaced: what a killed process left beside them is no
	// loss.
	entries, err := os.ReadDir(filepath.Join(r.path, checkpointsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".step-") {
			if err := os.RemoveAll(filepath.Join(r.path, checkpointsDir, e.Name())); err != nil {
				return err
			}
		}
	}
	return files.WriteBytes(filepath.Join(r.path, files.Settings), config)
}

// Close closes the metrics file.
func (r *RunDir) Close() error { return r.metrics.Close() }

// Log appends a line to metrics.jsonl.
func (r *RunDir) Log(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = r.metrics.Write(append(line, '\n'))
	return err
}

// ReadMetrics reads the metrics.jsonl of a run directory; lines after one that is
// cut short are left out.
func ReadMetrics(dir string) ([]Metrics, error) {
	f, err := os.Open(filepath.Join(dir, metricsFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []Metrics
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m Metrics
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			break
		}
		all = append(all, m)
	}
	return all, nil
}

// LastMetrics returns the last step of a run directory, with the last validation
// loss.
func LastMetrics(dir string) (last Metrics, err error) {
	all, err := ReadMetrics(dir)
	valid := 0.0
	for _, m := range all {
		if m.ValidLoss != 0 {
			valid = m.ValidLoss
		} else {
			last = m
		}
	}
	last.ValidLoss = valid
	return last, err
}

// Save writes checkpoints/step-N and removes all but the newest two.
func (r *RunDir) Save(s State, t *nn.Trained, o *optim.AdamW) error {
	if err := r.metrics.Sync(); err != nil {
		return err
	}
	name := fmt.Sprintf("step-%d", s.Step)
	err := files.Dir(filepath.Join(r.path, checkpointsDir, name), true, func(tmp string) error {
		if err := writeFlat(filepath.Join(tmp, weightsFile), map[string]tensor.Tensor{"weights": t.Values}); err != nil {
			return err
		}
		if err := writeFlat(filepath.Join(tmp, momentsFile), map[string]tensor.Tensor{"m": o.M, "v": o.V}); err != nil {
			return err
		}
		if err := files.WriteJSON(filepath.Join(tmp, stateFile), saved{State: s, OptimizerSteps: o.Done}); err != nil {
			return err
		}
		return files.Seal(tmp)
	})
	if err != nil {
		return err
	}
	if err := files.WriteBytes(filepath.Join(r.path, checkpointsDir, latestFile), []byte(name+"\n")); err != nil {
		return err
	}
	steps := r.steps()
	for _, step := range steps[min(keptCheckpoints, len(steps)):] {
		if err := os.RemoveAll(r.checkpoint(step)); err != nil {
			return err
		}
	}
	return nil
}

// saved is state.json of a checkpoint.
type saved struct {
	State
	OptimizerSteps int `json:"optimizer_steps"`
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

// Resume loads the newest checkpoint that verifies. One that does not is renamed
// to step-N.bad and the one before it tried. Lines of metrics.jsonl after the
// checkpoint are dropped: the steps are taken again, to the same bits.
func (r *RunDir) Resume(t *nn.Trained, o *optim.AdamW) (State, bool, error) {
	for _, step := range r.steps() {
		dir := r.checkpoint(step)
		s, err := loadCheckpoint(dir, t, o)
		if err == nil {
			return s, true, r.truncate(s.Step)
		}
		if renameErr := os.Rename(dir, dir+".bad"); renameErr != nil {
			return State{}, false, errors.Join(err, renameErr)
		}
		if r.Bad != nil {
			r.Bad(dir+".bad", err)
		}
	}
	return State{}, false, r.truncate(-1)
}

func loadCheckpoint(dir string, t *nn.Trained, o *optim.AdamW) (State, error) {
	if err := files.Verify(dir); err != nil {
		return State{}, err
	}
	var s saved
	if err := files.ReadJSON(filepath.Join(dir, stateFile), &s); err != nil {
		return State{}, err
	}
	if err := readFlat(filepath.Join(dir, weightsFile), map[string]tensor.Tensor{"weights": t.Values}); err != nil {
		return State{}, err
	}
	if err := readFlat(filepath.Join(dir, momentsFile), map[string]tensor.Tensor{"m": o.M, "v": o.V}); err != nil {
		return State{}, err
	}
	o.Done = s.OptimizerSteps
	return s.State, nil
}

// truncate drops metrics after a step, -1 all, and whatever follows the last
// whole line.
func (r *RunDir) truncate(step int) error {
	if _, err := r.metrics.Seek(0, io.SeekStart); err != nil {
		return err
	}
	data, err := io.ReadAll(r.metrics)
	if err != nil {
		return err
	}
	keep := 0
	for line := range bytes.Lines(data) {
		var m Metrics
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &m) != nil || m.Step > step {
			break
		}
		keep += len(line)
	}
	if err := r.metrics.Truncate(int64(keep)); err != nil {
		return err
	}
	_, err = r.metrics.Seek(0, io.SeekEnd)
	return err
}

// SaveBest writes the weights as best/.
func (r *RunDir) SaveBest(t *nn.Trained) error {
	return files.Dir(filepath.Join(r.path, bestDir), true, func(tmp string) error {
		if err := writeFlat(filepath.Join(tmp, weightsFile), map[string]tensor.Tensor{"weights": t.Values}); err != nil {
			return err
		}
		return files.Seal(tmp)
	})
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
