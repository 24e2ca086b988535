package figures

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// The files that a page is made of and those it comes in, beside the results.
const (
	metricsFile = "metrics.jsonl"
	tableFile   = "table.json"
	PageFile    = "report.html"
	FiguresDir  = "figures"
)

// Page is what a directory holds, to be looked at.
type Page struct {
	report   report.Report
	pictures []named // each to be written as FiguresDir/NAME.svg and .png

	Strange []string // files that hold nothing that is understood, with the reason
}

// Dir makes the page of a directory from its files alone: every *.json in it that is a result
// of a known kind, the table of a run, the losses of a training. A file that is not
// understood is named on the page; a directory without anything to show is an error.
func Dir(dir string) (*Page, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	p := &Page{report: report.Report{Title: filepath.Base(dir)}}
	if abs, err := filepath.Abs(dir); err == nil {
		p.report.Title = filepath.Base(abs)
	}
	found := make([][]Shown, len(Kinds)) // by kind, each in the order of the names
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".") || e.IsDir():
		case name == metricsFile:
			if err := p.losses(dir); err != nil {
				p.Strange = append(p.Strange, err.Error())
			}
		case name == tableFile:
			if err := p.table(filepath.Join(dir, name)); err != nil {
				p.Strange = append(p.Strange, err.Error())
			}
		case filepath.Ext(name) == ".json":
			kind, s, err := p.result(filepath.Join(dir, name))
			if err != nil {
				p.Strange = append(p.Strange, strings.TrimPrefix(err.Error(), dir+string(filepath.Separator)))
				continue
			}
			at := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == kind })
			found[at] = append(found[at], s)
		}
	}
	for _, s := range slices.Concat(found...) {
		p.add(s)
	}
	if len(p.report.Sections) == 0 {
		return nil, fmt.Errorf("%s: nothing to show: want results (--json FILE.json of a measurement), table.json of lamina run or metrics.jsonl of a training", dir)
	}
	var told []string
	for _, s := range p.report.Sections {
		told = append(told, strings.ToLower(s.Title[:1])+s.Title[1:])
	}
	p.report.Summary = []string{"A language model reads a text and guesses how it goes on; it does so in layers, each of which changes what the one before made of the text. " +
		"This page shows what was measured of such a model, from the files of one directory: " + strings.Join(told, "; ") + ". Every picture can be pointed at, and stands beside the page as a file; below each part is the command that made it."}
	if len(p.Strange) > 0 {
		p.report.Sections = append(p.report.Sections, report.Section{Title: "Not shown", Text: []string{"Files of this directory that are no result, or none that this version can show."}, Notes: p.Strange})
	}
	return p, nil
}

// result reads a result file; its pictures are named after the file.
func (p *Page) result(path string) (string, Shown, error) {
	data, err := files.ReadInput(path)
	if err != nil {
		return "", Shown{}, err
	}
	kind, s, err := Read(path, data)
	if err != nil {
		return "", s, err
	}
	name := strings.TrimSuffix(filepath.Base(path), ".json")
	for i := range s.pictures {
		if s.pictures[i].name == kind || len(s.pictures) == 1 {
			s.pictures[i].name = name
		} else {
			s.pictures[i].name = name + "-" + s.pictures[i].name
		}
	}
	s.section.Source = filepath.Base(path)
	return kind, s, nil
}

// add puts a section on the page, with links to the files of its pictures.
func (p *Page) add(s Shown) {
	for i := range s.section.Figures {
		for _, ending := range []string{"svg", "png"} {
			name := s.pictures[i].name + "." + ending
			s.section.Figures[i].Files = append(s.section.Figures[i].Files, report.Link{Name: strings.ToUpper(ending), Path: FiguresDir + "/" + name})
		}
	}
	p.report.Sections = append(p.report.Sections, s.section)
	p.pictures = append(p.pictures, s.pictures...)
}

// table shows the table of a run.
func (p *Page) table(path string) error {
	data, err := files.ReadInput(path)
	if err != nil {
		return err
	}
	var t study.Table
	if err := files.DecodeJSON(path, data, &t); err != nil {
		return err
	}
	shown := report.Table{Caption: "Accuracy before and after training", Columns: []report.Column{{Name: "row"}, {Name: "seed", Right: true},
		{Name: "emulator zero-shot", Right: true}, {Name: "emulator tuned", Right: true}, {Name: "plug-in", Right: true}, {Name: "± s.e.", Right: true}}}
	for _, r := range t.Rows {
		shown.Rows = append(shown.Rows, []string{r.Name, fmt.Sprint(r.Seed), percent(r.EmulatorZS), percent(r.EmulatorFT), percent(r.PlugIn), fmt.Sprintf("%.1f", 100*r.Stderr)})
	}
	p.report.Sections = append(p.report.Sections, report.Section{Title: "Result", Source: tableFile, Tables: []report.Table{shown}})
	return nil
}

// percent shows a share, or a dash where there is none.
func percent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100**v)
}

// losses shows the losses of a training.
func (p *Page) losses(dir string) error {
	all, err := train.ReadMetrics(dir)
	if err != nil {
		return err
	}
	run := plot.Run{Name: "loss"}
	for _, m := range all {
		if m.Loss > 0 {
			run.Train = append(run.Train, plot.Point{X: float64(m.Step), Y: m.Loss})
		}
		if m.ValidLoss > 0 {
			run.Valid = append(run.Valid, plot.Point{X: float64(m.Step), Y: m.ValidLoss})
		}
	}
	if len(run.Train)+len(run.Valid) == 0 {
		return errors.New(metricsFile + ": holds no loss")
	}
	s := Shown{section: report.Section{Title: "Training", Source: metricsFile, Text: []string{
		"How wrong the model was about the next piece of text while it learned: lower is better. Held-out rows are marked; where their line rises while the thin one falls, the model learns its examples by heart.",
	}}}
	s.add("loss", plot.Curves{Title: "Loss", XLabel: "step", YLabel: "nats a target token", Runs: []plot.Run{run}}.Draw(),
		report.Figure{Caption: "Loss a target token.", Alt: "Curves: loss while training"})
	p.add(s)
	return nil
}

// Write writes the page and its pictures into the directory.
func (p *Page) Write(dir string) error {
	folder := filepath.Join(dir, FiguresDir)
	if err := files.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, n := range p.pictures {
		for _, ending := range []string{".svg", ".png"} {
			err := files.Write(filepath.Join(folder, n.name+ending), func(w io.Writer) error { return n.picture.Write(w, ending) })
			if err != nil {
				return err
			}
		}
	}
	return p.report.WriteFile(filepath.Join(dir, PageFile))
}
