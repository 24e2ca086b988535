package figures

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/study"
	"lamina/internal/files"
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
	dir      string
	report   report.Report
	pictures []named           // each to be written as FiguresDir/NAME.svg and .png
	run      *study.Experiment // whose page it is, nil for none

	Strange []string // files that hold nothing that is understood, with the reason
}

// Dir reads the page of a directory from its files alone: the table of a run, every *.json in
// it that is a result of a known kind, the losses and settings of a training, or of several
// in folders of it. A file that is not understood is named on the page; a directory without
// anything to show is an error.
func Dir(dir string) (*Page, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	p := &Page{dir: dir, report: report.Report{Title: filepath.Base(dir)}}
	if abs, err := filepath.Abs(dir); err == nil {
		p.report.Title = filepath.Base(abs)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if slices.Contains(names, tableFile) {
		if p.run, err = study.ReadExperiment(dir); err != nil {
			p.strange(err)
		}
	}
	p.results(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return filepath.Ext(name) != ".json" || slices.Contains(ours, name) }))
	if p.run == nil {
		p.trainings(slices.Contains(names, metricsFile))
	}
	if p.run == nil && len(p.report.Sections) == 0 {
		return nil, fmt.Errorf("%s: nothing to show: want results (--json FILE.json of a measurement), %s of lamina run or %s of a training%s", dir, tableFile, metricsFile, p.why())
	}
	p.introduce()
	return p, nil
}

// ours are JSON files of directories that hold no result, and are shown otherwise or not.
var ours = []string{tableFile, "config.json", "command.json", "MANIFEST.json", "outcome.json"}

// strange notes what could not be shown.
func (p *Page) strange(err error) {
	p.Strange = append(p.Strange, strings.ReplaceAll(err.Error(), p.dir+string(filepath.Separator), ""))
}

// why says what was found where nothing could be shown.
func (p *Page) why() string {
	if len(p.Strange) == 0 {
		return ""
	}
	return "; found: " + strings.Join(p.Strange, "; ")
}

// introduce says in plain words what the page shows, and what it does not.
func (p *Page) introduce() {
	const few = 3 // parts that can be named in a sentence
	what := fmt.Sprintf("%d things that were measured of such models", len(p.report.Sections))
	if len(p.report.Sections) <= few {
		var told []string
		for _, s := range p.report.Sections {
			told = append(told, strings.ToLower(s.Title[:1])+s.Title[1:])
		}
		what = "what was measured of such a model: " + strings.Join(told, "; ")
	}
	p.report.Summary = []string{"A language model reads a text and guesses how it goes on; it does so in layers, each of which changes what the one before made of the text. " +
		"From the files of one directory this page shows " + what + ". Each part begins in plain words. Every picture can be pointed at, and stands beside the page as a file; below each part is the command that made it."}
	if len(p.Strange) > 0 {
		p.report.Sections = append(p.report.Sections, report.Section{Title: "Not shown", Text: []string{"Files of this directory that are no result, or none that this version can show."}, Notes: p.Strange})
	}
}

// results shows the result files of those names, by kind, each kind in the order of the names.
func (p *Page) results(names []string) {
	found := make([][]Shown, len(Kinds))
	for _, name := range names {
		kind, s, err := p.result(filepath.Join(p.dir, name))
		if err != nil {
			p.strange(err)
			continue
		}
		at := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == kind })
		found[at] = append(found[at], s)
	}
	for _, s := range slices.Concat(found...) {
		p.add(s)
	}
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

// Write writes the page and its pictures into the directory. A page of another program is
// not replaced.
func (p *Page) Write() error {
	path := filepath.Join(p.dir, PageFile)
	if err := ownPage(path); err != nil {
		return err
	}
	folder := filepath.Join(p.dir, FiguresDir)
	if len(p.pictures) > 0 {
		if err := files.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for _, n := range p.pictures {
		for _, ending := range []string{".svg", ".png"} {
			err := files.Write(filepath.Join(folder, n.name+ending), func(w io.Writer) error { return n.picture.Write(w, ending) })
			if err != nil {
				return err
			}
		}
	}
	if p.run == nil {
		return p.report.WriteFile(path)
	}
	var parts []study.Part
	for _, s := range p.report.Sections {
		parts = append(parts, study.Part{Title: s.Title, HTML: s.Body()})
	}
	return p.run.WritePage(parts...)
}

// ownPage returns an error where a page of that name is there that lamina did not write.
func ownPage(path string) error {
	const most = 64 << 20 // bytes of a page
	text, err := files.Read(path, most)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !report.IsOwn(text):
		return fmt.Errorf("%s: is there and was not written by lamina: move it away", path)
	}
	return nil
}
