// Package report writes results for people: one self-contained HTML page, and
// tables as terminal text, Markdown, CSV and HTML.
//
// It knows nothing of models or runs and computes nothing: every number comes
// from the caller as the string to show, so that the page equals the table for
// machines it was made from.
//
//	r := report.Report{Title: "CRaSh on SmolLM2-135M", Summary: []string{"crash won by 2.1 points."}}
//	r.Facts = []report.Fact{{Name: "Seed", Value: "42"}}
//	r.Sections = append(r.Sections, report.Section{
//		Title:  "Results",
//		Tables: []report.Table{table},
//	})
//	err := r.WriteFile("run/report.html")
//
// Invariants: the page asks for nothing outside itself, and nothing runs in it but one small
// script of ours, known by its digest (a Content-Security-Policy in the page says so to the
// browser, see docs/decisions/027-a-script-by-its-hash.md); without the script the page
// still tells all; its links lead to files
// beside it; every string is escaped, figures excepted, which must come from a trusted
// writer such as internal/plot; the same input gives the same bytes; rows are never
// dropped or reordered; nothing is said by colour or under the pointer alone.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"lamina/internal/files"
)

// Report is one page.
type Report struct {
	Title    string
	Subtitle string
	Summary  []string // paragraphs that the page begins with: what was done, what came out
	Numbers  []Number // what came out, large
	Facts    []Fact   // shown as a list below: model, task, splits, versions
	Sections []Section
}

// Fact is a named value.
type Fact struct{ Name, Value string }

// Number is a result that is worth being large.
type Number struct {
	Name  string // what it is, in a few words
	Value string
	Note  string // its error, or what to hold it against; may be empty
}

// Section is a part of the page. Its parts follow each other in the order of
// the fields; each may be empty.
type Section struct {
	Title   string
	Text    []string      // paragraphs, plain text
	HTML    template.HTML // what another section's Body returned
	Figures []Figure
	Tables  []Table
	Facts   []Fact // settings, digests
	Files   []Files
	Notes   []string // small print
	Source  string   // the file that the section was made from, beside the page
	Command []string // what wrote that file: the program and its arguments
}

// Body returns what the page shows of a section below its title, for [Section].HTML. It panics
// as Render does.
func (s Section) Body() template.HTML {
	s.check()
	var b strings.Builder
	if err := parsePage().ExecuteTemplate(&b, "section", s); err != nil {
		panic("report: Section.Body: " + err.Error()) // a strings.Builder does not fail
	}
	return template.HTML(b.String())
}

// Line is the section's command as it is typed into a shell.
func (s Section) Line() string {
	words := make([]string, len(s.Command))
	for i, w := range s.Command {
		if words[i] = w; w == "" || strings.Trim(w, plainInShell) != "" {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// plainInShell are characters without a meaning of their own in a shell.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+@%"

// Files are links to what lies beside the page.
type Files struct {
	What  string // what they hold
	Links []Link
}

// Link leads to a file.
type Link struct {
	Name string
	Path string // relative to the page, with slashes
}

// URL returns the link's address: its path, whatever characters its names have.
func (l Link) URL() string {
	parts := strings.Split(l.Path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "./" + strings.Join(parts, "/")
}

// Figure is a picture. SVG is put into the page as it is: it must come from a
// trusted writer.
type Figure struct {
	SVG     template.HTML
	Caption string
	Alt     string  // what the picture shows, for those who cannot see it
	Values  []Table // what is drawn, as numbers; shown when asked for
	Files   []Link  // the picture by itself, in other forms
	Data    string  // JSON of what a script may show in space, below the picture; "" for none
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
		"style":  func() template.CSS { return template.CSS(pageStyle) },
		"script": func() template.JS { return template.JS(script()) },
		"policy": policy,
		"class":  cellClass,
	}).Parse(pageSource))
}

// cellClass says how a cell is set.
func cellClass(c Column, text string) string {
	switch {
	case c.Right:
		return "r"
	case len(text) > longCell:
		return "long"
	}
	return ""
}

// Render writes the page to w. It panics where a table has a row of another
// length than its columns; an error is w's.
func (r Report) Render(w io.Writer) error {
	for _, s := range r.Sections {
		s.check()
	}
	if err := parsePage().Execute(plainWriter{w}, r); err != nil {
		return fmt.Errorf("render report: %w", err)
	}
	return nil
}

// check panics where a table has a row of another length than its columns.
func (s Section) check() {
	tables := slices.Clone(s.Tables)
	for _, f := range s.Figures {
		tables = append(tables, f.Values...)
	}
	for _, t := range tables {
		t.check("Render")
	}
}

// IsOwn says whether a page is one of this package's.
func IsOwn(page []byte) bool {
	return bytes.Contains(page, []byte(`<meta name="generator" content="lamina">`)) || bytes.Contains(page, []byte(`class="lamina-plot"`)) // of earlier versions
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
