package main

import (
	"fmt"
	"slices"
	"strings"

	"lamina/bench/workload"
	"lamina/kernels"
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
	worker  string // lamina, openblas, onednn, torch, hf, llama, gonum, gomlx
	label   string
	threads int
	rounds  int // at most; 0: as many as the case has
	fields  []any

	precision kernels.Precision // of products: for their limit, and of our worker's backend
	absent    bool              // has a column in the table and no part in this case
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
		{"gemm", "matrix products in F32, and with operands rounded", 11, 11, []string{"openblas", "onednn", "torch", "gonum", "gomlx"}, gemmCases},
		{"ops", "operators of a training step of OPT-125M", 5, 5, []string{"torch"}, opCases},
		{"forward", "forward pass, logits at every position", 5, 5, []string{"torch"}, forwardCases},
		{"train", "training step: all weights, a target at every position, clip, AdamW", 5, 5, []string{"torch"}, trainCases},
		{"decode", "decoding of one sequence, weights in F32 and BF16, and reading a prompt", 5, 5, []string{"torch"}, decodeCases},
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

func opCases(o *options) []measurement {
	var all []measurement
	for _, threads := range o.threads {
		for _, op := range workload.Operators() {
			name, sizes, _ := strings.Cut(op.Name, " ")
			request := []any{"op", name, sizes, 0.03}
			all = append(all, measurement{
				suite: "ops", name: op.Name, threads: threads, unit: "1/s", amount: 1,
				entries: []entry{
					{worker: oursName, label: oursName, threads: threads, fields: request},
					{worker: "torch", label: "PyTorch", threads: threads, fields: request},
				},
			})
		}
	}
	return all
}

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
				request := func(words ...any) []any {
					return append(append([]any{"decode", shape, dtype}, words...), decodePrompt, decodeCount)
				}
				all = append(all, measurement{
					suite: "decode", name: shape + " " + dtype, threads: threads, unit: "tokens/s", amount: decodeCount,
					entries: []entry{
						{worker: oursName, label: oursName, threads: threads, fields: request()},
						{worker: "torch", label: "PyTorch linear", threads: threads, fields: request("linear")},
						{worker: "torch", label: "PyTorch mv", threads: threads, fields: request("mv")},
					},
				})
			}
		}
		for _, shape := range shapes {
			all = append(all, promptCases(shape, threads)...)
		}
	}
	return all
}

// promptCases read a prompt, with products in F32 and with rounded ones.
func promptCases(shape string, threads int) []measurement {
	one := func(suffix string, precisions []kernels.Precision, modes ...string) measurement {
		m := measurement{
			suite: "decode", name: fmt.Sprintf("prompt of %d, %s F32%s", prefillCount, shape, suffix), threads: threads, unit: "tokens/s", amount: prefillCount,
		}
		for _, precision := range precisions {
			m.entries = append(m.entries, entry{
				worker: oursName, label: oursLabel(precision), threads: threads, precision: precision, fields: []any{"prefill", shape, "F32", prefillCount},
			})
		}
		for _, mode := range modes {
			m.entries = append(m.entries, entry{
				worker: "torch", label: "PyTorch " + mode, threads: threads, precision: precisions[0], fields: []any{"prefill", shape, "F32", mode, prefillCount},
			})
		}
		return m
	}
	return []measurement{
		one("", []kernels.Precision{kernels.PrecisionF32}, "f32"),
		one(rounded, precisions, roundings...),
	}
}

// llamaFiles are what the files of llama are called.
var llamaFiles = []string{"SmolLM2 Q4_1", "SmolLM2 Q8_0", "2048 wide Q4_K_M"}

func llamaCases(o *options) []measurement {
	var all []measurement
	decodings := []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionQ8}
	prompts := []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionBF16, kernels.PrecisionQ8}
	for _, threads := range o.decodeThreads() {
		add := func(what, name, path string, precisions []kernels.Precision, ours, theirs []any) {
			m := measurement{suite: "llama", name: what + " " + name, threads: threads, unit: "tokens/s", amount: float64(ours[len(ours)-1].(int))}
			for _, precision := range precisions {
				m.entries = append(m.entries, entry{worker: oursName, label: oursLabel(precision), threads: threads, precision: precision, fields: ours})
			}
			m.entries = append(m.entries, entry{worker: "llama", label: "llama.cpp", threads: threads, fields: theirs})
			all = append(all, m)
		}
		paths := []string{o.files.gguf, o.files.q8, o.files.q4k}
		for i, path := range paths {
			add("decode", llamaFiles[i], path, decodings, []any{"decode-file", path, decodePrompt, decodeCount}, []any{"decode", path, decodePrompt, decodeCount})
		}
		for i, path := range paths {
			add(fmt.Sprintf("prompt of %d,", prefillCount), llamaFiles[i], path, prompts, []any{"prefill-file", path, prefillCount}, []any{"prefill", path, prefillCount})
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
			{worker: oursName, label: oursName, threads: threads, fields: []any{"epoch", o.files.emulator, o.files.train, "part", steps}},
			{worker: "hf", label: "PyTorch, as well as it can be", threads: threads, fields: request(o.files.emulator, blocks, "best")},
			{worker: "hf", label: "Hugging Face Trainer", threads: threads, fields: request(o.files.emulator, blocks, "trainer")},
		},
	}, {
		suite: "epoch", name: "full model, all weights", threads: threads, unit: "tokens/s", fresh: true,
		cost: &o.files.fullCost, costAmount: float64(o.files.tokens),
		entries: []entry{
			{worker: oursName, label: oursName, threads: threads, rounds: 3, fields: []any{"epoch", o.files.full, o.files.train, "all", 2}},
		},
	}}
}

func zeroshotCases(o *options) []measurement {
	threads := slices.Max(o.threads)
	return []measurement{{
		suite: "zeroshot", name: fmt.Sprintf("%d questions", o.questions), threads: threads, unit: "questions/s", amount: float64(o.questions), fresh: true,
		entries: []entry{
			{worker: oursName, label: oursName, threads: threads, fields: []any{"zeroshot", o.files.full, o.files.zeroshot}},
			{worker: "hf", label: "lm-eval " + harnessVersion, threads: threads, fields: []any{"zeroshot", o.files.full, o.files.zeroshot}},
		},
	}}
}

func ckaCases(o *options) []measurement {
	threads := slices.Max(o.threads)
	return []measurement{{
		suite: "cka", name: fmt.Sprintf("%d samples", o.samples), threads: threads, unit: "samples/s", amount: float64(o.samples), fresh: true,
		entries: []entry{
			{worker: oursName, label: oursName, threads: threads, fields: []any{"cka", o.files.full, o.files.cka}},
			{worker: "hf", label: "PyTorch script", threads: threads, fields: []any{"cka", o.files.full, o.files.cka}},
		},
	}}
}

func loadCases(o *options) []measurement {
	threads := slices.Max(o.threads)
	return []measurement{{
		suite: "load", name: "SmolLM2", threads: threads, unit: "1/s", amount: 1, fresh: true,
		entries: []entry{
			{worker: oursName, label: oursName + ", Q4_1", threads: threads, fields: []any{"load", o.files.gguf}},
			{worker: "llama", label: "llama.cpp, Q4_1", threads: threads, fields: []any{"load", o.files.gguf}},
			{worker: "hf", label: "transformers, F32 directory", threads: threads, fields: []any{"load", o.files.full}},
		},
	}}
}
