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
)

// The test's own program plays a worker when it is asked to: "worker 1" is what
// the driver starts for ours.
func TestMain(m *testing.M) {
	switch os.Getenv("COMPARE_WORKER") {
	case "":
		os.Exit(m.Run())
	case "ours":
		serve(1)
	case "fake":
		fake()
	}
}

// fake answers with what it was asked for, among other lines.
func fake() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println("a library says something")
		switch f := strings.Split(in.Text(), "\t"); f[0] {
		case "hello":
			fmt.Println(`@@ {"seconds": 0, "version": "fake 1.0"}`)
		case "seconds":
			fmt.Printf("@@ {\"seconds\": %s, \"tokens\": 7, \"peak\": 1000}\n", f[1])
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
		"gemm 3 4 5 1 n t 0.001", "gemm 3 4 5 2 t n 0.001", "op layer_norm 512x768 0.001", "train tiny  2", "forward tiny  1",
		"decode tiny F32  4 2", "decode tiny Q4_1  4 2",
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
	for _, wrong := range []string{"jump", "gemm", "gemm\t0\t1\t1\t1\tn\tn\t1", "op\tsing\t1x1\t1", "train\thuge\t\t1", "load\tnone"} {
		if _, err := w.ask(time.Minute, wrong); err == nil {
			t.Errorf("%q has an answer", wrong)
		}
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
	for _, want := range []string{"## train: steps", "| lamina | lamina, 1 thread | slow | fast | broken |", "300 (50%), 0 MB", "failed", "**1.50** (fast)", "2 threads"} {
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
	scripts := map[string]string{}
	for worker, name := range map[string]string{"torch": "torch_worker.py", "hf": "hf_worker.py", "llama": "llama_worker.mjs", "openblas": "blas.cc", "onednn": "blas.cc"} {
		data, err := workerFiles.ReadFile("workers/" + name)
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
				if seen[key] || m.suite != s.name || m.entries[0].worker != oursName {
					t.Errorf("%s: %s stands twice, or in the wrong suite, or has not ours first", s.name, key)
				}
				seen[key] = true
				for _, e := range m.entries {
					verb := fmt.Sprint(e.fields[0])
					if e.worker == oursName {
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
