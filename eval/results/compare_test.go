package results_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lamina/eval/results"
)

// compare compares two runs of testdata or of a test.
func compare(t *testing.T, a, b string, s results.Settings) results.Comparison {
	t.Helper()
	c, err := tryCompare(a, b, s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryCompare(a, b string, s results.Settings) (results.Comparison, error) {
	runA, err := results.Read(a)
	if err != nil {
		return results.Comparison{}, err
	}
	runB, err := results.Read(b)
	if err != nil {
		return results.Comparison{}, err
	}
	if s.Resamples == 0 {
		s.Resamples = 2000
	}
	return results.Compare(context.Background(), runA, runB, s)
}

// Runs that lm-eval 0.4.8 wrote (testdata/gen_compare.py): values over the documents
// that both have, every difference inside its interval, and what is not alike said.
func TestCompareHarness(t *testing.T) {
	var golden struct{ Both map[string][3]float64 }
	text, err := os.ReadFile("testdata/compare.json")
	if err == nil {
		err = json.Unmarshal(text, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := compare(t, "testdata/runs/a", "testdata/runs/b", results.Settings{Seed: 42})
	if len(c.Rows) != len(golden.Both) {
		t.Errorf("%d rows, want %d", len(c.Rows), len(golden.Both))
	}
	for _, r := range c.Rows {
		metric, _, _ := strings.Cut(r.Metric, ",")
		want, ok := golden.Both[r.Task+"/"+metric]
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(b)) }
		if !ok || !near(r.A, want[0]) || !near(r.B, want[1]) || r.Documents != int(want[2]) || !r.Paired || r.OnlyA != 2 || r.OnlyB != 1 {
			t.Errorf("%+v, want %v", r, want)
		}
		if r.Difference != r.B-r.A || !(r.Low <= r.Difference && r.Difference <= r.High) || !(r.P > 0 && r.P <= 1) {
			t.Errorf("%s %s: %v in [%v, %v], p %v", r.Task, r.Metric, r.Difference, r.Low, r.High, r.P)
		}
		if r.HigherIsBetter != slices.Contains([]string{"acc", "acc_norm", "exact_match"}, metric) {
			t.Errorf("%s: higher is better: %v", metric, r.HigherIsBetter)
		}
	}
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"choices: 10 documents in both, 2 in A only, 1 in B only", "choices: the hashes of all documents, prompts and targets differ", `choices: documents: {"original":12,"effective":12} in A`} {
		if !strings.Contains(all, want) {
			t.Errorf("%q warns of no %q", all, want)
		}
	}
	acc := c.Rows[0]
	if acc.Task != "choices" || acc.Metric != "acc" || acc.P > 0.1 || acc.Low < 0 {
		t.Errorf("0.4 and 0.9 of ten documents: %+v", acc)
	}
	one := compare(t, "testdata/runs/a", "testdata/runs/b", results.Settings{Seed: 42, Metric: "acc"})
	if len(one.Rows) != 2 || !slices.ContainsFunc(c.Rows, func(r results.Row) bool { return r == one.Rows[0] }) {
		t.Errorf("--metric acc: %+v", one.Rows)
	}
}

// What the writer of this package leaves is read, and its samples give its scores.
// Of lm-eval's own run of the same there are two documents a task only.
func TestCompareReadsWhatWriteWrote(t *testing.T) {
	dir := t.TempDir()
	if _, err := evaluation(t).Write(dir, true); err != nil {
		t.Fatal(err)
	}
	c := compare(t, dir, dir, results.Settings{})
	if len(c.Rows) != 8 || len(c.Warnings) != 0 {
		t.Errorf("%d rows, %q", len(c.Rows), c.Warnings)
	}
	for _, r := range c.Rows {
		if !r.Paired || r.P != 1 || r.Documents < 20 {
			t.Errorf("%+v", r)
		}
	}
	for _, r := range compare(t, dir, filepath.Join(harness, "results"), results.Settings{}).Rows {
		if r.Paired || !strings.Contains(r.Why, " of B give ") && !strings.Contains(r.Why, "B has samples of 2 documents, not of ") || math.Abs(r.Difference) > 1e-3*math.Abs(r.A) {
			t.Errorf("%+v", r)
		}
	}
}

func TestCompareWithItself(t *testing.T) {
	c := compare(t, "testdata/runs/a", "testdata/runs/a", results.Settings{Seed: 1})
	for _, r := range c.Rows {
		if r.Difference != 0 || r.Low != 0 || r.High != 0 || r.P != 1 || !r.Paired || r.Documents != 12 {
			t.Errorf("%+v", r)
		}
	}
	if len(c.Warnings) != 0 {
		t.Error(c.Warnings)
	}
}

func TestSameSeedSameBits(t *testing.T) {
	text := func(seed uint64) string {
		out, err := json.Marshal(compare(t, "testdata/runs/a", "testdata/runs/b", results.Settings{Seed: seed}))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	first := text(42)
	old := runtime.GOMAXPROCS(1)
	one := text(42)
	runtime.GOMAXPROCS(old)
	if first != one {
		t.Error("another number of processors gives other numbers")
	}
	if text(43) == first {
		t.Error("another seed gives the same numbers")
	}
}

// run writes a directory of results and samples, "" for none.
func run(t *testing.T, result, samples string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"results.json": result, "samples_t.jsonl": samples} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	half    = `{"results":{"t":{"acc,none":0.5,"acc_stderr,none":0.1}}}`
	samples = `{"doc_id":0,"doc_hash":"x","acc":1}` + "\n" + `{"doc_id":1,"doc_hash":"y","acc":0}` + "\n"
)

// Without samples that can be used, the standard errors give the interval, and the
// row says why.
func TestUnpaired(t *testing.T) {
	b := strings.Replace(half, "0.5", "0.7", 1)
	for _, c := range []struct{ name, a, samplesA, b, samplesB, why string }{
		{"no samples", half, "", b, "", "no samples in A and B"},
		{"none in B", half, samples, b, "", "no samples in B (--log-samples)"},
		{"of other scores", half, samples, b, samples, "the samples of B give 0.5, not 0.7"},
		{"of other documents", half, samples, b, strings.NewReplacer(`"x"`, `"u"`, `"y"`, `"v"`, "doc_id\":", "doc_id\":7").Replace(samples), "share no document"},
		{"NaN", half, samples, half, strings.Replace(samples, `"acc":0`, `"acc":NaN`, 1), "document 1 has no finite value"},
		{"no value", half, samples, half, strings.Replace(samples, `"acc":0`, `"f1":0`, 1), "document 1 has no finite value"},
		{"another way to sum up", half, samples, strings.TrimSuffix(half, "}") + `,"configs":{"t":{"metric_list":[{"metric":"acc","aggregation":"median"}]}}}`, samples, "values are summed up by"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := compare(t, run(t, c.a, c.samplesA), run(t, c.b, c.samplesB), results.Settings{})
			r := got.Rows[0]
			if r.Paired || !strings.Contains(r.Why, c.why) {
				t.Errorf("%+v, want why %q", r, c.why)
			}
			// ±1.96·√0.02; p = erfc(0.2/√0.02/√2)
			if want := 1.959963984540054 * math.Sqrt(0.02); math.Abs(r.High-r.Low-2*want) > 1e-12 {
				t.Errorf("interval %v to %v, want %v wide", r.Low, r.High, 2*want)
			}
			if r.Difference > 0.1 && math.Abs(r.P-0.157299207) > 1e-8 {
				t.Errorf("p %v", r.P)
			}
		})
	}
	noErrors := `{"results":{"t":{"acc,none":0.5,"acc_stderr,none":"N/A"}}}`
	if r := compare(t, run(t, noErrors, ""), run(t, half, ""), results.Settings{}).Rows[0]; !math.IsNaN(r.Low) || !math.IsNaN(r.P) {
		t.Errorf("%+v", r)
	}
	overflow := `{"results":{"t":{"perplexity,none":Infinity,"perplexity_stderr,none":NaN}}}`
	c := compare(t, run(t, overflow, ""), run(t, overflow, ""), results.Settings{})
	if text, err := json.Marshal(c); err != nil || !strings.Contains(string(text), `"a":null`) {
		t.Errorf("%s, %v", text, err)
	}
}

// Documents are matched in any order, equal ones one by one; by number where no hash
// is shared.
func TestMatching(t *testing.T) {
	lines := func(list ...string) string { return strings.Join(list, "\n") + "\n" }
	a := lines(`{"doc_id":0,"doc_hash":"x","acc":1}`, `{"doc_id":1,"doc_hash":"x","acc":0}`, `{"doc_id":2,"doc_hash":"y","acc":1}`, `{"doc_id":3,"doc_hash":"z","acc":0}`)
	b := lines(`{"doc_id":0,"doc_hash":"z","acc":0}`, `{"doc_id":1,"doc_hash":"y","acc":1}`, `{"doc_id":2,"doc_hash":"x","acc":1}`, `{"doc_id":3,"doc_hash":"x","acc":0}`)
	c := compare(t, run(t, half, a), run(t, half, b), results.Settings{})
	if r := c.Rows[0]; r.P != 1 || r.High != 0 || r.Low != 0 || r.Documents != 4 || len(c.Warnings) != 0 {
		t.Errorf("the same scores in another order: %+v %q", r, c.Warnings)
	}
	other := strings.NewReplacer(`"x"`, `"X"`, `"y"`, `"Y"`, `"z"`, `"Z"`).Replace(a)
	c = compare(t, run(t, half, a), run(t, half, other), results.Settings{})
	if r := c.Rows[0]; r.P != 1 || r.Documents != 4 || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "matched by their numbers") {
		t.Errorf("by number: %+v %q", r, c.Warnings)
	}
	prompts := strings.ReplaceAll(a, `"acc"`, `"prompt_hash":"p","target_hash":"q","acc"`)
	c = compare(t, run(t, half, a), run(t, half, prompts), results.Settings{})
	if want := []string{"t: 4 of 4 documents have other prompts", "t: 4 of 4 documents have other targets"}; !slices.Equal(c.Warnings, want) {
		t.Errorf("%q, want %q", c.Warnings, want)
	}
}

func TestWarnings(t *testing.T) {
	one := `{"results":{"t":{"acc,none":0.5}},"n-shot":{"t":2},"versions":{"t":1.0},"task_hashes":{"t":"u"},"config":{"limit":null,"fewshot_seed":1},"chat_template_sha":"c","lamina":{"rules":"0.4"}}`
	two := `{"results":{"t":{"acc,none":0.5}},"n-shot":{"t":0},"versions":{"t":2},"task_hashes":{"t":"v"},"config":{"limit":10.0,"fewshot_seed":2},"chat_template_sha":"d","lamina":{"rules":"0.3"}}`
	c := compare(t, run(t, one, ""), run(t, two, ""), results.Settings{})
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"the rules: 0.4 in A, 0.3 in B", "the limit of documents: null in A, 10.0 in B", "the chat template", "t: examples: 2 in A, 0 in B", "t: version: 1.0 in A, 2 in B", "t: the hashes", "t: seed of the examples"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q warns of no %q", all, want)
		}
	}
	same := strings.Replace(one, "1.0", "1", 1)
	if c := compare(t, run(t, one, ""), run(t, same, ""), results.Settings{}); len(c.Warnings) != 0 {
		t.Error(c.Warnings)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	several := run(t, half, "")
	if err := os.WriteFile(filepath.Join(several, "results_2.json"), []byte(half), 0o644); err != nil {
		t.Fatal(err)
	}
	huge := file("huge.json", "")
	if err := os.Truncate(huge, 1<<30); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.json"), "no such file"},
		{"no results in a directory", t.TempDir(), "holds no results"},
		{"several", several, "holds 2 files of results"},
		{"empty", file("empty.json", " \n"), "is empty"},
		{"no JSON", file("text.json", "acc 0.5"), "no file of results"},
		{"cut off", file("cut.json", half[:30]), "no file of results"},
		{"a list", file("list.json", "[1]"), "want an object"},
		{"another object", file("other.json", `{"matrix":[]}`), `the key "results" is missing`},
		{"no tasks", file("tasks.json", `{"results":{}}`), "is empty"},
		{"no numbers", file("words.json", `{"results":{"t":{"acc,none":"N/A"}}}`), "no numbers"},
		{"a task no object", file("task.json", `{"results":{"t":1}}`), `results: "t": want an object`},
		{"a task twice", file("twice.json", `{"results":{"t":{"acc":1},"t":{"acc":2}}}`), `duplicate member "t"`},
		{"a metric twice", file("metric.json", `{"results":{"t":{"acc":1,"acc":2}}}`), `duplicate member "acc"`},
		{"a setting twice", file("setting.json", `{"results":{"t":{"acc":1}},"configs":{"t":{"metric_list":[{"metric":"acc","metric":"em"}]}}}`), `duplicate member "metric"`},
		{"more behind", file("more.json", `{"results":{"t":{"acc":1}}} {}`), "end of the file"},
		{"settings no object", file("config.json", `{"results":{"t":{"acc":1}},"configs":[]}`), "configs: want an object"},
		{"huge", huge, "more than"},
	} {
		if _, err := results.Read(c.path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	good := run(t, half, samples)
	for _, c := range []struct{ name, result, samples, metric, want string }{
		{"no JSON", half, "acc 1\n", "", "samples_t.jsonl:1: is no sample"},
		{"a line cut off", half, samples + `{"doc_id":2,`, "", "samples_t.jsonl:3"},
		{"no document", half, `{"acc":1}` + "\n", "", "neither"},
		{"a hash no text", half, `{"doc_hash":1}` + "\n", "", "doc_hash: want a text"},
		{"a value twice", half, `{"doc_id":0,"acc":1,"acc":0}` + "\n", "", `"acc" comes twice`},
		{"another task", strings.Replace(half, `"t"`, `"u"`, 1), "", "", "no task and metric in common"},
		{"unknown metric", half, samples, "f1", `no metric "f1": it has acc`},
	} {
		if _, err := tryCompare(good, run(t, c.result, c.samples), results.Settings{Metric: c.metric}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	// A task's name never leads out of the directory.
	away := run(t, strings.Replace(half, `"t"`, `"../t"`, 1), "")
	if err := os.WriteFile(filepath.Join(filepath.Dir(away), "t.jsonl"), []byte("no sample\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c := compare(t, away, away, results.Settings{}); c.Rows[0].Paired {
		t.Errorf("%+v", c.Rows)
	}
}

// Samples that are there and cannot be read are no samples that are not there.
func TestSamplesThatAreNoFile(t *testing.T) {
	if c := compare(t, "testdata/runs/a", "testdata/runs/b", results.Settings{}); !c.Rows[0].Paired {
		t.Fatal("the good twin is not paired")
	}
	for what, put := range map[string]func(path string) error{
		"a directory":    func(path string) error { return os.Mkdir(path, 0o755) },
		"a link to none": func(path string) error { return os.Symlink("none", path) },
		"a device":       func(path string) error { return os.Symlink("/dev/zero", path) },
		"a hole":         func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 1<<40)) },
		"":               func(path string) error { return nil },
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/runs/a")); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "samples_choices_*.jsonl"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if err := os.Remove(found[0]); err != nil {
			t.Fatal(err)
		}
		if err := put(found[0]); err != nil {
			t.Skip(what, err)
		}
		c, err := tryCompare(dir, "testdata/runs/b", results.Settings{})
		if what == "" {
			if err != nil || !strings.Contains(c.Rows[0].Why, "no samples in A") {
				t.Errorf("without samples: %v, %+v", err, c.Rows)
			}
		} else if err == nil || !strings.Contains(err.Error(), found[0]) {
			t.Errorf("%s: %v, want %s", what, err, found[0])
		}
	}
}
