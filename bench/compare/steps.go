package main

import (
	"fmt"
	"slices"

	"lamina/bench/workload"
	"lamina/kernels"
)

// variants are the ways a decoder is written in PyTorch, roundings the ways its
// products are told to round.
var (
	variants  = []string{"eager", "sdpa", "compile"}
	roundings = []string{"autocast", "medium"}
)

// stepCases are the steps of the standard shapes in F32, and behind them those whose
// products round.
func stepCases(o *options, suite string) []measurement {
	var all, low []measurement
	for _, s := range workload.Shapes() {
		all = append(all, o.stepCase(suite, s))
		low = append(low, o.roundedStepCase(suite, s))
	}
	return append(all, low...)
}

// step is a case of a step of a shape without its entries, and add gives it one.
func (o *options) step(suite, suffix string, s workload.Shape) (m *measurement, add func(worker, label string, threads, rounds int, precision kernels.Precision, words ...any)) {
	steps := 1
	if s.Name == "tiny" {
		steps = 20
	}
	m = &measurement{
		suite: suite, name: fmt.Sprintf("%s %dx%d%s", s.Name, s.Sequences, s.Length, suffix), threads: slices.Max(o.threads), unit: "tokens/s",
		amount: float64(s.Sequences * s.Length), fresh: true,
	}
	return m, func(worker, label string, threads, rounds int, precision kernels.Precision, words ...any) {
		fields := append(append([]any{suite, s.Name}, words...), steps)
		m.entries = append(m.entries, entry{worker: worker, label: label, threads: threads, rounds: rounds, precision: precision, fields: fields})
	}
}

func (o *options) stepCase(suite string, s workload.Shape) measurement {
	m, add := o.step(suite, "", s)
	add(oursName, oursName, m.threads, 0, kernels.PrecisionF32)
	if m.threads > 1 && slices.Contains(o.threads, 1) {
		add(oursName, oursName+oneThread, 1, 0, kernels.PrecisionF32)
	}
	for _, v := range variants {
		if v != "compile" || !o.quick { // compiling takes minutes
			add("torch", "PyTorch "+v, m.threads, 0, kernels.PrecisionF32, v, "f32")
		}
	}
	return *m
}

func (o *options) roundedStepCase(suite string, s workload.Shape) measurement {
	m, add := o.step(suite, rounded, s)
	for _, precision := range precisions {
		add(oursName, oursLabel(precision), m.threads, 0, precision)
	}
	for _, mode := range roundings {
		for _, v := range variants {
			if v != "compile" || !o.quick {
				add("torch", "PyTorch "+v+" "+mode, m.threads, 0, kernels.PrecisionBF16, v, mode)
			}
		}
	}
	return *m
}

// precisions are ours in the cases of rounded products, F32's for comparison.
var precisions = []kernels.Precision{kernels.PrecisionBF16, kernels.PrecisionBF16x3, kernels.PrecisionBF16x6, kernels.PrecisionF32}

// What names of cases and labels end with.
const (
	rounded   = ", rounded"
	oneThread = ", 1 thread"
)

// oursLabel is what ours is called with products of a precision.
func oursLabel(p kernels.Precision) string { return oursName + " " + p.String() }

func forwardCases(o *options) []measurement { return stepCases(o, "forward") }
func trainCases(o *options) []measurement   { return stepCases(o, "train") }
