package figures

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
	"lamina/internal/strictjson"
)

// trainings shows the losses and settings of the training in the directory, or of all that lie
// in folders of it, one in each.
func (p *Page) trainings(here bool) {
	dirs := []string{""}
	if !here {
		dirs = nil
		entries, _ := os.ReadDir(p.dir) // which was read before
		for _, e := range entries {
			if _, err := os.Stat(filepath.Join(p.dir, e.Name(), metricsFile)); e.IsDir() && err == nil {
				dirs = append(dirs, e.Name())
			}
		}
	}
	curves := plot.Curves{Title: "Loss", XLabel: "step", YLabel: "nats a target token"}
	ends := report.Table{Caption: "Loss in nats a target token", Columns: []report.Column{
		{Name: "training"}, {Name: "steps", Right: true, Help: "that were taken"},
		{Name: "validation before", Right: true, Help: "before the first step, on rows that are held out"},
		{Name: "best validation", Right: true}, {Name: "at step", Right: true}, {Name: "last step", Right: true, Help: "loss of the last step's examples"}}}
	for _, dir := range dirs {
		all, err := train.ReadMetrics(filepath.Join(p.dir, dir))
		if err != nil {
			p.strange(err)
			continue
		}
		if name := called(dir); len(all) > 0 {
			curves.Runs = append(curves.Runs, runOf(name, all))
			ends.Rows = append(ends.Rows, endsOf(name, all))
		}
	}
	if len(curves.Runs) == 0 {
		return
	}
	s := Shown{section: report.Section{Title: "Training", Source: metricsFile, Text: []string{
		"How wrong the model was about the next piece of text while it learned: lower is better. Held-out rows are marked: they were never learned from. Where their line rises while the thin one falls, the model learns its examples by heart.",
	}}}
	s.add("loss", curves.Draw(), report.Figure{Caption: "Loss a target token, of each step's examples and on the held-out rows.", Alt: "Curves: loss while training", Values: []report.Table{ends}})
	settings, err := settingsOf(filepath.Join(p.dir, dirs[0], "config.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.strange(err)
	}
	if len(settings.Rows) > 0 {
		s.section.Tables = append(s.section.Tables, settings)
	}
	p.add(s)
}

// called is what a training is called: its folder, or what it is.
func called(dir string) string {
	if dir == "" {
		return "loss"
	}
	return dir
}

func runOf(name string, all []train.Metrics) plot.Run {
	run := plot.Run{Name: name}
	for _, m := range all {
		if m.Loss > 0 {
			run.Train = append(run.Train, plot.Point{X: float64(m.Step), Y: m.Loss})
		}
		if m.ValidLoss > 0 {
			run.Valid = append(run.Valid, plot.Point{X: float64(m.Step), Y: m.ValidLoss})
		}
	}
	return run
}

// endsOf are the ends of a training's losses.
func endsOf(name string, all []train.Metrics) []string {
	before, best, at, last := "–", "–", "–", "–"
	least := 0.0
	for _, m := range all {
		if m.Loss > 0 {
			last = fmt.Sprintf("%.4f", m.Loss)
		}
		if m.ValidLoss <= 0 {
			continue
		}
		if m.Step == 0 {
			before = fmt.Sprintf("%.4f", m.ValidLoss)
		}
		if least == 0 || m.ValidLoss < least {
			least, best, at = m.ValidLoss, fmt.Sprintf("%.4f", m.ValidLoss), fmt.Sprint(m.Step)
		}
	}
	return []string{name, fmt.Sprint(all[len(all)-1].Step), before, best, at, last}
}

// settingsOf lists what a config.json holds, a line for each value.
func settingsOf(path string) (t report.Table, err error) {
	t = report.Table{Caption: "Settings", Columns: []report.Column{{Name: "setting"}, {Name: "value"}}}
	data, err := files.ReadInput(path)
	if err != nil {
		return t, err
	}
	root, err := strictjson.Parse(data, strictjson.Rules{Depth: 64})
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	var list func(prefix string, n strictjson.Node)
	list = func(prefix string, n strictjson.Node) {
		members := false
		for name, v := range n.Members() {
			members = true
			list(strings.TrimPrefix(prefix+" "+name, " "), v)
		}
		if !members && prefix != "" {
			t.Rows = append(t.Rows, []string{prefix, strings.Trim(n.Source(), `"`)})
		}
	}
	list("", root)
	const most = 200 // settings; a file with more is none of ours
	t.Rows = slices.Clip(t.Rows[:min(len(t.Rows), most)])
	return t, nil
}
