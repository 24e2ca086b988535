package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lamina/internal/files"
)

// planFile lists the cells of a study in the directory of its table.
const planFile = "plan/cells.json"

// planned is that file.
type planned struct {
	Format int          `json:"format"`
	Study  string       `json:"study"`  // SHA-256 of the study file
	Device string       `json:"device"` // that the keys are for
	Models []ModelFacts `json:"models"`
	Cells  []Cell       `json:"cells"`
}

// ModelFacts are what tells a model of a study from others.
type ModelFacts struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of its weights
	Params      int    `json:"params"`
	Blocks      int    `json:"blocks"`
}

// Plan finds out the keys of the cells, for which it reads every model and all data once,
// and writes them into the directory of the table. One that is there is of the same study,
// models and data, or an error that names a difference, unless overwrite is set.
func (w *Worker) Plan(ctx context.Context, overwrite bool) error {
	if err := w.checkOut(); err != nil {
		return err
	}
	p := planned{Format: format, Study: digest(w.Study.source.data)}
	cells := w.Study.List()
	for m := range w.Study.Models {
		o, err := w.opened(m)
		if err != nil {
			return err
		}
		p.Device = o.Backend.Name()
		p.Models = append(p.Models, ModelFacts{w.Study.Models[m].Name, o.fingerprint, o.Config.Params(), o.Config.Layers})
		for i := range cells {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if cells[i].model == m {
				text, err := w.Study.made(cells[i], o, w.Precision)
				if err != nil {
					return fmt.Errorf("%s: %w", cells[i], err)
				}
				cells[i].Key = digest(text)
			}
		}
	}
	p.Cells = cells
	want, err := files.JSON(p)
	if err != nil {
		return err
	}
	path := filepath.Join(w.Out, planFile)
	have, err := files.Read(path, maxResult)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case bytes.Equal(have, want):
		w.planned = &p
		return nil
	case !overwrite:
		return w.differs(have, p)
	}
	if err := files.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	w.planned = &p
	return files.WriteBytes(path, want)
}

// checkOut refuses a directory that holds other things.
func (w *Worker) checkOut() error {
	entries, err := os.ReadDir(w.Out)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 || exists(filepath.Join(w.Out, planFile)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: want a directory: %w", w.Out, err)
	}
	for _, e := range entries {
		if e.Name() != "plan" && filepath.Clean(w.Cells.Dir) != filepath.Join(w.Out, e.Name()) {
			return fmt.Errorf("%s: not empty and no study of lamina: choose another --out", w.Out)
		}
	}
	return nil
}

// differs says in what a study that is there differs from the one that is wanted.
func (w *Worker) differs(text []byte, want planned) error {
	var have planned
	if err := files.DecodeJSON(filepath.Join(w.Out, planFile), text, &have); err != nil {
		return err
	}
	what := "its cells are others"
	switch {
	case have.Format != want.Format:
		what = fmt.Sprintf("its format is %d, not %d", have.Format, want.Format)
	case have.Device != want.Device:
		what = fmt.Sprintf("it was planned for %s, and this machine computes on %s, whose last bits are others: take machines of one kind, give --device cpu/INSTRUCTIONS for what they share, or another --out", have.Device, want.Device)
	case len(have.Cells) == len(want.Cells):
		for i, c := range want.Cells {
			if have.Cells[i] != c.plain() {
				what = fmt.Sprintf("cell %d is another: its model, data or settings changed (%s)", i+1, c)
				break
			}
		}
	default:
		what = fmt.Sprintf("it has %d cells, not %d", len(have.Cells), len(want.Cells))
	}
	return fmt.Errorf("%s: another study is there: %s; choose another --out, or pass --overwrite (cells that are the same are found again)", w.Out, what)
}

// plain is the cell as a file has it.
func (c Cell) plain() Cell {
	c.model, c.task, c.row = 0, 0, 0
	return c
}

// readPlan reads what Plan wrote for this study file.
func (w *Worker) readPlan() error {
	if w.planned != nil {
		return nil
	}
	path := filepath.Join(w.Out, planFile)
	data, err := files.Read(path, maxResult)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no study was begun here: run lamina study %s --out %s, or its workers, first", w.Out, w.Study.source.path, w.Out)
	}
	if err != nil {
		return err
	}
	var p planned
	if err := files.DecodeJSON(path, data, &p); err != nil {
		return err
	}
	cells := w.Study.List()
	if p.Format != format || p.Study != digest(w.Study.source.data) || len(p.Cells) != len(cells) {
		return fmt.Errorf("%s: was begun with another %s, or by another version: give that, or begin anew with --overwrite", w.Out, w.Study.source.path)
	}
	for i := range cells {
		if cells[i].Key = p.Cells[i].Key; cells[i].plain() != p.Cells[i] || !key.MatchString(cells[i].Key) {
			return fmt.Errorf("%s: cell %d is not that of the study: begin anew with --overwrite", path, i+1)
		}
	}
	p.Cells = cells
	w.planned = &p
	return nil
}
