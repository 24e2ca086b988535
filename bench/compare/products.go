package main

import (
	"lamina/bench/workload"
	"lamina/kernels"
)

// high is what a product takes to be one that is measured against the peak: that of
// 256³. Below, waking threads and packing count.
const high = 2 * 256 * 256 * 256

// gemmCases are the products in F32, and behind them those whose operands are rounded.
func gemmCases(o *options) []measurement {
	var all []measurement
	for _, threads := range o.threads {
		for _, p := range workload.Products() {
			if !o.quick || p.FLOP() < 2e10 || p.TransB { // the head is A·Bᵀ: the other two cost a minute and tell little
				all = append(all, o.gemmCase(p, threads))
			}
		}
		for _, p := range workload.Products() {
			if !o.quick || p.FLOP() >= high && (p.FLOP() < 2e10 || p.TransB) {
				all = append(all, o.roundedGemmCase(p, threads))
			}
		}
	}
	return all
}

// gemmRequest asks for a product for so many seconds in a round; the words say how
// operands are stored and rounded.
func (o *options) gemmRequest(p workload.Product, words ...any) []any {
	seconds := 0.05
	if o.quick {
		seconds = 0.02
	}
	request := []any{"gemm", p.M, p.N, p.K, p.Batch, letter(p.TransA), letter(p.TransB)}
	return append(append(request, words...), seconds)
}

// gemmRounds is how often a product is measured at most.
func (o *options) gemmRounds(p workload.Product) int {
	if o.quick && p.FLOP() > 1e10 {
		return 5
	}
	return 0
}

func (o *options) gemmCase(p workload.Product, threads int) measurement {
	m := measurement{suite: "gemm", name: p.String(), threads: threads, unit: "GFLOP/s", amount: p.FLOP() / 1e9}
	for _, w := range []struct{ worker, label string }{{oursName, oursName}, {"onednn", "oneDNN"}, {"torch", "PyTorch (MKL)"}, {"openblas", "OpenBLAS"}} {
		m.entries = append(m.entries, entry{worker: w.worker, label: w.label, threads: threads, rounds: o.gemmRounds(p), fields: o.gemmRequest(p, "f32")})
	}
	for _, w := range []struct{ worker, label string }{{"gonum", "gonum"}, {"gomlx", "GoMLX"}} {
		m.entries = append(m.entries, entry{
			worker: w.worker, label: w.label, threads: threads, rounds: 3, fields: o.gemmRequest(p, "f32"),
			absent: p.FLOP() > 3e9, // a second and more for each call, and the same rate
		})
	}
	return m
}

func (o *options) roundedGemmCase(p workload.Product, threads int) measurement {
	m := measurement{suite: "gemm", name: p.String() + rounded, threads: threads, unit: "GFLOP/s", amount: p.FLOP() / 1e9}
	add := func(worker, label string, precision kernels.Precision, words ...any) {
		m.entries = append(m.entries, entry{
			worker: worker, label: label, threads: threads, rounds: o.gemmRounds(p), precision: precision, fields: o.gemmRequest(p, words...),
		})
	}
	for _, precision := range precisions {
		add(oursName, oursLabel(precision), precision, "f32")
	}
	add(oursName, oursLabel(kernels.PrecisionBF16)+", B in BF16", kernels.PrecisionBF16, "bf16")
	add("onednn", "oneDNN bf16", kernels.PrecisionBF16, "bf16")
	for _, mode := range []string{"bf16", "autocast", "medium"} {
		add("torch", "PyTorch "+mode, kernels.PrecisionBF16, mode)
	}
	add("torch", "PyTorch high", kernels.PrecisionF32, "high")
	return m
}

// letter is how a transposition is asked for.
func letter(transposed bool) string {
	if transposed {
		return "t"
	}
	return "n"
}
