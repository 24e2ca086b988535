package events

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/internal/files"
	"lamina/internal/tfevents"
)

// TensorBoard writes scalars to a directory that tensorboard --logdir shows, a directory
// inside for each cell of a grid. They have the names that the Trainer of transformers
// gives them: train/loss, train/learning_rate, train/grad_norm, train/epoch, eval/loss,
// eval/METRIC; and train/tokens_per_second, parts of a loss as train/NAME and eval/NAME, and
// of a private run train/epsilon.
type TensorBoard struct {
	dir       string
	overwrite bool
	w         *tfevents.Writer
}

// NewTensorBoard returns the sink of a directory. One with the events of another run is an
// error, or they are replaced with overwrite if we wrote them.
func NewTensorBoard(dir string, overwrite bool) *TensorBoard {
	return &TensorBoard{dir: dir, overwrite: overwrite}
}

// eventFile is the name of a run's file: TensorBoard looks for "tfevents" in it.
func eventFile(run string) string { return "events.out.tfevents." + run + ".lamina" }

// CheckTensorBoard makes a directory, and returns an error if a run cannot write its events
// there, before it begins.
func CheckTensorBoard(dir, run string, overwrite bool) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s: is no directory: name another", dir)
	}
	if err := files.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("%s: cannot be made: %w", dir, err)
	}
	_, err := others(dir, run, overwrite)
	return err
}

// others lists the files of other runs that are to be replaced.
func others(dir, run string, overwrite bool) (replaced []string, err error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.Contains(name, "tfevents") || name == eventFile(run) {
			continue
		}
		if !overwrite || !strings.HasSuffix(name, ".lamina") {
			return nil, fmt.Errorf("%s: holds the events of another run (%s), which TensorBoard would show as one with this: name another directory, or remove it", dir, name)
		}
		replaced = append(replaced, filepath.Join(dir, name))
	}
	return replaced, nil
}

// Begin opens the file of a run, or of a cell.
func (b *TensorBoard) Begin(run, cell string, keep func(Event) bool) error {
	if err := b.Close(); err != nil {
		return err
	}
	dir := filepath.Join(b.dir, cell)
	old, err := others(dir, run, b.overwrite)
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := files.Remove(path); err != nil {
			return err
		}
	}
	if err := files.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b.w, err = tfevents.Open(filepath.Join(dir, eventFile(run)), func(e tfevents.Event) bool {
		told := Event{Event: Step, Cell: cell, Step: int(e.Step)}
		if len(e.Scalars) > 0 && strings.HasPrefix(e.Scalars[0].Tag, "eval/") {
			told.Event = Validation
		}
		return keep(told)
	})
	return err
}

// Add writes the numbers of a step or a validation.
func (b *TensorBoard) Add(e Event) error {
	if list := scalars(e); len(list) > 0 {
		return b.w.Add(int64(e.Step), e.Time, list)
	}
	return nil
}

// Sync syncs the file.
func (b *TensorBoard) Sync() error {
	if b.w == nil {
		return nil
	}
	return b.w.Sync()
}

// Close closes the file.
func (b *TensorBoard) Close() error {
	if b.w == nil {
		return nil
	}
	err := b.w.Close()
	b.w = nil
	return err
}

// scalars are the numbers of an event.
func scalars(e Event) (list []tfevents.Scalar) {
	if e.Metrics == nil {
		return nil
	}
	m, kind := e.Metrics, "train/"
	add := func(name string, v float64) { list = append(list, tfevents.Scalar{Tag: kind + name, Value: v}) }
	if e.Event == Validation {
		kind = "eval/"
		add("loss", m.ValidLoss)
		if m.ValidMetric != nil {
			add(e.Metric, *m.ValidMetric)
		}
	} else {
		if m.Loss != 0 {
			add("loss", m.Loss)
			add("grad_norm", m.GradNorm)
		}
		add("learning_rate", m.LR)
		add("epoch", e.Epoch)
		if m.TokensPerSecond != 0 {
			add("tokens_per_second", m.TokensPerSecond)
		}
		if m.Epsilon != 0 {
			add("epsilon", m.Epsilon)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Terms)) {
		add(name, m.Terms[name])
	}
	return list
}
