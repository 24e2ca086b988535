package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/plan"
)

// Every target finds cases of the suites, each of which has the entries that it names: with
// rates of their place in the case each gives a value.
func TestTargetsAreMeasured(t *testing.T) {
	chosen, err := plan.Uniform.Plan(plan.Request{Layers: 30, Keep: keptBlocks, Trainable: trainedCount})
	if err != nil {
		t.Fatal(err)
	}
	for _, quick := range []bool{false, true} {
		o := &options{quick: quick, threads: []int{1, 2}, questions: 400, samples: 512, files: inputs{plan: chosen.Plan}}
		var results []result
		for _, s := range suites() {
			for _, m := range s.cases(o) {
				r := result{Suite: m.suite, Case: m.name, Threads: m.threads}
				for i, e := range m.entries {
					r.Entries = append(r.Entries, entryResult{Label: e.label, Threads: e.threads, Rate: float64(i + 1), Share: 0.5, Peak: 100 * (i + 1)})
				}
				results = append(results, r)
			}
		}
		for _, target := range targets() {
			for _, r := range results {
				if r.Suite == target.suite && target.cases(r) && target.value(r) == 0 {
					t.Errorf("%s: nothing of %s on %d threads", target.work, r.Case, r.Threads)
				}
			}
			if f := target.find(results); f.value == 0 || f.from == "" {
				t.Errorf("%s: not measured by any case", target.work)
			}
		}
		if text := targetsText(results); strings.Count(text, "\n| ") != len(targets())+1 || strings.Contains(text, "not measured") {
			t.Errorf("the table is\n%s", text)
		}
	}
}

// case of two entries, ours and another one, on so many threads.
func pair(suite, name string, threads int, ours, other float64) result {
	return result{Suite: suite, Case: name, Threads: threads, Entries: []entryResult{
		{Label: oursName, Threads: threads, Rate: ours, Share: ours / 100, Peak: int(ours)}, {Label: "oneDNN", Threads: threads, Rate: other, Peak: int(other)},
	}}
}

// The worst case and the mean, at least and at most, the largest number of threads and all,
// counted by hand.
func TestFind(t *testing.T) {
	results := []result{
		pair("gemm", "a", 1, 1, 4), pair("gemm", "a", 2, 8, 4), pair("gemm", "b", 2, 2, 4), pair("ops", "a", 2, 1, 100), pair("gemm", "unmeasured", 4, 0, 0),
	}
	results[2].Noisy = true
	any, missing := func(result) bool { return true }, func(r result) bool { return r.Case == "c" }
	for _, c := range []struct {
		t    target
		want finding
	}{
		{target{cases: any, threads: true, bar: 0.25, value: over(oursName, "oneDNN")}, finding{0.25, "a on 1 thread", false, true}},
		{target{cases: any, threads: true, bar: 0.26, value: over(oursName, "oneDNN")}, finding{0.25, "a on 1 thread", false, false}},
		{target{cases: called("a"), bar: 2, value: over(oursName, "oneDNN")}, finding{2, "a on 2 threads", false, true}},
		{target{cases: any, threads: true, atMost: true, bar: 2, value: over(oursName, "oneDNN")}, finding{2, "a on 2 threads", false, true}},
		{target{cases: any, threads: true, atMost: true, bar: 1.9, value: over(oursName, "oneDNN")}, finding{2, "a on 2 threads", false, false}},
		{target{cases: called("b"), bar: 0.1, value: over(oursName, "none", "one")}, finding{0.5, "b on 2 threads", true, true}},
		{target{cases: any, threads: true, bar: 0.7, mean: true, value: over(oursName, "oneDNN")}, finding{0.6299605249474366, "3 cases", true, false}},
		{target{cases: called("a"), threads: true, bar: 8, value: shareOf(oursName)}, finding{1, "a on 1 thread", false, false}},
		{target{cases: called("a"), bar: 4, value: rateOfCore(oursName)}, finding{4, "a on 2 threads", false, true}},
		{target{cases: called("b"), atMost: true, bar: 0.75, value: memoryOver(oursName, "oneDNN")}, finding{0.5, "b on 2 threads", true, true}},
		{target{cases: missing, bar: 0, value: over(oursName, "oneDNN")}, finding{}},
		{target{cases: missing, atMost: true, bar: 1, value: over(oursName, "oneDNN")}, finding{}},
		{target{cases: any, threads: true, bar: 1, value: over(oursName, "none")}, finding{}},
	} {
		c.t.suite = "gemm"
		got := c.t.find(results)
		if c.want.value == 0 {
			c.want.reached = got.reached // of nothing
		}
		if got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
	for _, c := range []struct {
		t    target
		f    finding
		want string
	}{
		{target{work: "w", bar: 2}, finding{1.5, "a", true, false}, "| w | ≥ 2.00 | 1.50 | **missed by 0.50**, noisy | a |\n"},
		{target{work: "w", bar: 75, unit: "%"}, finding{80, "a", false, true}, "| w | ≥ 75% | 80% | reached | a |\n"},
		{target{work: "w", bar: 0.75, atMost: true}, finding{}, "| w | ≤ 0.75 | – | not measured |  |\n"},
	} {
		if got := c.t.row(c.f); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// The table can be made again from the files of runs, of which the later one counts.
func TestTargetsOfFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, results ...result) string {
		path := filepath.Join(dir, name)
		data, err := json.Marshal(document{Results: results})
		if err == nil {
			err = os.WriteFile(path, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := write("1.json", pair("gemm", "512x512x512 AB", 2, 80, 100), pair("gemm", "512x512x512 ABt", 2, 50, 100))
	second := write("2.json", pair("gemm", "512x512x512 ABt", 2, 96, 100))
	for _, c := range []struct {
		paths []string
		want  string
	}{{[]string{first}, "0.63"}, {[]string{first, second}, "0.88"}} {
		text, err := targetsOf(c.paths)
		if err != nil || !strings.Contains(text, fmt.Sprintf("mean | ≥ 0.97 | %s |", c.want)) || !strings.Contains(text, "not measured") {
			t.Errorf("%v\n%s", err, text)
		}
	}
	for _, path := range []string{filepath.Join(dir, "none.json"), write("3.json"), write("4.json", pair("cka", "a", 2, 1, 1))} {
		if text, err := targetsOf([]string{path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	o, err := parseFlags([]string{"-targets", "a,b"}, os.Stderr)
	if err != nil || !slices.Equal(o.results, []string{"a", "b"}) {
		t.Errorf("%+v, %v", o, err)
	}
}
