package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamina/bench/workload"
	"lamina/crash/plan"
	"lamina/kernels"
)

// The test's own program plays a worker when it is asked to: "worker 1" is what
// the driver starts for ours.
func TestMain(m *testing.M) {
	switch os.Getenv("COMPARE_WORKER") {
	case "":
		os.Exit(m.Run())
	case "ours":
		serve(1, "f32")
	case "gonum":
		serveGonum(1)
	case "fake":
		fake()
	}
}

// fake answers with what it was asked for, among other lines.
func fake() {
	in, asked := bufio.NewScanner(os.Stdin), 0
	for in.Scan() {
		asked++
		fmt.Println("a library says something")
		switch f := strings.Split(in.Text(), "\t"); f[0] {
		case "hello":
			fmt.Println(`@@ {"seconds": 0, "version": "fake 1.0"}`)
		case "seconds":
			fmt.Printf("@@ {\"seconds\": %s, \"tokens\": 7, \"peak\": 1000}\n", f[1])
		case "rising":
			fmt.Printf("@@ {\"seconds\": %d}\n", asked)
		case "machine":
			fmt.Println(`@@ {"limits": {"flops": 1, "read": 1, "copy": 1}}`)
		case "fail":
			fmt.Println(`@@ {"error": "no such thing"}`)
		case "garbage":
			fmt.Println(`@@ {`)
		case "end":
			return
		}
	}
}

func start(t *testing.T, kind string) *worker {
	t.Helper()
	w, err := startWorker(contender{name: kind, command: []string{os.Args[0]}, env: []string{"COMPARE_WORKER=" + kind}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	return w
}

func TestWorker(t *testing.T) {
	w := start(t, "fake")
	if w.version != "fake 1.0" {
		t.Errorf("version %q", w.version)
	}
	a, err := w.ask(time.Minute, "seconds", 0.25)
	if err != nil || a.Seconds != 0.25 || a.Tokens != 7 || a.Peak != 1000 {
		t.Errorf("%+v, %v", a, err)
	}
	for request, want := range map[string]string{"fail": "no such thing", "garbage": "answer"} {
		if _, err := w.ask(time.Minute, request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", request, err)
		}
	}
	if _, err := w.ask(time.Millisecond, "silence"); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("silence: %v", err)
	}
	if _, err := w.ask(time.Minute, "end"); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("end: %v", err)
	}
}

func TestOurWorker(t *testing.T) {
	w := start(t, "ours")
	for _, request := range []string{
		"gemm 3 4 5 1 n t f32 0.001", "gemm 3 4 5 2 t n bf16 0.001", "op layer_norm 512x768 0.001", "train tiny 2", "forward tiny 1",
		"decode tiny F32 4 2", "decode tiny Q4_1 4 2", "prefill tiny F32 8",
	} {
		fields := strings.Split(request, " ")
		words := make([]any, len(fields))
		for i, f := range fields {
			words[i] = f
		}
		a, err := w.ask(time.Minute, words...)
		if err != nil || !(a.Seconds > 0) || a.Peak < 1<<20 || a.Cost == nil || !(a.Cost.FLOP+a.Cost.Read+a.Cost.Moved > 0) {
			t.Errorf("%s: %+v, %v", request, a, err)
		}
	}
	if a, err := w.ask(time.Minute, "machine"); err != nil || a.Limits == nil || !(a.Limits.Peak > 0) || !(a.Limits.Read > 0) || !(a.Limits.Copy > 0) {
		t.Errorf("machine: %+v, %v", a, err)
	}
	for _, wrong := range []string{"jump", "gemm", "gemm\t0\t1\t1\t1\tn\tn\tf32\t1", "gemm\t1\t1\t1\t1\tn\tn\tf8\t1", "op\tsing\t1x1\t1", "train\thuge\t1", "load\tnone"} {
		if _, err := w.ask(time.Minute, wrong); err == nil {
			t.Errorf("%q has an answer", wrong)
		}
	}
}

// gonum's product is what it says: a rate below zero or none would show, not a wrong product.
func TestGonumWorker(t *testing.T) {
	w := start(t, "gonum")
	for _, ta := range []string{"n", "t"} {
		for _, tb := range []string{"n", "t"} {
			if a, err := w.ask(time.Minute, "gemm", 3, 4, 5, 2, ta, tb, "f32", 0.001); err != nil || !(a.Seconds > 0) {
				t.Errorf("%s%s: %+v, %v", ta, tb, a, err)
			}
		}
	}
	for _, wrong := range []string{"jump", "gemm", "gemm\t0\t1\t1\t1\tn\tn\tf32\t1", "gemm\t1\t1\t1\t1\tn\tn\tbf16\t1"} {
		if _, err := w.ask(time.Minute, wrong); err == nil {
			t.Errorf("%q has an answer", wrong)
		}
	}
}

// What our backend does not compute is no worker: the driver leaves it out by name.
func TestPrecisions(t *testing.T) {
	b := &bout{options: &options{skip: []string{"slow"}}, document: &document{}}
	for _, c := range []struct {
		e    entry
		want bool
	}{
		{entry{worker: oursName, label: oursName}, false}, {entry{worker: oursName, precision: kernels.PrecisionBF16}, false},
		{entry{worker: oursName, precision: 99}, true}, {entry{worker: oursName, precision: 99}, true},
		{entry{worker: "torch", label: "PyTorch, slow"}, true}, {entry{worker: "torch", precision: 99}, false},
	} {
		if got := b.skipped(c.e); got != c.want {
			t.Errorf("%+v is skipped: %v, want %v", c.e, got, c.want)
		}
	}
	if len(b.document.Left) != 1 || !strings.Contains(b.document.Left[0], "Precision(99)") || !strings.Contains(b.document.head(), "Left out: lamina Precision(99)") {
		t.Errorf("left out %q in %q", b.document.Left, b.document.head())
	}
}

// Quartiles of rounds, and a case that is measured again because of them: of two contenders
// one answers differently each time.
func TestNoise(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{1, 9}, 0}, {[]float64{2, 1, 3}, 0.5}, {[]float64{10, 1, 10, 10, 99}, 0}, {[]float64{4, 1, 2, 3}, 0.6}, {[]float64{0, 0, 0}, 0},
	} {
		if got := spread(c.values); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("spread of %v is %v, want %v", c.values, got, c.want)
		}
	}
	fakes := map[string][]string{oursName: {os.Args[0]}, "other": {os.Args[0]}}
	for _, c := range []struct {
		name, verb string
		rounds     int
		repeats    int
		noisy      bool
	}{{"quiet", "seconds", 5, 0, false}, {"noisy", "rising", 5, 2, true}, {"unknown", "rising", 2, 0, false}} {
		t.Setenv("COMPARE_WORKER", "fake")
		dir := t.TempDir()
		b := &bout{options: &options{}, place: place{dir: dir}, commands: fakes, document: &document{}, pool: map[string]*worker{}}
		if err := os.Mkdir(b.place.path("logs"), 0o755); err != nil {
			t.Fatal(err)
		}
		m := measurement{suite: "gemm", name: c.name, threads: 1, amount: 1, entries: []entry{
			{worker: oursName, label: oursName, threads: 1, fields: []any{"seconds", 2}}, {worker: "other", label: "other", threads: 1, fields: []any{c.verb, 1}},
			{worker: "other", label: "absent", threads: 1, absent: true}, {worker: "other", label: "broken", threads: 1, fields: []any{"fail"}},
		}}
		r, err := b.measure(m, c.rounds)
		b.closeAll()
		if err != nil || r.Repeats != c.repeats || r.Noisy != c.noisy || len(r.Entries[1].Seconds) != c.rounds+3*c.repeats || len(r.Entries[2].Seconds) > 0 || r.Entries[3].Error == "" {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		r.finish(m, nil)
		text := markdown(suite{}, []result{r})
		for part, want := range map[string]bool{"**noisy**": c.noisy, "(–; 0%)": c.rounds > 2, "| – | failed |": true} {
			if strings.Contains(text, part) != want {
				t.Errorf("%s: %q is in the table: %v, want %v\n%s", c.name, part, !want, want, text)
			}
		}
	}
}

// What was measured before a case fails is not lost with it.
func TestSuiteThatFails(t *testing.T) {
	t.Setenv("COMPARE_WORKER", "fake")
	dir := t.TempDir()
	b := &bout{options: &options{}, place: place{dir: dir}, commands: map[string][]string{oursName: {os.Args[0]}},
		document: &document{Limits: map[int]map[string]*limits{}}, pool: map[string]*worker{}}
	defer b.closeAll()
	if err := os.Mkdir(b.place.path("logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	one := func(name, verb string) measurement {
		return measurement{suite: "some", name: name, threads: 1, amount: 6, entries: []entry{{worker: oursName, label: oursName, threads: 1, fields: []any{verb, 2}}}}
	}
	results, err := b.suite(suite{name: "some", rounds: 3, cases: func(*options) []measurement {
		return []measurement{one("first", "seconds"), one("second", "fail"), one("third", "seconds")}
	}})
	if err == nil || len(results) != 1 || results[0].Case != "first" || results[0].Entries[0].Rate != 3 {
		t.Errorf("%+v, %v; want the first case at a rate of 3, and an error", results, err)
	}
}

// Medians over the rounds, the ratio against the fastest other one on as many
// threads, and shares of the limit.
func TestResult(t *testing.T) {
	r := result{Threads: 2, Unit: "tokens/s", Entries: []entryResult{
		{Label: "lamina", Threads: 2, ours: true}, {Label: "lamina, 1 thread", Threads: 1, ours: true},
		{Label: "slow", Threads: 2}, {Label: "fast", Threads: 2}, {Label: "broken", Threads: 2, Error: "gone"},
	}}
	for i, seconds := range [][]float64{{2, 1, 9}, {4, 4}, {8, 8, 8}, {4, 3, 2, 3}, nil} {
		for _, s := range seconds {
			r.Entries[i].add(answer{Seconds: s, Peak: 100 * (i + 1), Cost: map[bool]*workload.Cost{true: {FLOP: 60}}[i < 2]}, 600)
		}
	}
	r.finish(measurement{amount: 600, fresh: true}, map[int]workload.Machine{1: {Peak: 30, Read: 1, Copy: 1}, 2: {Peak: 60, Read: 1, Copy: 1}})
	if r.Limit != 600 || r.Best != "fast" || r.Ratio != 1.5 {
		t.Errorf("limit %v, best %q, ratio %v; want 600, fast, 1.5", r.Limit, r.Best, r.Ratio)
	}
	for i, want := range []struct{ rate, share float64 }{{300, 0.5}, {150, 0.5}, {75, 0.125}, {200, 1. / 3}, {0, 0}} {
		if e := r.Entries[i]; e.Rate != want.rate || math.Abs(e.Share-want.share) > 1e-15 {
			t.Errorf("%s: rate %v, share %v; want %v", e.Label, e.Rate, e.Share, want)
		}
	}
	text := markdown(suite{name: "train", about: "steps"}, []result{r})
	for _, want := range []string{"## train: steps", "| lamina | lamina, 1 thread | slow | fast | broken |", "300 (50%; 89%), 0 MB", "failed", "**1.50** (fast)", "2 threads"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	if mean, n := geometricMean([]result{{Ratio: 2}, {}, {Ratio: 8}}); n != 2 || math.Abs(mean-4) > 1e-12 {
		t.Errorf("geometric mean %v of %d, want 4 of 2", mean, n)
	}
}

// Without an amount the tokens of the answers count, which differ.
func TestRateOfTokens(t *testing.T) {
	var e entryResult
	e.add(answer{Seconds: 2, Tokens: 10}, 0)
	e.add(answer{Seconds: 4, Tokens: 60}, 0)
	r := result{Threads: 1, Entries: []entryResult{e}}
	r.finish(measurement{}, nil)
	if got := r.Entries[0].Rate; got != 10 {
		t.Errorf("rate %v, want the median of 5 and 15", got)
	}
}

// A case may bring its own cost, and an epoch's seconds follow from its tokens.
func TestEpoch(t *testing.T) {
	f := inputs{plan: plan.Plan{{Layer: 0}, {Layer: 2, Trainable: true}}}
	f.countEpoch(workload.Shapes()[2].Parse(), []row{{[]int32{1, 2}, []int32{3}}, {[]int32{1}, []int32{2, 3, 4}}})
	if f.tokens != 5 || !(f.fullCost.FLOP > f.partCost.FLOP && f.partCost.FLOP > 0) {
		t.Errorf("%+v", f)
	}
	f = inputs{tokens: 1000, partCost: workload.Cost{FLOP: 10}, fullCost: workload.Cost{FLOP: 30}}
	results := []result{
		{Case: "part", Threads: 1, Entries: []entryResult{{Label: "lamina", Threads: 1, ours: true, rates: []float64{100}}}},
		{Case: "full", Threads: 1, Entries: []entryResult{{Label: "lamina", Threads: 1, ours: true, rates: []float64{40}}}},
	}
	for i := range results {
		results[i].finish(measurement{cost: &f.partCost, costAmount: 1000}, map[int]workload.Machine{1: {Peak: 2, Read: 1, Copy: 1}})
	}
	if results[0].Limit != 200 || results[0].Entries[0].Share != 0.5 {
		t.Errorf("%+v", results[0])
	}
	text := epochText(f, results)
	for _, want := range []string{"part, lamina 10.0; full, lamina 25.0; 1000 tokens", "2.50 times as long and has 3.00 times the operations; the emulator's part of the time over its part of the operations is **1.20**"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
}

// Every request of every suite is one that its worker knows.
func TestRequests(t *testing.T) {
	chosen, err := plan.Uniform.Plan(plan.Request{Layers: 30, Keep: keptBlocks, Trainable: trainedCount})
	if err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{"gonum": `"gemm "`}
	for worker, name := range map[string]string{"torch": "torch_worker.py", "hf": "hf_worker.py", "llama": "llama_worker.mjs", "openblas": "blas.cc", "onednn": "blas.cc", "gomlx": "gomlx/main.go"} {
		data, err := os.ReadFile("workers/" + name)
		if err != nil {
			t.Fatal(err)
		}
		scripts[worker] = string(data)
	}
	for _, quick := range []bool{false, true} {
		o := &options{quick: quick, threads: []int{1, 2}, questions: 400, samples: 512, files: inputs{plan: chosen.Plan}}
		for _, s := range suites() {
			seen := map[string]bool{}
			for _, m := range s.cases(o) {
				key := fmt.Sprint(m.name, m.threads)
				if seen[key] || m.suite != s.name || !isOurs(m.entries[0]) {
					t.Errorf("%s: %s stands twice, or in the wrong suite, or has not ours first", s.name, key)
				}
				seen[key] = true
				for _, e := range m.entries {
					verb := fmt.Sprint(e.fields[0])
					if isOurs(e) {
						if verbs[verb] != len(e.fields)-1 {
							t.Errorf("%s: ours takes %d fields of %s, not %d", s.name, verbs[verb], verb, len(e.fields)-1)
						}
					} else if text := scripts[e.worker]; !strings.Contains(text, "def "+verb+"(") && !strings.Contains(text, "async "+verb+"(") && !strings.Contains(text, `"`+verb+" ") {
						t.Errorf("%s: worker %s knows no %s", s.name, e.worker, verb)
					}
				}
			}
			if len(seen) == 0 {
				t.Errorf("%s has no cases", s.name)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-suite gemm,none": "none", "-suite epoch": "-model", "-suite zeroshot -model m": "-train", "-threads 0": "-threads",
		"-threads 1,x": "-threads", "-samples 2": "-samples", "more": "more", "-rounds -1": "-rounds",
	} {
		if _, err := parseFlags(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v should name %s", args, err, want)
		}
	}
	o, err := parseFlags([]string{"-threads", "2,1,2"}, io.Discard)
	if err != nil || len(o.threads) != 2 || o.threads[0] != 1 || len(o.suites) != 5 {
		t.Errorf("%+v, %v: want threads 1 and 2, and the five suites that need no model", o, err)
	}
}

// The scripts arrive in the work directory.
func TestPlace(t *testing.T) {
	p, err := openPlace(filepath.Join(t.TempDir(), "work"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wire.py", "torch_worker.py", "hf_worker.py", "llama_worker.mjs", "blas.cc", "make_gguf.py"} {
		if !exists(filepath.Join(p.workers, name)) {
			t.Errorf("%s is missing", name)
		}
	}
}
