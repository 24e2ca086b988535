package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/internal/report"
)

// asking are the attributes with which an element can ask for something.
var asking = []string{"src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "cite"}

// allowed are the elements of a page and its pictures; none can run or fetch.
var allowed = strings.Fields(`html head meta title style body header h1 h2 p dl div dt dd nav ol li a main section
	table caption thead tbody tr th td span figure figcaption details summary ul svg g rect path polyline polygon circle text desc code strong script`)

// withoutScript fails unless the page holds one script, at its end, that the policy knows by
// its digest, as it does all styles, and returns the page with the script's text left out.
func withoutScript(t *testing.T, page []byte) []byte {
	t.Helper()
	before, rest, found := bytes.Cut(page, []byte("<script>"))
	text, after, closed := bytes.Cut(rest, []byte("</script>"))
	if !found || !closed || string(after) != "\n</body>\n</html>\n" {
		t.Fatalf("the page does not end with a script: %.80q", after)
	}
	if at := bytes.IndexByte(text, '<'); at >= 0 {
		t.Errorf("a < in the script: %.60q", text[at:])
	}
	digest := func(text []byte) string {
		sum := sha256.Sum256(text)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := "default-src 'none'; script-src " + digest(text) + "; style-src "
	_, policies, found := strings.Cut(html.UnescapeString(string(before)), `"Content-Security-Policy" content="`+policy)
	if !found {
		t.Fatalf("no policy that begins %s", policy)
	}
	styles, _, _ := strings.Cut(policies, "; base-uri 'none'; form-action 'none'\">")
	for _, style := range bytes.Split(before, []byte("<style>"))[1:] {
		style, _, _ = bytes.Cut(style, []byte("</style>"))
		if !strings.Contains(styles, digest(style)) {
			t.Errorf("the policy does not know the style %.60q", style)
		}
	}
	return append(append(bytes.Clone(before), "<script></script>"...), after...)
}

// checkPage fails where the page asks for anything outside, or another script could run.
func checkPage(t *testing.T, page []byte) {
	t.Helper()
	page = withoutScript(t, page)
	dec := xml.NewDecoder(bytes.NewReader(page))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("page cannot be parsed: %v", err)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if !slices.Contains(allowed, e.Name.Local) {
			t.Errorf("element <%s>", e.Name.Local)
		}
		for _, a := range e.Attr {
			name := strings.ToLower(a.Name.Local)
			if strings.HasPrefix(name, "on") || slices.Contains(asking, name) || name == "href" && !strings.HasPrefix(a.Value, "#section-") && !strings.HasPrefix(a.Value, "./") {
				t.Errorf("<%s %s=%q>", e.Name.Local, name, a.Value)
			}
		}
	}
	if n := bytes.Count(page, []byte("<script")); n != 1 {
		t.Errorf("%d scripts, want our own", n)
	}
	for _, bad := range []string{"url(", "@import", "unsafe-"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("page contains %q", bad)
		}
	}
	checkReadable(t, page)
	// html/template writes this where it refuses a value.
	if bytes.Contains(page, []byte("ZgotmplZ")) {
		t.Error("a value was refused by html/template")
	}
}

func render(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b); err != nil {
		t.Fatal(err)
	}
	checkPage(t, b.Bytes())
	return b.String()
}

func TestPageHoldsEverything(t *testing.T) {
	page := render(t, report.Report{Title: "T1", Subtitle: "S1", Summary: []string{"M1"}, Facts: []report.Fact{{Name: "F1", Value: "V1"}},
		Numbers: []report.Number{{Name: "B1", Value: "B2", Note: "B3"}},
		Sections: []report.Section{{Title: "A1", Text: []string{"P1", "P2"}, Notes: []string{"N1"}, Facts: []report.Fact{{Name: "F2", Value: "V4"}}, Source: "Y1", Command: []string{"Z 1", "-n", "it's"},
			Tables:  []report.Table{{Caption: "C1", Best: [][2]int{{1, 1}}, Columns: []report.Column{{Name: "H1", Help: "H2"}, {Name: "H3", Right: true}}, Rows: [][]string{{"R1", "0.4210"}, {"R2", "-1e-05"}}}},
			Files:   []report.Files{{What: "W1", Links: []report.Link{{Name: "K1", Path: "a b/c.json"}}}},
			Figures: []report.Figure{{SVG: "<svg><circle r='1'/></svg>", Caption: "G1", Alt: "L1", Data: "{}", Files: []report.Link{{Name: "K2", Path: "p.png"}}, Values: []report.Table{{Caption: "V1", Columns: []report.Column{{Name: "V2"}}, Rows: [][]string{{"V3"}}}}}}}}})
	at := 0
	for _, want := range []string{"<title>T1<", "<h1>T1<", "S1", "<p>M1<", "<dt>B1<", "<dd>B2<", "B3<", "<dt>F1<", "<dd>V1<", "<h2>A1<", "<p>P1<", "<p>P2<",
		`aria-label="L1"`, "<circle r='1'/>", `data-surface="{}"`, "<figcaption>G1<", "<details><summary>", "<caption><span>V1<", `<th scope="row">V3<`, `<a href="./p.png">K2</a>`,
		"<caption><span>C1<", `<th scope="col">H1<`, `<th scope="col" class="r">H3<`,
		`<th scope="row">R1<`, `<td class="r">0.4210<`, `<th scope="row">R2<`, `<td class="r"><strong>-1e-05<`, "<dt>H1</dt><dd>H2<", "<dt>F2<", "<li>W1: ", `<a href="./a%20b/c.json">K1</a>`, "<li>N1<",
		"<code>Y1<", "&#39;Z 1&#39; -n &#39;it&#39;\\&#39;&#39;s&#39;<"} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing, or not after the part before it", want)
		}
		at += i
	}
	if strings.Contains(page, "<nav") {
		t.Error("one section needs no list of sections")
	}
	render(t, report.Report{}) // an empty one is a page too
}

func TestHostileStringsAreEscaped(t *testing.T) {
	const s = `"><script>alert(1)</script><img src=https://example.org/x onerror=alert(1)>' style="x` + "\x00\x1b[31m"
	page := render(t, report.Report{Title: s, Subtitle: s, Summary: []string{s}, Facts: []report.Fact{{Name: s, Value: s}}, Sections: []report.Section{{
		Title: s, Text: []string{s}, Notes: []string{s},
		Tables:  []report.Table{{Caption: s, Columns: []report.Column{{Name: s, Help: s}, {Name: s, Right: true}}, Rows: [][]string{{s, s}}}},
		Files:   []report.Files{{What: s, Links: []report.Link{{Name: s, Path: s}, {Name: s, Path: "javascript:alert(1)"}, {Name: s, Path: "/etc/passwd"}}}},
		Figures: []report.Figure{{Caption: s, Alt: s}}}, {}, {Title: s}}})
	if strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("a string became an element, or is not shown")
	}
}

func TestRowsMustFit(t *testing.T) {
	table := report.Table{Columns: []report.Column{{Name: "a"}, {Name: "b"}}, Rows: [][]string{{"1", "2"}, {"3"}}}
	for name, f := range map[string]func(){
		"Text": func() { table.Text() }, "Markdown": func() { table.Markdown() }, "CSV": func() { table.CSV() }, "HTML": func() { table.HTML() },
		"Render": func() {
			_ = report.Report{Sections: []report.Section{{Tables: []report.Table{table}}}}.Render(io.Discard)
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, "row 1 has 1 cells for 2 columns") {
					t.Errorf("%s: panic %q", name, got)
				}
			}()
			f()
		}()
	}
}

func TestWriteFileFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "report.html")
	err := report.Report{}.WriteFile(path)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
		t.Errorf("error %v: want the path named", err)
	}
}

func sample() report.Table {
	return report.Table{
		Columns: []report.Column{{Name: "row"}, {Name: "plug_in", Right: true}, {Name: "Δ", Right: true}},
		Rows:    [][]string{{"crash", "0.4210", "+0.013"}, {"share-all", "0.4", "-0.5"}, {"日本", "", "=1+1"}},
	}
}

func TestText(t *testing.T) {
	const want = "" +
		" row        plug_in       Δ \n" +
		"────────────────────────────\n" +
		" crash       0.4210  +0.013 \n" +
		" share-all      0.4    -0.5 \n" +
		" 日本                  =1+1 \n"
	if got := sample().Text(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestMarkdown(t *testing.T) {
	table := sample()
	table.Rows = append(table.Rows, []string{"a|b\n<i>*c*", "1", "0* 1 2*"})
	const want = "" +
		"| row | plug_in | Δ |\n" +
		"|:--- | ---:| ---:|\n" +
		"| crash | 0.4210 | +0.013 |\n" +
		"| share-all | 0.4 | -0.5 |\n" +
		"| 日本 |  | =1+1 |\n" +
		`| a\|b &lt;i&gt;\*c\* | 1 | 0\* 1 2\* |` + "\n"
	if got := table.Markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCSVReadsBack(t *testing.T) {
	table := sample()
	table.Rows = append(table.Rows, []string{`say "x"`, "a,b", " lead"}, []string{"", "", ""}, []string{"0* 1", "-0", "+1"})
	records, err := csv.NewReader(strings.NewReader(table.CSV())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := append([][]string{{"row", "plug_in", "Δ"}}, table.Rows...)
	if !slices.EqualFunc(records, want, slices.Equal[[]string]) {
		t.Errorf("read back\n%q\nwant\n%q", records, want)
	}
}

func TestControlCharactersStayOut(t *testing.T) {
	table := report.Table{Columns: []report.Column{{Name: "n\x1b[2J"}}, Rows: [][]string{{"a\x1b]0;title\x07b\r\nc\u202ed\u2028e"}}}
	for name, s := range map[string]string{"text": table.Text(), "markdown": table.Markdown(), "csv": table.CSV()} {
		if strings.ContainsAny(s, "\x1b\x07\r\u202e\u2028") {
			t.Errorf("%s: control characters in %q", name, s)
		}
	}
}

func TestEmptyTables(t *testing.T) {
	head := report.Table{Columns: []report.Column{{Name: "a"}}}
	if got := head.CSV(); got != "a\n" {
		t.Errorf("CSV %q, want the names alone", got)
	}
	for _, table := range []report.Table{{}, head} {
		table.Text()
		table.Markdown()
		if !strings.HasPrefix(string(table.HTML()), "<table>") {
			t.Errorf("HTML %q", table.HTML())
		}
	}
}
