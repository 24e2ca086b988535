package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/report"
)

// trajectoryFile holds, in the directory of a rate, what the training came to on its way.
const trajectoryFile = "trajectory.json"

// Moment is a step of a row's training: losses on the first validation rows, in nats a target
// token, that choose nothing.
type Moment struct {
	Step     int     `json:"step"`
	Epochs   float64 `json:"epochs"`
	Emulator float64 `json:"emulator_loss"` // of what is trained
	PlugIn   float64 `json:"plug_in_loss"`  // of the full model with the trained blocks as they are
}

// mostMoments bounds them: each takes two passes over the validation rows.
const mostMoments = 64

// checkMoments tests the places of a training that are asked for, in epochs.
func checkMoments(epochs []float64) error {
	if len(epochs) > mostMoments {
		return fmt.Errorf("--plug-at: %d moments: want %d at the most", len(epochs), mostMoments)
	}
	for i, e := range epochs {
		if !(e > 0) || math.IsInf(e, 0) || i > 0 && e <= epochs[i-1] {
			return fmt.Errorf("--plug-at %v: want epochs above 0, ascending", epochs)
		}
	}
	return nil
}

// trajectory measures what is trained on its way.
type trajectory struct {
	moments []Moment
	epochs  float64 // of a step
	wanted  []int   // steps
	path    string  // "": kept in memory alone
}

// follow has a trainer measured at the moments that are asked for; those of an earlier process
// are read. What cannot be measured is told, and is no error of the row.
func (p *Protocol) follow(ctx context.Context, v variant, c *candidate, t *train.Trainer, dir string) {
	if len(p.PlugAt) == 0 || v.Trains != Starred || len(p.Valid) == 0 {
		return
	}
	perEpoch := (len(p.Train)-1)/t.Settings.Batch + 1
	path := &trajectory{epochs: 1 / float64(perEpoch)}
	for _, e := range p.PlugAt {
		step := max(1, int(math.Round(e*float64(perEpoch))))
		if !slices.Contains(path.wanted, step) {
			path.wanted = append(path.wanted, step)
		}
	}
	if p.Dir != "" {
		path.path = filepath.Join(dir, trajectoryFile)
		if err := files.ReadSealed(path.path, files.Small, &path.moments); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.warn(err.Error())
		}
	}
	c.trajectory = path
	report, ctx := t.Report, context.WithoutCancel(ctx) // a step that was taken is measured, since no later process sees its weights
	t.Report = func(m train.Metrics) {
		if report != nil {
			report(m)
		}
		if m.Tokens > 0 && slices.Contains(path.wanted, m.Step) {
			if err := p.moment(ctx, c, path, m.Step); err != nil {
				p.warn(fmt.Sprintf("row %s: not measured after step %d: %v", v.row, m.Step, err))
			}
		}
	}
}

// moment measures one.
func (p *Protocol) moment(ctx context.Context, c *candidate, t *trajectory, step int) error {
	m := Moment{Step: step, Epochs: float64(step) * t.epochs}
	var err error
	if m.Emulator, err = p.loss(ctx, c.Decoder); err != nil {
		return err
	}
	plugged, release, err := c.plugged(p.Full)
	if err != nil {
		return err
	}
	m.PlugIn, err = p.loss(ctx, plugged)
	if release(); err != nil {
		return err
	}
	if finite(m.Emulator) == nil || finite(m.PlugIn) == nil {
		return fmt.Errorf("losses %v and %v", m.Emulator, m.PlugIn)
	}
	t.moments = slices.DeleteFunc(t.moments, func(o Moment) bool { return o.Step >= step })
	t.moments = append(t.moments, m)
	if t.path == "" {
		return nil
	}
	return files.WriteSealed(t.path, t.moments)
}

// trajectories lists the moments of every row.
func (x *Experiment) trajectories() report.Table {
	t := report.Table{Caption: "The plug-in on the way of its training", Columns: []report.Column{
		{Name: "row"}, {Name: "seed", Right: true}, {Name: "epochs", Right: true},
		{Name: "emulator's loss", Right: true, Help: fmt.Sprintf("of what is trained, on the first %d validation rows at most, nats a target token", healthRows)},
		{Name: "plug-in's", Right: true, Help: "of the full model with the trained blocks as they are then, on the same rows"},
	}}
	for _, r := range x.Table.Rows {
		for _, m := range r.Trajectory {
			t.Rows = append(t.Rows, []string{r.Name, fmt.Sprint(r.Seed), fmt.Sprintf("%.3g", m.Epochs), nats(m.Emulator), nats(m.PlugIn)})
		}
	}
	return t
}
