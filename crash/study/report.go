package study

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/report"
	"lamina/internal/units"
)

// Text is the result as a terminal shows it: the table, the measures, and the plans of its
// rows.
func (x *Experiment) Text() string {
	text := x.result().Text()
	for _, t := range []report.Table{x.transfer(), x.leak(), x.againstBaselines(), x.healths(), x.trajectories()} {
		if len(t.Rows) > 0 {
			text += "\n" + t.Caption + "\n" + t.Text()
		}
	}
	for _, n := range x.Table.Notes {
		text += n + "\n"
	}
	text += "\n"
	if len(x.planned()) > 0 {
		text += x.plans().Text()
	}
	return text
}

// String is the row in a line, for progress.
func (r Row) String() string {
	return fmt.Sprintf("%-18s plug-in %s ± %.1f  emulator %s → %s  (%.0f s)", r.Name, percent(r.PlugIn), 100*r.Stderr, percent(r.EmulatorZS), percent(r.EmulatorFT), r.Seconds)
}

// percent shows a share, or a dash where a row has none.
func percent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100**v)
}

// result is the table as people read it; the numbers are table.json's.
func (x *Experiment) result() report.Table {
	t := report.Table{Caption: "Accuracy before and after training, one row a kind and seed", Columns: []report.Column{
		{Name: "row", Help: "what was done; see the rows' meaning below"},
		{Name: "seed", Right: true, Help: "decides the order of training rows, what is held out, dropout and what is drawn"},
		{Name: "lr", Right: true, Help: "learning rate, of several the one of the lowest validation loss"},
		{Name: "emulator zero-shot", Right: true, Help: "documents that the emulator has right before training, %"},
		{Name: "emulator tuned", Right: true, Help: "documents that the emulator has right after training, %"},
		{Name: "plug-in", Right: true, Help: "documents that the full model has right with the trained blocks in it, %; in rows without an emulator, the model itself"},
		{Name: "± s.e.", Right: true, Help: "standard error of the plug-in's accuracy over documents, points"},
		{Name: "delta", Right: true, Help: "plug-in less tuned emulator, points: what the model owner keeps to themselves"},
		{Name: "held weights", Right: true, Help: "weights that the data owner holds, of the full model's"},
		{Name: "seconds", Right: true, Help: "time of training and scoring"},
		{Name: "peak", Right: true, Help: "memory of training: weights held, gradients, moments and the largest pass"},
	}}
	for _, r := range x.Table.Rows {
		lr := "–"
		if r.LR > 0 {
			lr = fmt.Sprintf("%g", r.LR)
		}
		peak := "–"
		if r.PeakBytes > 0 {
			peak = units.Bytes(r.PeakBytes)
		}
		t.Rows = append(t.Rows, []string{
			r.Name, fmt.Sprint(r.Seed), lr, percent(r.EmulatorZS), percent(r.EmulatorFT), percent(r.PlugIn),
			points(r.Stderr), percent(r.Delta), fmt.Sprintf("%.0f%%", 100*float64(r.HeldParams)/float64(x.params())),
			fmt.Sprintf("%.0f", r.Seconds), peak,
		})
	}
	return t
}

// plans lists the plan of each row that has one of its own.
func (x *Experiment) plans() report.Table {
	t := report.Table{Caption: "Layer plans", Columns: []report.Column{{Name: "row"}, {Name: "plan", Help: "original layer of each place; * trains"}}}
	for _, r := range x.planned() {
		t.Rows = append(t.Rows, []string{r.Name, r.shown().String()})
	}
	return t
}

// meanings says of each row what it is.
func (x *Experiment) meanings() report.Table {
	t := report.Table{Caption: "What the rows are", Columns: []report.Column{
		{Name: "row", Help: "as in the tables above"}, {Name: "what it is", Help: "where the layers come from, and what is trained"},
		{Name: "trained weights", Right: true, Help: "how many numbers training may change"},
		{Name: "plan", Help: "the original layer that runs at each place; a star: it is trained; a layer named twice runs at both places"},
	}}
	for _, recipe := range x.Protocol.Rows {
		for _, r := range x.Table.Rows {
			if r.Seed == x.Table.Rows[0].Seed && slices.Contains(recipe.rowNames(), r.Name) {
				t.Rows = append(t.Rows, []string{r.Name, recipe.Help, units.Count(r.TrainParams), r.shown().String()})
			}
		}
	}
	return t
}

// differences is the best row against the others.
func (x *Experiment) differences() report.Table {
	t := report.Table{Caption: "Differences between plug-ins", Columns: []report.Column{
		{Name: "row", Help: "the best one; and ceiling, where it is compared with full"}, {Name: "against", Help: "the row it is compared with"},
		{Name: "difference", Right: true, Help: "accuracy of the first less that of the second, points; of several seeds or draws, their means"},
		{Name: "± documents", Right: true, Help: "standard error of the difference over documents"},
		{Name: "± seeds", Right: true, Help: "standard error of the difference over seeds; of one seed there is none"},
		{Name: "p", Right: true, Help: "how likely a difference at least as large is between rows that are equally good: below 0.05, and with a difference beyond two standard errors over seeds, it is called more than chance. Corrected after Holm for the number of lines of this table"},
		{Name: "test", Help: "paired: document by document, exact permutation test (McNemar's, of one seed); unpaired: from the standard errors, where a row does not say which documents it has right"},
	}}
	for _, c := range x.Table.Comparisons {
		test := "unpaired"
		if c.Paired {
			test = "paired"
		}
		t.Rows = append(t.Rows, []string{c.Row, c.Against, points(c.Difference), points(c.Stderr), pointsOrNone(c.SeedStderr), probability(c.PHolm), test})
	}
	return t
}

// report is the page: what came out, result, layers and files.
func (x *Experiment) report(figures []figure) (report.Report, error) {
	p, t := x.told, x.Table
	r := report.Report{
		Title:    "Fine-tuning without the full model: " + t.Model,
		Subtitle: fmt.Sprintf("task %s, %d of %d blocks kept, %d trained", t.Task, p.keep, p.Blocks, p.trainable),
		Summary:  x.summary(),
		Numbers:  x.numbers(),
		Facts:    x.facts(),
	}
	var pictures []report.Figure
	for _, f := range figures {
		pictures = append(pictures, report.Figure{SVG: template.HTML(f.picture.SVG()), Caption: f.caption, Alt: f.alt, Values: f.values, Files: []report.Link{
			{Name: "SVG", Path: path.Join(plotsDir, f.name+".svg")}, {Name: "PNG", Path: path.Join(plotsDir, f.name+".png")},
		}})
	}
	result := report.Section{Title: "Result", Source: tableFile, Command: x.Command, Tables: []report.Table{x.result()}, Figures: pictures[len(pictures)-1:], Notes: []string{
		"Learning rate and checkpoint were chosen by the loss of the emulator (of the model, in the rows " + strings.Join(wholeRows(), " and ") + ") on the validation rows. Plans were made from the support rows only. The scored rows were read for nothing else.",
		"A standard error is over documents: it does not hold what another seed of training would change. Rows score the same documents, so that their difference is surer than their two errors make it look; the differences below are taken document by document.",
	}}
	for _, t := range []report.Table{x.healths(), x.trajectories()} {
		if len(t.Rows) > 0 {
			result.Tables = append(result.Tables, t)
		}
	}
	rows := report.Section{Title: "Rows", Tables: []report.Table{x.meanings()}}
	if note := x.ceilingNote(); note != "" {
		rows.Text = append(rows.Text, note)
	}
	r.Sections = []report.Section{result}
	if len(pictures) > 1 {
		r.Sections = append(r.Sections, report.Section{Title: "Layers and training", Figures: pictures[:len(pictures)-1]})
	}
	r.Sections = append(r.Sections, x.measured())
	if len(t.Comparisons) > 0 {
		r.Sections = append(r.Sections, report.Section{Title: "Differences", Tables: []report.Table{x.differences()}, Notes: []string{
			"The first row was picked because it came out best on the documents it is compared on; that flatters its lead a little, and the more so the more rows there are.",
		}})
	}
	r.Sections = append(r.Sections, rows)
	files, err := x.files()
	r.Sections = append(r.Sections, report.Section{Title: "Files", Text: []string{"What this run wrote, beside this page. Of several learning rates, the one that each row kept."}, Files: files, Facts: x.digests()})
	return r, err
}

// measured is the part of the page with the measures.
func (x *Experiment) measured() report.Section {
	s := report.Section{Title: "Measures", Tables: []report.Table{x.transfer(), x.leak()}, Notes: append([]string{
		"Gradients and gains are of the right answers of " + units.Count(SupportTexts) + " support texts at most, which the plans were made from too, so that they flatter rows that were chosen or fitted by them; accuracies and answer losses of the scored documents. A dash: it has no meaning for the row.",
	}, x.Table.Notes...)}
	if len(x.Table.Baselines) > 0 {
		s.Tables = append(s.Tables, x.againstBaselines())
	}
	return s
}

// facts are what the numbers were made of.
func (x *Experiment) facts() []report.Fact {
	p, t := x.told, x.Table
	s, seeds, rates := p.settings, make([]string, len(x.Seeds)), make([]string, len(p.lrs))
	for i, seed := range x.Seeds {
		seeds[i] = fmt.Sprint(seed)
	}
	for i, lr := range p.lrs {
		rates[i] = fmt.Sprintf("%g", lr)
	}
	return []report.Fact{
		{Name: "Model", Value: fmt.Sprintf("%s, %s weights, %d blocks", t.Model, units.Count(p.Params), p.Blocks)},
		{Name: "Rows", Value: fmt.Sprintf("%s trained on, %s validation, %s support, %s scored", units.Count(t.Splits.Train), units.Count(t.Splits.Valid), units.Count(t.Splits.Support), units.Count(t.Splits.Test))},
		{Name: "Training", Value: fmt.Sprintf("AdamW, learning rate %s, batch %d, %s, clip %g, dropout %g%s", strings.Join(rates, " or "), s.Batch, duration(s), s.Clip, s.Dropout, s.Options)},
		{Name: "Seeds", Value: strings.Join(seeds, ", ")},
		{Name: "Scoring", Value: "lm-evaluation-harness rules " + t.Versions["rules"] + ", zero-shot, " + p.Metric},
		{Name: "Computed on", Value: t.Versions["device"] + ", " + t.Versions["platform"] + ", " + t.Versions["go"]},
	}
}

// digests are those of what was read, by which anybody can see that he has the same.
func (x *Experiment) digests() []report.Fact {
	p := x.told
	var facts []report.Fact
	add := func(name, of, digest string) {
		if digest = strings.TrimPrefix(digest, "sha256:"); digest != "" {
			facts = append(facts, report.Fact{Name: name, Value: strings.TrimSpace(of + " SHA-256 " + digest)})
		}
	}
	add("Weights", "", p.fingerprint)
	for _, d := range []struct {
		name string
		id   *eval.Identity
	}{{"Training file", &p.data.Train}, {"Scored file", &p.data.Test}, {"Validation file", p.data.Valid}, {"Support file", p.data.Support}} {
		if d.id != nil {
			add(d.name, d.id.Name, d.id.SHA256)
		}
	}
	return facts
}

// params counts the weights of the full model, before all is known of the experiment too.
func (x *Experiment) params() int {
	if x.told == nil {
		return x.protocols[0].Full.Config.Params()
	}
	return x.told.Params
}

// files lists what the experiment has written, by what it is.
func (x *Experiment) files() ([]report.Files, error) {
	var out []report.Files
	for _, group := range x.fileGroups() {
		links, err := x.links(group)
		if err != nil {
			return nil, err
		}
		if len(links) > 0 {
			out = append(out, report.Files{What: group.what, Links: links})
		}
	}
	return out, nil
}

// fileGroup is a folder of the directory, with what lies in it and in one of its folders.
type fileGroup struct{ what, dir, with string }

func (x *Experiment) fileGroups() []fileGroup {
	groups := []fileGroup{{"Table and settings", "", ""}, {"Pictures", plotsDir, ""}}
	for _, seed := range x.Seeds {
		dir := filepath.Base(x.seedDir(seed))
		groups = append(groups, fileGroup{fmt.Sprintf("Likeness of layers, seed %d", seed), dir, ""})
		for _, r := range x.Table.Rows {
			if r.Seed == seed {
				groups = append(groups, fileGroup{fmt.Sprintf("Row %s, seed %d", r.Name, r.Seed), path.Join(dir, "rows", r.Name), lrDir("", r.LR)})
			}
		}
	}
	return groups
}

// links lead to the files of a group, the page itself left out.
func (x *Experiment) links(g fileGroup) ([]report.Link, error) {
	var links []report.Link
	root := filepath.Join(x.Dir, filepath.FromSlash(g.dir))
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || file == root {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case entry.IsDir() && (g.with == "" || !strings.HasPrefix(name+"/", g.with+"/")):
			return fs.SkipDir
		case strings.HasPrefix(entry.Name(), "."): // a lock, a mark
		case entry.Type().IsRegular() && path.Join(g.dir, name) != reportFile:
			links = append(links, report.Link{Name: name, Path: path.Join(g.dir, name)})
		}
		return nil
	})
	return links, err
}

// metricName is the metric of the table's accuracies.
func metricName(r *task.Requests) string {
	if r.Items[0].Shape == task.Generation {
		return "exact_match"
	}
	return "acc"
}

// wholeRows names the rows that train in the full model.
func wholeRows() []string {
	return Names(slices.DeleteFunc(slices.Clone(Recipes), func(r Recipe) bool { return r.emulates() || r.Trains == Nothing }))
}

func duration(s train.Settings) string {
	if s.Steps > 0 {
		return fmt.Sprintf("%d steps", s.Steps)
	}
	if s.Epochs == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", s.Epochs)
}
