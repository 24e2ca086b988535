package main

import (
	"fmt"
	"slices"
	"strings"

	"lamina/bench/workload"
)

// contender is a kind of process that can be measured.
type contender struct {
	name    string
	command []string
	env     []string
}

// oursName is the contender that the others are held against.
const oursName = "lamina"

// entry is one contender's part in a case: which process is asked, what, and what
// it is called in the table.
type entry struct {
	worker  string // lamina, openblas, onednn, torch, hf, llama
	label   string
	threads int
	rounds  int // at most; 0: as many as the case has
	fields  []any
}

// measurement is one case of a suite: entries that do the same work.
type measurement struct {
	suite, name string
	threads     int
	unit        string  // of the rate
	amount      float64 // in that unit, in a call; 0: the tokens of the answer
	fresh       bool    // a process for each entry, whose peak memory is the case's
	// cost and costAmount give the limit where our worker's answers do not: so much
	// of the unit costs this.
	cost       *workload.Cost
	costAmount float64
	entries    []entry
}

// suite is a list of cases and how often they are measured.
type suite struct {
	name, about   string
	rounds, quick int // rounds, and with -quick
	needs         []string
	cases         func(o *options) []measurement
}

func suites() []suite {
	return []suite{
		{"gemm", "matrix products in F32", 11, 11, []string{"openblas", "onednn", "torch"}, gemmCases},
		{"ops", "operators of a training step of OPT-125M", 5, 5, []string{"torch"}, opCases},
		{"forward", "forward pass, logits at every position", 5, 5, []string{"torch"}, forwardCases},
		{"train", "training step: all weights, a target at every position, clip, AdamW", 5, 5, []string{"torch"}, trainCases},
		{"decode", "decoding of one sequence, weights in F32 and BF16", 5, 5, []string{"torch"}, decodeCases},
		{"llama", "decoding and prompts from quantised weights", 5, 5, []string{"llama", "model"}, llamaCases},
		{"epoch", "fine-tuning an emulator of SmolLM2 on ARC-Easy: 15 of 30 blocks, 4 trained, batch 16", 5, 5, []string{"hf", "model", "data"}, epochCases},
		{"zeroshot", "scoring ARC-Easy", 5, 1, []string{"hf", "model", "data"}, zeroshotCases},
		{"cka", "CKA of all hidden states", 5, 1, []string{"hf", "model", "data"}, ckaCases},
		{"load", "a model's file to the first logits, the file in memory already", 5, 5, []string{"hf", "llama", "model"}, loadCases},
	}
}

// named returns the suites of a comma-separated list; "" is all of them.
func named(list string) ([]suite, error) {
	all := suites()
	if list == "" {
		return all, nil
	}
	var some []suite
	for _, name := range strings.Split(list, ",") {
		i := slices.IndexFunc(all, func(s suite) bool { return s.name == name })
		if i < 0 {
			var names []string
			for _, s := range all {
				names = append(names, s.name)
			}
			return nil, fmt.Errorf("-suite %.64q: want some of %s", name, strings.Join(names, ","))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// letter is how a transposition is asked for.
func letter(transposed bool) string {
	if transposed {
		return "t"
	}
	return "n"
}

func gemmCases(o *options) []measurement {
	var all []measurement
	for _, threads := range o.threads {
		for _, p := range workload.Products() {
			seconds, most := 0.05, 0
			if o.quick {
				if seconds = 0.02; p.FLOP() > 2e10 && !p.TransB {
					continue // the head is A·Bᵀ: the other two cost a minute and tell little
				}
				if p.FLOP() > 1e10 {
					most = 5
				}
			}
			m := measurement{suite: "gemm", name: p.String(), threads: threads, unit: "GFLOP/s", amount: p.FLOP() / 1e9}
			for _, w := range []struct{ worker, label string }{{oursName, oursName}, {"onednn", "oneDNN"}, {"torch", "PyTorch (MKL)"}, {"openblas", "OpenBLAS"}} {
				m.entries = append(m.entries, entry{w.worker, w.label, threads, most, []any{
					"gemm", p.M, p.N, p.K, p.Batch, letter(p.TransA), letter(p.TransB), seconds,
				}})
			}
			all = append(all, m)
		}
	}
	return all
}

func opCases(o *options) []measurement {
	var all []measurement
	for _, threads := range o.threads {
		for _, op := range workload.Operators() {
			name, sizes, _ := strings.Cut(op.Name, " ")
			request := []any{"op", name, sizes, 0.03}
			all = append(all, measurement{
				suite: "ops", name: op.Name, threads: threads, unit: "1/s", amount: 1,
				entries: []entry{{oursName, oursName, threads, 0, request}, {"torch", "PyTorch", threads, 0, request}},
			})
		}
	}
	return all
}

// variants are the ways a decoder is written in PyTorch.
var variants = []string{"eager", "sdpa", "compile"}

func stepCases(o *options, suite, verb string) []measurement {
	var all []measurement
	threads := slices.Max(o.threads)
	for _, s := range workload.Shapes() {
		steps, tokens := 1, s.Sequences*s.Length
		if s.Name == "tiny" {
			steps = 20
		}
		m := measurement{
			suite: suite, name: fmt.Sprintf("%s %dx%d", s.Name, s.Sequences, s.Length), threads: threads, unit: "tokens/s",
			amount: float64(tokens), fresh: true,
		}
		m.entries = append(m.entries, entry{oursName, oursName, threads, 0, []any{verb, s.Name, "", steps}})
		if threads > 1 && slices.Contains(o.threads, 1) {
			m.entries = append(m.entries, entry{oursName, oursName + ", 1 thread", 1, 3, []any{verb, s.Name, "", steps}})
		}
		for _, v := range variants {
			if v == "compile" && o.quick {
				continue // compiling takes minutes
			}
			m.entries = append(m.entries, entry{"torch", "PyTorch " + v, threads, 0, []any{verb, s.Name, v, steps}})
		}
		all = append(all, m)
	}
	return all
}

func forwardCases(o *options) []measurement { return stepCases(o, "forward", "forward") }
func trainCases(o *options) []measurement   { return stepCases(o, "train", "train") }

const (
	decodePrompt = 16
	decodeCount  = 32
	prefillCount = 512
)

// decodeThreads are those of decoding: with -quick the largest number alone.
func (o *options) decodeThreads() []int {
	if o.quick {
		return []int{slices.Max(o.threads)}
	}
	return o.threads
}

func decodeCases(o *options) []measurement {
	var all []measurement
	shapes := []string{"smollm2-135m"}
	if !o.quick {
		shapes = append(shapes, "opt-125m")
	}
	for _, threads := range o.decodeThreads() {
		for _, shape := range shapes {
			for _, dtype := range []string{"F32", "BF16"} {
				request := func(variant string) []any { return []any{"decode", shape, dtype, variant, decodePrompt, decodeCount} }
				all = append(all, measurement{
					suite: "decode", name: shape + " " + dtype, threads: threads, unit: "tokens/s", amount: decodeCount,
					entries: []entry{
						{oursName, oursName, threads, 0, request("")},
						{"torch", "PyTorch linear", threads, 0, request("linear")},
						{"torch", "PyTorch mv", threads, 0, request("mv")},
					},
				})
			}
		}
	}
	return all
}

func llamaCases(o *options) []measurement {
	var all []measurement
	for _, threads := range o.decodeThreads() {
		for _, f := range []struct {
			name, path string
			prefill    bool
		}{{"SmolLM2 Q4_1", o.files.gguf, true}, {"SmolLM2 Q8_0", o.files.q8, true}, {"2048 wide Q4_K_M", o.files.q4k, false}} {
			all = append(all, measurement{
				suite: "llama", name: "decode " + f.name, threads: threads, unit: "tokens/s", amount: decodeCount,
				entries: []entry{
					{oursName, oursName, threads, 0, []any{"decode-file", f.path, decodePrompt, decodeCount}},
					{"llama", "llama.cpp", threads, 0, []any{"decode", f.path, decodePrompt, decodeCount}},
				},
			})
			if !f.prefill {
				continue
			}
			all = append(all, measurement{
				suite: "llama", name: fmt.Sprintf("prompt of %d, %s", prefillCount, f.name), threads: threads, unit: "tokens/s", amount: prefillCount,
				entries: []entry{
					{oursName, oursName, threads, 0, []any{"prefill-file", f.path, prefillCount}},
					{"llama", "llama.cpp", threads, 0, []any{"prefill", f.path, prefillCount}},
				},
			})
		}
	}
	return all
}

// epochCases compare steps of an epoch, by the real tokens each reads in a second:
// contenders put different rows into a batch. The last one trains the whole full
// model, to hold our two against their operations.
func epochCases(o *options) []measurement {
	threads, steps := slices.Max(o.threads), 4
	var trained []string
	for i, s := range o.files.plan {
		if s.Trainable {
			trained = append(trained, fmt.Sprint(i))
		}
	}
	request := func(dir, which, how string) []any { return []any{"epoch", dir, o.files.train, which, how, steps} }
	blocks := strings.Join(trained, ",")
	return []measurement{{
		suite: "epoch", name: "emulator", threads: threads, unit: "tokens/s", fresh: true,
		cost: &o.files.partCost, costAmount: float64(o.files.tokens),
		entries: []entry{
			{oursName, oursName, threads, 0, []any{"epoch", o.files.emulator, o.files.train, "part", steps}},
			{"hf", "PyTorch, as well as it can be", threads, 0, request(o.files.emulator, blocks, "best")},
			{"hf", "Hugging Face Trainer", threads, 0, request(o.files.emulator, blocks, "trainer")},
		},
	}, {
		suite: "epoch", name: "full model, all weights", threads: threads, unit: "tokens/s", fresh: true,
		cost: &o.files.fullCost, costAmount: float64(o.files.tokens),
		entries: []entry{
			{oursName, oursName, threads, 3, []any{"epoch", o.files.full, o.files.train, "all", 2}},
		},
	}}
}

func zeroshotCases(o *options) []measurement {
	threads := slices.Max(o.threads)
	return []measurement{{
		suite: "zeroshot", name: fmt.Sprintf("%d questions", o.questions), threads: threads, unit: "questions/s", amount: float64(o.questions), fresh: true,
		entries: []entry{
			{oursName, oursName, threads, 0, []any{"zeroshot", o.files.full, o.files.zeroshot}},
			{"hf", "lm-eval " + harnessVersion, threads, 0, []any{"zeroshot", o.files.full, o.files.zeroshot}},
		},
	}}
}

func ckaCases(o *options) []measurement {
	threads := slices.Max(o.threads)
	return []measurement{{
		suite: "cka", name: fmt.Sprintf("%d samples", o.samples), threads: threads, unit: "samples/s", amount: float64(o.samples), fresh: true,
		entries: []entry{
			{oursName, oursName, threads, 0, []any{"cka", o.files.full, o.files.cka}},
			{"hf", "PyTorch script", threads, 0, []any{"cka", o.files.full, o.files.cka}},
		},
	}}
}

func loadCases(o *options) []measurement {
	threads := slices.Max(o.threads)
	return []measurement{{
		suite: "load", name: "SmolLM2", threads: threads, unit: "1/s", amount: 1, fresh: true,
		entries: []entry{
			{oursName, oursName + ", Q4_1", threads, 0, []any{"load", o.files.gguf}},
			{"llama", "llama.cpp, Q4_1", threads, 0, []any{"load", o.files.gguf}},
			{"hf", "transformers, F32 directory", threads, 0, []any{"load", o.files.full}},
		},
	}}
}
