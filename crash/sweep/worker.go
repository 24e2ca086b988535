package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/files"
)

// Worker computes cells of a study. One process has one or more; any number of them, on
// machines that share the directories, work on one study.
type Worker struct {
	Study     *Study
	Cells     Cells
	Out       string // directory of the plan and the table
	Open      func(path string) (*Opened, error)
	Precision string // of products, as settings state it
	Host      string // of letters, digits, -, _ and dots; names what the worker goes on with

	Lease     time.Duration // after which a claim that was not renewed is a dead worker's
	Pause     time.Duration // between looks at what others do
	First     int           // where in the list it begins, so that workers do not meet
	Available int           // bytes of memory, see [study.CheckMemory]; 0: not known

	Watch func(study.Event)                          // told what goes on; may be nil
	Done  func(c Cell, done, total int, r study.Row) // told of each row that was computed here; may be nil
	Note  func(text string)                          // told what is worth knowing, in a line; may be nil

	planned *planned
	open    *Opened
	at      int // of the study's models, that open is
}

// errBusy says that a cell is computed by a live process of this host.
var errBusy = errors.New("somebody else computes it")

// opened opens a model of the study, unless it is.
func (w *Worker) opened(model int) (*Opened, error) {
	if w.open != nil && w.at == model {
		return w.open, nil
	}
	w.Close()
	path, err := w.Study.source.file(w.Study.Models[model].Path)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", w.Study.Models[model].Name, err)
	}
	o, err := w.Open(path)
	if err != nil {
		return nil, err
	}
	if err := o.identify(); err != nil {
		o.Close()
		return nil, err
	}
	w.open, w.at = o, model
	return o, nil
}

// Close gives the model back that is open.
func (w *Worker) Close() {
	if w.open != nil {
		w.open.Close()
		w.open = nil
	}
}

// Run computes the cells of the plan that are not there, one after the other, each that
// nobody else has claimed, until all are there: while others work on the last ones it waits,
// and takes over what a dead one left. A cell that fails is named at the end; the others are
// computed. When ctx ends, its claim is given back, and what was trained is gone on with by
// the next worker of this host.
func (w *Worker) Run(ctx context.Context) error {
	if err := errors.Join(w.readPlan(), w.Cells.Make()); err != nil {
		return err
	}
	defer w.Close()
	cells := w.planned.Cells
	failed := map[string]error{}
	var first error
	for {
		left, progressed := 0, false
		for i := range cells {
			c := cells[(i+w.First)%len(cells)]
			if w.Cells.Has(c.Key) || failed[c.Key] != nil {
				continue
			}
			left++
			switch err := w.take(ctx, c); {
			case err == nil:
				progressed = true
			case errors.Is(err, errBusy):
			case ctx.Err() != nil:
				return context.Cause(ctx)
			default:
				failed[c.Key], progressed = fmt.Errorf("cell %s: %w", c, err), true
				w.note(failed[c.Key].Error())
				if first == nil {
					first = failed[c.Key]
				}
			}
		}
		switch {
		case left == 0 && first != nil && len(failed) > 1:
			return fmt.Errorf("%d cells failed; the first: %w", len(failed), first)
		case left == 0:
			return first
		case progressed:
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(w.Pause):
		}
	}
}

// take claims a cell and computes it.
func (w *Worker) take(ctx context.Context, c Cell) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	claim, err := w.Cells.Claim(c.Key, w.Host, w.Lease)
	if err != nil {
		return err
	}
	if claim == nil {
		return errBusy
	}
	defer func() { err = errors.Join(err, claim.Release()) }()
	if w.Cells.Has(c.Key) { // it was finished between two looks
		return nil
	}
	return w.compute(ctx, c)
}

// compute makes a cell's result.
func (w *Worker) compute(ctx context.Context, c Cell) error {
	o, err := w.opened(c.model)
	if err != nil {
		return err
	}
	text, err := w.Study.made(c, o, w.Precision)
	if err != nil {
		return err
	}
	if digest(text) != c.Key {
		return fmt.Errorf("its model, its data or the device (%s) are not those that the study was begun with: begin anew with --overwrite", o.Backend.Name())
	}
	begin := time.Now()
	x, err := w.begin(c, o)
	if err != nil {
		return err
	}
	defer x.Release()
	shared, err := w.borrow(c, x)
	if err != nil {
		return err
	}
	r := Result{Format: format, Made: text, Params: o.Config.Params()}
	err = x.Measure(ctx)
	if diverged := (*train.Diverged)(nil); errors.As(err, &diverged) {
		r.Diverged, err = diverged.Error(), nil
	}
	if err != nil {
		return err
	}
	cost := Cost{Host: w.Host, Seconds: time.Since(begin).Seconds(), Versions: x.Table.Versions}
	for _, row := range x.Table.Rows {
		cost.PeakBytes = max(cost.PeakBytes, row.PeakBytes)
		r.Rows = append(r.Rows, numbersOf(row))
	}
	if r.Diverged != "" {
		r.Rows = nil
	}
	r.AnswerTokens, r.Chance, r.Splits = x.Table.AnswerTokens, x.Table.Chance, x.Table.Splits
	if err := errors.Join(w.lend(x, shared), w.Cells.Put(c.Key, r, cost)); err != nil {
		return err
	}
	w.tell(c, x.Table.Rows)
	return files.Remove(x.Dir)
}

// begin opens the experiment of a cell, which goes on where an earlier process of this host
// stopped.
func (w *Worker) begin(c Cell, o *Opened) (*study.Experiment, error) {
	for _, overwrite := range []bool{false, true} {
		x, err := w.Study.experiment(c, o, w.Precision)
		if err != nil {
			return nil, err
		}
		x.Dir, x.Watch = w.Cells.work(c.Key, w.Host), w.Watch
		x.Protocol.Available = w.Available
		switch err := x.Open(overwrite); {
		case err == nil:
			return x, nil
		case errors.Is(err, files.ErrLocked):
			return nil, errBusy
		case overwrite || !exists(x.Dir): // else it was begun for a study that calls files otherwise
			return nil, err
		}
	}
	return nil, errBusy
}

// numbersOf is a row without what it cost.
func numbersOf(r study.Row) study.Row {
	r.Seconds, r.PeakBytes, r.BuildSeconds, r.TrainSeconds = 0, 0, 0, 0
	if r.Measures != nil {
		m := *r.Measures
		m.Seconds, m.PeakBytes = 0, 0
		r.Measures = &m
	}
	return r
}

// shared are directories of what cells have in common.
type shared struct {
	measured string // the similarity, and answers to the questions of searches: of a model and a task, whatever is kept and trained
	chosen   string // plans: of one size
}

// borrow puts what other cells measured of the model into an experiment that was opened,
// and returns where its own go. What is there comes to the same bits.
func (w *Worker) borrow(c Cell, x *study.Experiment) (s shared, err error) {
	common := study.Experiment{Model: x.Model, Data: x.Data, Precision: x.Precision, Fingerprint: x.Fingerprint, Protocol: x.Protocol}
	common.Protocol.LRs, common.Protocol.PlugAt, common.Protocol.PlugInOnly, common.Protocol.Settings = nil, nil, false, train.Settings{} // which nothing shared depends on
	seed := c.Seed
	if x.Data.Support.Path != "" {
		seed = 0 // the same texts for each
	}
	if s.chosen, err = w.shared(common, seed); err != nil {
		return s, err
	}
	p := &common.Protocol
	p.Keep, p.Trainable, p.AnchorEnds, p.TrainAt, p.Plan = 1, 1, false, plan.TrainAt{}, nil
	if s.measured, err = w.shared(common, seed); err != nil {
		return s, err
	}
	to := w.seedDir(x)
	return s, errors.Join(copyInto(s.measured, to, "similarity.json"), study.LendAnswers(s.measured, to), copyInto(s.chosen, to, "plans"))
}

// shared returns the directory of what depends on this of an experiment alone.
func (w *Worker) shared(x study.Experiment, seed uint64) (string, error) {
	identity, err := x.Identity()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(made{Format: format, Device: x.Model.Backend.Name(), Files: w.open.files, Experiment: identity, Seed: seed})
	return w.Cells.shared(digest(text)), err
}

func (w *Worker) seedDir(x *study.Experiment) string {
	return filepath.Join(x.Dir, fmt.Sprintf("seed-%d", x.Seeds[0]))
}

// lend keeps for other cells what an experiment measured.
func (w *Worker) lend(x *study.Experiment, s shared) error {
	from := w.seedDir(x)
	return errors.Join(copyInto(from, s.measured, "similarity.json"), study.LendAnswers(from, s.measured), copyInto(from, s.chosen, "plans"))
}

// copyInto copies files of a directory, or of directories in it, that another lacks.
func copyInto(from, to string, names ...string) error {
	for _, name := range names {
		info, err := os.Stat(filepath.Join(from, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case info.IsDir():
			entries, err := os.ReadDir(filepath.Join(from, name))
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := copyFile(filepath.Join(from, name, e.Name()), filepath.Join(to, name, e.Name())); err != nil {
					return err
				}
			}
			continue
		}
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if exists(to) || filepath.Ext(from) != ".json" {
		return nil
	}
	data, err := files.Read(from, files.Small)
	if err != nil {
		return err
	}
	if err := files.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	return files.WriteBytes(to, data)
}

func (w *Worker) note(text string) {
	if w.Note != nil {
		w.Note(text)
	}
}

// tell tells of what was computed.
func (w *Worker) tell(c Cell, rows []study.Row) {
	if w.Done == nil {
		return
	}
	done := 0
	for _, other := range w.planned.Cells {
		if w.Cells.Has(other.Key) {
			done++
		}
	}
	for _, r := range rows {
		w.Done(c, done, len(w.planned.Cells), r)
	}
	if len(rows) == 0 {
		w.note(fmt.Sprintf("%s: the training diverged; %d of %d cells are there", c, done, len(w.planned.Cells)))
	}
}
