// Package report writes results for people: one self-contained HTML page, and
// tables as terminal text, Markdown, CSV and HTML.
//
// It knows nothing of models or runs and computes nothing: every number comes
// from the caller as the string to show, so that the page equals the table for
// machines it was made from.
//
//	r := report.Report{Title: "CRaSh on SmolLM2-135M", Facts: []report.Fact{{Name: "Seed", Value: "42"}}}
//	r.Sections = append(r.Sections, report.Section{
//		Title:  "Results",
//		Tables: []report.Table{table},
//	})
//	err := r.WriteFile("run/report.html")
//
// Invariants: the page holds no script and asks for nothing outside itself (a
// Content-Security-Policy in it says so to the browser); every string is
// escaped, figures excepted, which must come from a trusted writer such as
// internal/plot; the same input gives the same bytes; rows are never dropped
// or reordered.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"unicode"

	"lamina/internal/files"
)

// Report is one page.
type Report struct {
	Title    string
	Subtitle string
	Facts    []Fact // shown as a list at the top: model, task, splits, versions
	Sections []Section
}

// Fact is a named value.
type Fact struct{ Name, Value string }

// Section is a part of the page. Its parts follow each other in the order of
// the fields; each may be empty.
type Section struct {
	Title   string
	Text    []string // paragraphs, plain text
	Tables  []Table
	Figures []Figure
	Notes   []string // small print
}

// Figure is a picture. SVG is put into the page as it is: it must come from a
// trusted writer.
type Figure struct {
	SVG     template.HTML
	Caption string
	Alt     string // what the picture shows, for those who cannot see it
}

// longCell is how many bytes a cell may have before it is kept from being
// squeezed into a column of single words on a narrow screen.
const longCell = 24

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

// parsePage returns the page's template. The sources are compiled in, so that
// only a programming error can make this fail.
func parsePage() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(pageStyle) },
		"long":  func(s string) bool { return len(s) > longCell },
	}).Parse(pageSource))
}

// Render writes the page to w. It panics where a table has a row of another
// length than its columns; an error is w's.
func (r Report) Render(w io.Writer) error {
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			t.check("Render")
		}
	}
	if err := parsePage().Execute(plainWriter{w}, r); err != nil {
		return fmt.Errorf("render report: %w", err)
	}
	return nil
}

// plainWriter turns control characters into spaces on their way out: HTML does
// not allow them, and a page shown with cat must not command the terminal.
type plainWriter struct{ w io.Writer }

func (p plainWriter) Write(b []byte) (int, error) {
	_, err := p.w.Write(bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, b))
	if err != nil {
		return 0, err
	}
	return len(b), nil // of the caller's bytes, though some may have shrunk
}

// WriteFile writes the page to path, whole or not at all.
func (r Report) WriteFile(path string) error {
	return files.Write(path, r.Render)
}
