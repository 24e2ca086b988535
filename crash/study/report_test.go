package study_test

import (
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lamina/crash/measure"
	"lamina/crash/study"
	"lamina/internal/files"
)

// page is what a reader of report.html sees.
type page struct {
	summary string
	tables  map[string][][]string // cells by caption, the heads first
	links   []string
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := page{tables: map[string][][]string{}}
	dec := xml.NewDecoder(file)
	dec.Strict, dec.AutoClose, dec.Entity = false, []string{"meta"}, xml.HTMLEntity
	var text strings.Builder
	var rows [][]string
	var caption string
	summary := false
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			for _, a := range e.Attr {
				if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
					p.links = append(p.links, a.Value)
				}
				summary = summary || a.Value == "summary"
			}
			switch e.Name.Local {
			case "table":
				rows = nil
			case "tr":
				rows = append(rows, nil)
			}
			text.Reset()
		case xml.CharData:
			text.Write(e)
		case xml.EndElement:
			switch e.Name.Local {
			case "span": // of a caption
				caption = text.String()
			case "th", "td":
				rows[len(rows)-1] = append(rows[len(rows)-1], text.String())
			case "table":
				p.tables[caption] = rows
			case "p":
				if summary {
					p.summary += strings.ReplaceAll(text.String(), "\u00a0", " ") + "\n"
				}
			case "header":
				summary = false
			}
			text.Reset()
		}
	}
}

// TestReportEqualsTable: every number of the page's tables and of its summary is
// table.json's, each row and column is explained, and each link leads to a file.
func TestReportEqualsTable(t *testing.T) {
	dir := t.TempDir()
	var pages [2]string
	for i := range pages { // the second time from what the first one wrote
		x := experiment(t, dir, "zs", "full", "ceiling", "random", "crash", "mine=1*")
		x.Protocol.Settings.Steps = 1
		x.Protocol.Rows[3].Draws = 2
		if err := x.Open(false); err != nil {
			t.Fatal(err)
		}
		if err := x.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(x.ReportFile())
		if err != nil {
			t.Fatal(err)
		}
		pages[i] = string(text)
	}
	read, err := study.ReadExperiment(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.WritePage(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(read.ReportFile())
	if pages[0] != pages[1] || pages[0] != string(text) {
		t.Errorf("the page of a run that is read again differs (%v)", err)
	}
	var table study.Table
	if err := files.ReadJSON(filepath.Join(dir, "table.json"), &table); err != nil {
		t.Fatal(err)
	}
	p := readPage(t, filepath.Join(dir, "report.html"))
	rowsAgree(t, p, table)
	measuresAgree(t, p, table)
	baselinesAgree(t, p, table)
	sheetAgrees(t, filepath.Join(dir, "table.csv"), table)
	comparisonsAgree(t, p, table)
	summaryAgrees(t, p, table)
	meanings := p.tables["What the rows are"]
	for _, r := range table.Rows {
		if r.Seed == 1 && !slices.ContainsFunc(meanings, func(m []string) bool { return m[0] == r.Name && m[1] != "" && m[3] == r.Plan.String() }) {
			t.Errorf("row %s is not explained in %v", r.Name, meanings)
		}
	}
	figuresAgree(t, p, filepath.Join(dir, "seed-1", "similarity.json"))
	linksResolve(t, dir, p.links)
}

// share is a share as the page shows it.
func share(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100**v)
}

func rowsAgree(t *testing.T, p page, table study.Table) {
	t.Helper()
	result := p.tables["Accuracy before and after training, one row a kind and seed"]
	if len(result) != len(table.Rows)+1 {
		t.Fatalf("%d lines for %d rows", len(result), len(table.Rows))
	}
	for i, r := range table.Rows {
		got := result[i+1]
		want := []string{r.Name, fmt.Sprint(r.Seed), got[2], share(r.EmulatorZS), share(r.EmulatorFT), share(r.PlugIn), share(&r.Stderr), share(r.Delta), got[8], fmt.Sprintf("%.0f", r.Seconds), got[10]}
		if !slices.Equal(got, want) {
			t.Errorf("row %d: the page has %v, table.json %v", i, got, want)
		}
		if right := float64(strings.Count(r.Right, "1")) / float64(r.N); len(r.Right) != r.N || math.Abs(right-*r.PlugIn) > 1e-12 {
			t.Errorf("%s: %q of %d, plug-in %v", r.Name, r.Right, r.N, *r.PlugIn)
		}
		if (r.TrainLoss > 0) != (r.LR > 0) {
			t.Errorf("%s: training loss %v at rate %v", r.Name, r.TrainLoss, r.LR)
		}
	}
}

// cell shows a number as the page does, or a dash.
func cell(format string, v *float64, scale float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf(format, scale**v)
}

func recovery(r *study.Recovery) (value, stderr string) {
	if r == nil {
		return "–", "–"
	}
	return cell("%.2f", &r.Value, 1), cell("%.2f", r.Stderr, 1)
}

func measuresAgree(t *testing.T, p page, table study.Table) {
	t.Helper()
	transfer, leak := p.tables["What transfers"], p.tables["What the emulators give away, and take"]
	if len(transfer) != len(table.Rows)+1 || len(leak) != len(transfer) {
		t.Fatalf("%d and %d lines for %d rows", len(transfer), len(leak), len(table.Rows))
	}
	for i, r := range table.Rows {
		m, got := r.Measures, transfer[i+1]
		accuracy, accuracyError := recovery(m.Recovery)
		loss, lossError := recovery(m.LossRecovery)
		want := []string{r.Name, fmt.Sprint(r.Seed), accuracy, accuracyError, loss, lossError, cell("%.4f", r.AnswerLoss, 1),
			cell("%+.4f", m.PredictedGain, 1), cell("%+.4f", m.SupportGain, 1), cell("%.2f", m.Cosine, 1), cell("%.1f%%", m.Signs, 100), got[11]}
		for _, b := range m.Blocks {
			if part := fmt.Sprintf("%d:%s", b.Layer, cell("%.2f", b.Cosine, 1)); !strings.Contains(got[11], part) {
				t.Errorf("row %d: no %s in %s", i, part, got[11])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("row %d: the page has %v, table.json %v", i, got, want)
		}
		got = leak[i+1]
		want = []string{r.Name, fmt.Sprint(r.Seed), cell("%.2f", m.Skill, 1), cell("%.2f", m.LossSkill, 1), cell("%.1f%%", m.ExactShare, 100), cell("%.1f%%", m.HeldShare, 100), got[6], got[7], got[8]}
		if !slices.Equal(got, want) || (got[6] == "yes") != (r.EmulatorZS != nil) {
			t.Errorf("row %d: the page has %v, table.json %v", i, got, want)
		}
	}
}

func baselinesAgree(t *testing.T, p page, table study.Table) {
	t.Helper()
	lines := p.tables["Emulators against random, crash"]
	if len(table.Baselines) != 3 || len(lines) != 4 {
		t.Fatalf("%d lines for %d comparisons", len(lines), len(table.Baselines))
	}
	for i, c := range table.Baselines {
		l := c.Loss
		want := []string{c.Row, c.Against, share(&c.Difference), share(&c.Stderr), share(c.SeedStderr), fmt.Sprintf("%d : %d", c.Won, c.Lost), fmt.Sprintf("%.4f", c.PHolm),
			cell("%+.4f", &l.Difference, 1), cell("%.4f", &l.Stderr, 1), cell("%.4f", l.SeedStderr, 1), fmt.Sprintf("%.4f", l.PHolm)}
		if !slices.Equal(lines[i+1], want) {
			t.Errorf("line %d: the page has %v, table.json %v", i, lines[i+1], want)
		}
	}
}

// sheetAgrees: table.csv has a line for each row, with every measure beside the result.
func sheetAgrees(t *testing.T, path string, table study.Table) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll() // an error where lines are not of one length
	if err != nil || len(lines) != len(table.Rows)+1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	at := slices.Index(lines[0], "answer loss")
	if at < 0 || !slices.Contains(lines[0], "plug-in") || !slices.Contains(lines[0], "exact weights") {
		t.Fatalf("columns %q", lines[0])
	}
	if heads := slices.Sorted(slices.Values(lines[0])); len(slices.Compact(heads)) != len(lines[0]) {
		t.Errorf("a column twice in %q", lines[0])
	}
	for i, r := range table.Rows {
		if got, want := lines[i+1][at], cell("%.4f", r.AnswerLoss, 1); lines[i+1][0] != r.Name || got != want {
			t.Errorf("%s: answer loss %s, want %s", r.Name, got, want)
		}
	}
}

func comparisonsAgree(t *testing.T, p page, table study.Table) {
	t.Helper()
	differences := p.tables["Differences between plug-ins"]
	if len(table.Comparisons) < 5 || len(differences) != len(table.Comparisons)+1 {
		t.Fatalf("%d lines for %d comparisons", len(differences), len(table.Comparisons))
	}
	for i, c := range table.Comparisons {
		got := differences[i+1]
		if want := []string{c.Row, c.Against, share(&c.Difference), share(&c.Stderr), share(c.SeedStderr), fmt.Sprintf("%.4f", c.PHolm), "paired"}; !slices.Equal(got, want) {
			t.Errorf("comparison %d: the page has %v, table.json %v", i, got, want)
		}
	}
}

// summaryAgrees looks for each number with decimals among those that table.json gives.
func summaryAgrees(t *testing.T, p page, table study.Table) {
	t.Helper()
	numbers := map[string]bool{"0.0005": true}
	for _, c := range table.Comparisons {
		for _, v := range []float64{c.Accuracy, c.AgainstAccuracy, math.Abs(c.Difference), c.Stderr} {
			numbers[share(&v)] = true
		}
		numbers[share(c.SeedStderr)], numbers[fmt.Sprintf("%.3f", c.PHolm)] = true, true
	}
	won := table.Comparisons[0].Row
	for _, cell := range []func(study.Row) *float64{
		func(r study.Row) *float64 { return r.EmulatorFT }, func(r study.Row) *float64 { return r.Delta }, func(r study.Row) *float64 { return &r.Stderr },
	} {
		mean, n, most := 0.0, 0.0, 0.0
		for _, r := range table.Rows {
			if v := cell(r); v != nil && (r.Name == won || won == "random" && strings.HasPrefix(r.Name, "random-")) {
				mean, n, most = mean+*v, n+1, max(most, *v)
			}
		}
		mean /= n
		numbers[share(&mean)], numbers[share(&most)] = true, true
	}
	recovery, cosine, n := [2]float64{}, 0.0, 0.0
	for _, r := range table.Rows {
		if m := r.Measures; r.Name == won || won == "random" && strings.HasPrefix(r.Name, "random-") {
			cosine, n = cosine+*m.Cosine, n+1
			for i, v := range []*study.Recovery{m.Recovery, m.LossRecovery} {
				if v != nil {
					recovery[i] += v.Value
				}
			}
		}
	}
	for _, v := range recovery {
		mean := v / n
		numbers[share(&mean)] = true
	}
	numbers[fmt.Sprintf("%.2f", cosine/n)] = true
	for _, number := range regexp.MustCompile(`-?\d+\.\d+`).FindAllString(p.summary, -1) {
		if !numbers[number] {
			t.Errorf("%s of the summary is not in table.json:\n%s", number, p.summary)
		}
	}
}

func figuresAgree(t *testing.T, p page, path string) {
	t.Helper()
	for _, caption := range []string{"CKA of neighbouring states", "CKA of all states", "Loss in nats a target token"} {
		if len(p.tables[caption]) < 2 {
			t.Fatalf("no values in a table %q", caption)
		}
	}
	var sim measure.Similarity
	if err := files.ReadSealed(path, files.Small, &sim); err != nil {
		t.Fatal(err)
	}
	for i, row := range sim.Matrix[:len(sim.Matrix)-1] {
		want := []string{fmt.Sprintf("%d, %d", i, i+1), fmt.Sprintf("%.4f", row[i+1])}
		if got := p.tables["CKA of neighbouring states"][i+1]; !slices.Equal(got, want) {
			t.Errorf("neighbours %v, measured %v", got, want)
		}
	}
}

// linksResolve looks for what a page links, and for what it does not.
func linksResolve(t *testing.T, dir string, links []string) {
	t.Helper()
	linked := map[string]bool{}
	for _, link := range links {
		name, err := url.PathUnescape(link)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			t.Errorf("link %s: %v", link, err)
		}
		linked[path] = true
	}
	for _, name := range []string{"table.json", "table.csv", "table.md", "config.json", "plots/scores.svg", "seed-1/similarity.json", "seed-2/rows/random-2/result.json",
		"seed-1/rows/crash/lr0.001/metrics.jsonl", "seed-1/rows/crash/lr0.001/adapter/adapter.safetensors"} {
		if !linked[filepath.Join(dir, filepath.FromSlash(name))] {
			t.Errorf("%s is not linked", name)
		}
	}
}
