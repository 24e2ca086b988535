package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// reader goes through a page and notes what a reader without eyes or pointer would miss.
type reader struct {
	*testing.T
	open           []string // elements around this one
	ids, targets   []string
	headings       []int
	cells, columns int // of the row, of the table
	captioned      bool
}

// checkReadable fails where a page does not say in its structure what it shows: a
// heading that skips a level, a table without a caption or heads of rows and columns, a
// picture without a name, an id that is there twice, a link into the page that leads
// nowhere, an element that is not closed, or words that only a pointer finds.
func checkReadable(t *testing.T, page []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(page))
	dec.Strict, dec.Entity = false, xml.HTMLEntity
	r := reader{T: t}
	for {
		tok, err := dec.RawToken() // which closes nothing by itself
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("page cannot be parsed: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			r.start(e)
		case xml.EndElement:
			r.end(e.Name.Local)
		case xml.CharData:
			if bytes.Contains(e, []byte("</t")) && !slices.Contains(r.open, "style") && !slices.Contains(r.open, "script") {
				t.Errorf("a tag is shown as text: %.80q", e)
			}
		}
	}
	r.finish()
}

func (r *reader) start(e xml.StartElement) {
	r.Helper()
	name := e.Name.Local
	attr := func(key string) string {
		for _, a := range e.Attr {
			if a.Name.Local == key {
				return a.Value
			}
		}
		return ""
	}
	if attr("title") != "" {
		r.Errorf("<%s title=%q> is for pointers only", name, attr("title"))
	}
	if attr("role") == "group" && attr("aria-label") == "" {
		r.Errorf("a <%s> group has no name", name)
	}
	if id := attr("id"); id != "" {
		r.ids = append(r.ids, id)
	}
	if to, ok := strings.CutPrefix(attr("href"), "#"); ok {
		r.targets = append(r.targets, to)
	}
	switch name {
	case "h1", "h2", "h3":
		r.headings = append(r.headings, int(name[1]-'0'))
	case "table":
		r.captioned, r.columns = false, 0
	case "caption":
		r.captioned = true
	case "tr":
		r.cells = 0
	case "th", "td":
		r.cell(name, attr("scope"))
	}
	if name != "meta" {
		r.open = append(r.open, name)
	}
}

func (r *reader) cell(name, scope string) {
	r.Helper()
	want := "row"
	if slices.Contains(r.open, "thead") {
		want = "col"
		r.columns++
	}
	if r.cells++; name == "th" && scope != want {
		r.Errorf("<th scope=%q>, want %q", scope, want)
	}
	if name == "td" && r.cells == 1 {
		r.Error("a row of a table has no head")
	}
}

func (r *reader) end(name string) {
	r.Helper()
	if name == "meta" {
		return
	}
	last := len(r.open) - 1
	if last < 0 || r.open[last] != name {
		r.Fatalf("</%s> closes %v", name, r.open)
	}
	r.open = r.open[:last]
	switch {
	case name == "table" && !r.captioned:
		r.Error("a table has no caption")
	case name == "tr" && r.cells != r.columns:
		r.Errorf("a row of %d cells in a table of %d columns", r.cells, r.columns)
	}
}

func (r *reader) finish() {
	r.Helper()
	if len(r.open) > 0 {
		r.Errorf("%v is not closed", r.open)
	}
	for i, h := range r.headings {
		if i == 0 && h != 1 || i > 0 && (h == 1 || h > r.headings[i-1]+1) {
			r.Errorf("headings %v: want one h1, and no level skipped", r.headings)
		}
	}
	slices.Sort(r.ids)
	if unique := slices.Compact(slices.Clone(r.ids)); len(unique) != len(r.ids) {
		r.Errorf("ids %v are not unique", r.ids)
	}
	for _, to := range r.targets {
		if !slices.Contains(r.ids, to) {
			r.Errorf("a link leads to #%s, which is not there", to)
		}
	}
}
