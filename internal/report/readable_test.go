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

// checkReadable fails where a page does not say in its structure what it shows: a
// heading that skips a level, a table without a caption or heads of rows and columns, a
// picture without a name, an id that is there twice, a link into the page that leads
// nowhere, an element that is not closed, or words that only a pointer finds.
func checkReadable(t *testing.T, page []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(page))
	dec.Strict, dec.AutoClose, dec.Entity = false, []string{"meta"}, xml.HTMLEntity
	var (
		open          []string // elements around this one
		ids, targets  []string
		headings      []int
		cells, column int // of the row
		captioned     bool
	)
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
				t.Errorf("<%s title=%q> is for pointers only", name, attr("title"))
			}
			if id := attr("id"); id != "" {
				ids = append(ids, id)
			}
			if to, ok := strings.CutPrefix(attr("href"), "#"); ok {
				targets = append(targets, to)
			}
			switch name {
			case "h1", "h2", "h3":
				headings = append(headings, int(name[1]-'0'))
			case "table":
				captioned, column = false, 0
			case "caption":
				captioned = true
			case "tr":
				cells = 0
			case "th", "td":
				want := map[bool]string{true: "col", false: "row"}[slices.Contains(open, "thead")]
				if cells++; name == "th" && attr("scope") != want {
					t.Errorf("<th scope=%q>, want %q", attr("scope"), want)
				}
				if name == "td" && cells == 1 {
					t.Error("a row of a table has no head")
				}
				if want == "col" {
					column++
				}
			}
			if attr("role") == "group" && attr("aria-label") == "" {
				t.Errorf("a <%s> group has no name", name)
			}
			if name != "meta" {
				open = append(open, name)
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				if e.Name.Local == "meta" {
					continue
				}
				t.Fatalf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
			switch e.Name.Local {
			case "table":
				if !captioned {
					t.Error("a table has no caption")
				}
			case "tr":
				if cells != column {
					t.Errorf("a row of %d cells in a table of %d columns", cells, column)
				}
			}
		case xml.CharData:
			if bytes.ContainsAny(e, "<>") && bytes.Contains(e, []byte("</t")) && !slices.Contains(open, "style") {
				t.Errorf("a tag is shown as text: %.80q", e)
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("%v is not closed", open)
	}
	for i, h := range headings {
		if i == 0 && h != 1 || i > 0 && (h == 1 || h > headings[i-1]+1) {
			t.Errorf("headings %v: want one h1, and no level skipped", headings)
		}
	}
	slices.Sort(ids)
	if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
		t.Errorf("ids %v are not unique", ids)
	}
	for _, to := range targets {
		if !slices.Contains(ids, to) {
			t.Errorf("a link leads to #%s, which is not there", to)
		}
	}
}
