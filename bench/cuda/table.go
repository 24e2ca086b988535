package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lamina/internal/files"
	"lamina/internal/report"
)

// engines are the files of results, and what made them.
var engines = map[string][]string{
	"ours": {"roofs.json", "train.json", "finetune.json", "infer.json"}, "eager": {"torch-eager.json"}, "compile": {"torch-compile.json"},
}

// measured is what a folder of results holds.
type measured struct {
	rows    map[string]map[string]row // by engine, then work and shape
	devices map[string]string         // by engine
	notes   []string
	roofs   map[string]float64 // the highest rate of each
	checks  []check
	stages  [][]string // name, status, seconds
}

// table prints what the folder of results holds, as one table, and writes it there.
func (r *runner) table() error {
	var p plan
	if found, err := readJSON(filepath.Join(r.out, "plan.json"), &p); err != nil || !found {
		return errors.Join(err, fmt.Errorf("%s: no plan.json: run the stage plan first", r.out))
	}
	m, err := readResults(r.out)
	if err != nil {
		return err
	}
	text := m.text(p, r.precision)
	fmt.Print(text)
	return errors.Join(files.WriteBytes(filepath.Join(r.out, "table.txt"), []byte(text)), writeJSON(filepath.Join(r.out, "table.json"), m.lines(p)))
}

// readJSON reads a file that may not be there.
func readJSON(path string, v any) (found bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return err == nil, err
}

func readResults(dir string) (*measured, error) {
	m := &measured{rows: map[string]map[string]row{}, devices: map[string]string{}, roofs: map[string]float64{}}
	for engine, names := range engines {
		m.rows[engine] = map[string]row{}
		for _, name := range names {
			var res result
			found, err := readJSON(filepath.Join(dir, name), &res)
			if err != nil {
				return nil, err
			}
			if !found {
				continue
			}
			m.devices[engine] = res.Device
			for _, note := range res.Notes {
				m.notes = append(m.notes, engine+": "+note)
			}
			for _, one := range res.Rows {
				m.rows[engine][one.Work+" "+one.Shape] = one
				if one.Work == "copy" || one.Work == "gemm" {
					m.roofs[one.Roof] = max(m.roofs[one.Roof], one.Rate)
				}
			}
		}
	}
	var parity result
	if _, err := readJSON(filepath.Join(dir, "parity.json"), &parity); err != nil {
		return nil, err
	}
	m.checks = parity.Checks
	stages, err := os.ReadFile(filepath.Join(dir, "stages.tsv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(stages)) {
		m.stages = append(m.stages, strings.Split(strings.TrimSpace(line), "\t"))
	}
	return m, nil
}

// line is one work in the table. Numbers that nobody measured are 0.
type line struct {
	Work    string  `json:"work"`
	Shape   string  `json:"shape"`
	Unit    string  `json:"unit"`
	Ours    float64 `json:"ours"`
	Eager   float64 `json:"torch_eager"`
	Compile float64 `json:"torch_compile"`
	Ratio   float64 `json:"ratio"`         // ours over the better of PyTorch's
	Share   float64 `json:"share_of_roof"` // of ours
	Memory  int64   `json:"memory"`
}

func (m *measured) lines(p plan) (lines []line) {
	for _, w := range p.Works {
		key := w.Work + " " + w.Shape
		ours, eager, compile := m.rows["ours"][key], m.rows["eager"][key], m.rows["compile"][key]
		l := line{Work: w.Work, Shape: w.Shape, Ours: ours.Value, Eager: eager.Value, Compile: compile.Value, Memory: ours.Memory}
		for _, one := range []row{ours, eager, compile} {
			if one.Unit != "" {
				l.Unit = one.Unit
			}
		}
		if best := max(l.Eager, l.Compile); best > 0 {
			l.Ratio = l.Ours / best
		}
		if roof := m.roofs[ours.Roof]; roof > 0 {
			l.Share = ours.Rate / roof
		}
		lines = append(lines, l)
	}
	return lines
}

// text is all of it for people, the table last.
func (m *measured) text(p plan, precision string) string {
	var b strings.Builder
	for _, stage := range m.stages {
		fmt.Fprintf(&b, "stage %s s\n", strings.Join(stage, ", "))
	}
	for _, engine := range []string{"ours", "eager", "compile"} {
		if d := m.devices[engine]; d != "" {
			fmt.Fprintf(&b, "%s: %s\n", engine, d)
		}
	}
	held := 0
	for _, c := range m.checks {
		if c.holds() {
			held++
		} else {
			fmt.Fprintln(&b, c)
		}
	}
	if len(m.checks) > 0 {
		fmt.Fprintf(&b, "against the processor: %d of %d checks hold\n", held, len(m.checks))
	}
	for _, note := range m.notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	t := report.Table{Columns: []report.Column{
		{Name: "work"}, {Name: "shape"}, {Name: "unit"}, {Name: "ours, " + precision, Right: true}, {Name: "torch eager", Right: true}, {Name: "torch compile", Right: true},
		{Name: "ours/torch", Right: true}, {Name: "of roof", Right: true}, {Name: "GiB", Right: true},
	}}
	number := func(format string, v float64) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf(format, v)
	}
	for _, l := range m.lines(p) {
		t.Rows = append(t.Rows, []string{l.Work, l.Shape, l.Unit, number("%.1f", l.Ours), number("%.1f", l.Eager), number("%.1f", l.Compile),
			number("%.2f", l.Ratio), number("%.0f%%", 100*l.Share), number("%.1f", float64(l.Memory)/(1<<30))})
	}
	fmt.Fprintf(&b, "\n%s", t.Text())
	return b.String()
}
