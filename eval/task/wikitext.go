package task

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"lamina/internal/files"
	"lamina/record"
)

// maxPages is the largest file [ReadPages] takes.
const maxPages = 1 << 30

// Pages splits the raw text of WikiText into its articles: a line "= Title ="
// begins one, and lines of deeper headings ("= = Section = =") do not. Blank
// pages are left out, except the last one, as the harness has it.
func Pages(raw string) []string {
	var texts []string
	for _, p := range splitPages(raw) {
		texts = append(texts, p.text)
	}
	return texts
}

// page is an article and the line it begins at.
type page struct {
	text string
	line int
}

func splitPages(raw string) []page {
	var pages []page
	var lines []string
	start, at := 1, 0
	for line := range strings.SplitSeq(raw, "\n") {
		at++
		head := strings.ReplaceAll(strings.ReplaceAll(line, "= = =", "==="), "= =", "==")
		head = strings.TrimSpace(head)
		if strings.HasPrefix(head, "= ") && strings.HasSuffix(head, " =") {
			if text := strings.Join(lines, "\n"); strings.TrimSpace(text) != "" {
				pages = append(pages, page{text, start})
			}
			lines, start = lines[:0], at
		}
		lines = append(lines, line)
	}
	return append(pages, page{strings.Join(lines, "\n"), start})
}

// ReadPages reads a raw WikiText file as Text documents, one a page.
func ReadPages(path string) ([]Document, error) {
	raw, err := files.Read(path, maxPages)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("%s: no UTF-8 text", path)
	}
	var docs []Document
	for _, p := range splitPages(string(raw)) {
		if strings.TrimSpace(p.text) != "" {
			docs = append(docs, pageDocument(p, path))
		}
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("%s: no pages", path)
	}
	return docs, nil
}

// ReadsPages reports whether the task reads a file by [ReadPages]: WikiText's own
// raw files.
func (t Task) ReadsPages(path string) bool {
	return t.page && (strings.HasSuffix(path, ".txt") || strings.HasSuffix(path, ".raw") || strings.HasSuffix(path, ".tokens"))
}

// pageDocument is a page as EleutherAI/wikitext_document_level has it.
func pageDocument(p page, file string) Document {
	return Document{Shape: Text, Text: p.text, Source: record.Record{
		Fields: record.Object{{Name: "page", Value: p.text}}, At: record.Location{File: file, Line: p.line},
	}}
}

// joinLines makes pages of rows that each hold one line of WikiText, as the hub's
// wikitext has them: a line with its end, or nothing for an empty one. It returns
// no documents if a row has another form: then each is a page.
func joinLines(rows []record.Record) ([]Document, error) {
	var raw strings.Builder
	for _, r := range rows {
		text, err := r.Text("text")
		if err != nil {
			return nil, r.At.Errorf("%w", err)
		}
		if text != "" && strings.IndexByte(text, '\n') != len(text)-1 {
			return nil, nil
		}
		if text == "" {
			text = " \n"
		}
		raw.WriteString(text)
	}
	var docs []Document
	for _, p := range splitPages(raw.String()) {
		if strings.TrimSpace(p.text) != "" {
			docs = append(docs, pageDocument(p, rows[0].At.File))
		}
	}
	return docs, nil
}

// pageForms are pages as the harness has them.
var pageForms = []form{{[]string{"page"}, func(c *columns) Document { return Document{Shape: Text, Text: c.text("page")} }}}

// space is Python's \s on text: RE2's is ASCII only.
const space = `[\t-\r\x1c-\x20\x{85}\p{Z}]`

var (
	spaces        = regexp.MustCompile(space + `+`)
	round         = regexp.MustCompile(`\(` + space + `*([^)]*?)` + space + `*\)`)
	square        = regexp.MustCompile(`\[` + space + `*([^\]]*?)` + space + `*\]`)
	curly         = regexp.MustCompile(`\{` + space + `*([^}]*?)` + space + `*\}`)
	double        = regexp.MustCompile(`"` + space + `*([^"]*?)` + space + `*"`)
	single        = regexp.MustCompile(`'` + space + `*([^']*?)` + space + `*'`)
	afterBrackets = [...][2]string{
		{"= = = =", "===="}, {"= = =", "==="}, {"= =", "=="}, {" ° ", "°"}, {" \n", "\n"}, {"\n ", "\n"},
		{" N ", " 1 "}, {" 's", "'s"},
	}
	beforeBrackets = [...][2]string{
		{"s '", "s'"}, {" @-@ ", "-"}, {" @,@ ", ","}, {" @.@ ", "."}, {" : ", ": "}, {" ; ", "; "},
		{" . ", ". "}, {" ! ", "! "}, {" ? ", "? "}, {" , ", ", "},
	}
)

// Detokenize takes the spaces of WikiText's tokenisation out of a page, with the
// replacements of the harness (wikitext/preprocess_wikitext.py) in their order.
// One of them, which rewrites "/' 5/" with slashes into its own pattern, touches
// no text and is left out.
func Detokenize(page string) string {
	for _, r := range beforeBrackets {
		page = strings.ReplaceAll(page, r[0], r[1])
	}
	page = round.ReplaceAllString(page, "($1)")
	page = square.ReplaceAllString(page, "[$1]")
	page = curly.ReplaceAllString(page, "{$1}")
	page = double.ReplaceAllString(page, `"$1"`)
	page = single.ReplaceAllString(page, "'$1'")
	for _, r := range afterBrackets {
		page = strings.ReplaceAll(page, r[0], r[1])
	}
	return page
}

// words counts as len(re.split(`\s+`, text)) does: one more than the runs of
// white space, so that empty strings at the edges count.
func words(text string) int { return len(spaces.FindAllStringIndex(text, -1)) + 1 }
