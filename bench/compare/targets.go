package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/bench/workload"
	"lamina/kernels"
)

// target is a number to reach and where it is measured: in the worst of some cases of a
// suite, or in their mean.
type target struct {
	work    string
	bar     float64
	unit    string // behind numbers; "": a ratio
	atMost  bool   // else at least
	suite   string
	cases   func(r result) bool
	threads bool                   // on every number of threads, not on the largest alone
	value   func(r result) float64 // of a case; 0: not measured
	mean    bool                   // the geometric mean of the cases, not the worst
}

// The labels of ours that targets are about.
var (
	oursF32, oursBF16 = oursLabel(kernels.PrecisionF32), oursLabel(kernels.PrecisionBF16)
	oursX3, oursX6    = oursLabel(kernels.PrecisionBF16x3), oursLabel(kernels.PrecisionBF16x6)
	oursQ8            = oursLabel(kernels.PrecisionQ8)
)

// targets returns the numbers to reach, in the order of the table. What a row is measured
// by is decided here and nowhere else.
func targets() []target {
	return slices.Concat(productTargets(), stepTargets(), sequenceTargets(), roundedTargets())
}

func productTargets() []target {
	blas := over(oursName, "oneDNN", "PyTorch (MKL)")
	all := []target{
		{work: "F32 products against oneDNN and MKL, mean", bar: 0.97, cases: products("", always), value: blas, mean: true},
		{work: "F32 products against oneDNN and MKL, each but those of one row and 25x25x64", bar: 0.90, cases: products("", usual), value: blas},
		{work: "F32 products against oneDNN and MKL, each of one row and 25x25x64", bar: 0.85, cases: products("", unusual), value: blas},
		{work: "F32 products from 512³, each, of the peak", bar: 85, unit: "%", cases: products("", large), value: shareOf(oursName)},
	}
	for i := range all {
		all[i].suite, all[i].threads = "gemm", true
	}
	return all
}

func stepTargets() []target {
	var all []target
	for _, s := range []struct {
		suite string
		bars  [3]float64 // in the order of workload.Shapes
	}{{"train", [3]float64{1.6, 1.3, 1.3}}, {"forward", [3]float64{1.7, 1.35, 1.5}}} {
		for i, shape := range workload.Shapes() {
			all = append(all, target{
				work: s.suite + " " + shape.Name + " against PyTorch", bar: s.bars[i], suite: s.suite, cases: ofShape(shape.Name, ""), value: over(oursName, "PyTorch"),
			})
		}
	}
	for _, shape := range []string{"opt-125m", "smollm2-135m"} {
		all = append(all, target{work: "train " + shape + ", of the limit", bar: 70, unit: "%", suite: "train", cases: ofShape(shape, ""), value: shareOf(oursName)})
	}
	return append(all,
		target{work: "train, 2 threads against 1, each", bar: 1.85, suite: "train", cases: plain, value: over(oursName, oursName+oneThread)},
		target{work: "memory of training smollm2-135m, of PyTorch's", bar: 0.75, atMost: true, suite: "train", cases: ofShape("smollm2-135m", ""), value: memoryOver(oursName, "PyTorch")},
	)
}

func sequenceTargets() []target {
	var all []target
	for _, d := range []string{"F32", "BF16"} {
		all = append(all, target{work: "decode " + d + ", of the bandwidth", bar: 75, unit: "%", suite: "decode", cases: called("smollm2-135m " + d), value: shareOf(oursName)})
	}
	for _, ours := range []string{oursF32, oursQ8} {
		for _, file := range llamaFiles {
			all = append(all, target{work: "decode " + file + " against llama.cpp, " + ours, bar: 1.2, suite: "llama", cases: called("decode " + file), value: over(ours, "llama.cpp")})
		}
	}
	for _, p := range []struct {
		ours string
		bar  float64
	}{{oursF32, 1.2}, {oursBF16, 3}} {
		for _, file := range llamaFiles[:2] {
			name := fmt.Sprintf("prompt of %d, %s", prefillCount, file)
			all = append(all, target{work: name + " against llama.cpp, " + p.ours, bar: p.bar, suite: "llama", cases: called(name), value: over(p.ours, "llama.cpp")})
		}
	}
	return all
}

func roundedTargets() []target {
	all := []target{
		{work: "bf16 products from 512³ against oneDNN's, mean", bar: 0.9, cases: products(rounded, large), value: over(oursBF16, "oneDNN bf16"), mean: true},
		{work: "bf16 products from 512³ against oneDNN's, each", bar: 0.9, cases: products(rounded, large), value: over(oursBF16, "oneDNN bf16")},
		{work: "bf16 products from 512³ a core, each", bar: 600, unit: " GFLOP/s", cases: products(rounded, large), value: rateOfCore(oursBF16)},
		{work: "bf16x3 products from 512³ against our F32, mean", bar: 2, cases: products(rounded, large), value: over(oursX3, oursF32), mean: true},
		{work: "bf16x6 products from 512³ against our F32, mean", bar: 1.2, cases: products(rounded, large), value: over(oursX6, oursF32), mean: true},
	}
	for i := range all {
		all[i].suite, all[i].threads = "gemm", true
	}
	for _, shape := range []string{"opt-125m", "smollm2-135m"} {
		all = append(all,
			target{work: "train " + shape + " in bf16 against our F32", bar: 2, suite: "train", cases: ofShape(shape, rounded), value: over(oursBF16, oursF32)},
			target{work: "train " + shape + " in bf16 against PyTorch autocast", bar: 1.3, suite: "train", cases: ofShape(shape, rounded), value: over(oursBF16, "PyTorch eager autocast", "PyTorch sdpa autocast", "PyTorch compile autocast")})
	}
	return all
}

// over is the rate of one entry over that of the fastest of those whose labels begin with
// one of some texts.
func over(label string, others ...string) func(result) float64 {
	return func(r result) float64 {
		own, best := 0.0, 0.0
		for _, e := range r.Entries {
			switch {
			case e.Label == label:
				own = e.Rate
			case begins(e.Label, others):
				best = max(best, e.Rate)
			}
		}
		if best == 0 {
			return 0
		}
		return own / best
	}
}

// memoryOver is the peak memory of one entry over the least of others'.
func memoryOver(label string, others ...string) func(result) float64 {
	return func(r result) float64 {
		own, least := 0.0, math.Inf(1)
		for _, e := range r.Entries {
			switch {
			case e.Label == label:
				own = float64(e.Peak)
			case begins(e.Label, others) && e.Peak > 0:
				least = min(least, float64(e.Peak))
			}
		}
		return own / least
	}
}

func begins(label string, texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(label, text) })
}

// shareOf is an entry's share of the limit in percent.
func shareOf(label string) func(result) float64 {
	return func(r result) float64 { return 100 * r.entry(label).Share }
}

// rateOfCore is an entry's rate by its threads.
func rateOfCore(label string) func(result) float64 {
	return func(r result) float64 {
		e := r.entry(label)
		return e.Rate / float64(max(1, e.Threads))
	}
}

// entry is the one of a label, or an empty one.
func (r result) entry(label string) entryResult {
	for _, e := range r.Entries {
		if e.Label == label {
			return e
		}
	}
	return entryResult{}
}

// products are the cases of products, of the kind that the suffix says, that fit.
func products(suffix string, fits func(workload.Product) bool) func(result) bool {
	return func(r result) bool {
		return slices.ContainsFunc(workload.Products(), func(p workload.Product) bool { return r.Case == p.String()+suffix && fits(p) })
	}
}

func always(workload.Product) bool    { return true }
func unusual(p workload.Product) bool { return p.M == 1 || p.Batch > 1 }
func usual(p workload.Product) bool   { return !unusual(p) }
func large(p workload.Product) bool   { return usual(p) && min(p.M, p.N, p.K) >= 512 }

// ofShape are the steps of a standard shape, called the cases of a name, and plain those that
// are not rounded.
func ofShape(shape, suffix string) func(result) bool {
	return func(r result) bool {
		return strings.HasPrefix(r.Case, shape+" ") && strings.HasSuffix(r.Case, rounded) == (suffix == rounded)
	}
}
func called(name string) func(result) bool { return func(r result) bool { return r.Case == name } }
func plain(r result) bool                  { return !strings.HasSuffix(r.Case, rounded) }

// finding is what a target came to.
type finding struct {
	value   float64 // 0: not measured
	from    string  // the worst case, or how many of them the mean is of
	noisy   bool    // the worst case was, or one of the mean
	reached bool
}

// find looks a target up in results.
func (t target) find(results []result) finding {
	most := 0
	for _, r := range results {
		if r.Suite == t.suite && t.cases(r) {
			most = max(most, r.Threads)
		}
	}
	var f finding
	sum, n := 0.0, 0
	for _, r := range results {
		if r.Suite != t.suite || !t.cases(r) || !t.threads && r.Threads != most {
			continue
		}
		v := t.value(r)
		if v == 0 {
			continue
		}
		sum, n = sum+math.Log(v), n+1
		switch worse := v < f.value != t.atMost; {
		case t.mean:
			f.noisy = f.noisy || r.Noisy
		case n == 1 || worse:
			f.value, f.from, f.noisy = v, r.Case+" on "+threadsText(r.Threads), r.Noisy
		}
	}
	if t.mean && n > 0 {
		f.value, f.from = math.Exp(sum/float64(n)), fmt.Sprintf("%d cases", n)
	}
	if f.reached = f.value >= t.bar; t.atMost {
		f.reached = f.value > 0 && f.value <= t.bar
	}
	return f
}

// number shows a value in the unit of a target.
func (t target) number(v float64) string {
	if t.unit == "" {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f%s", v, t.unit)
}

// row is a target's row of the table.
func (t target) row(f finding) string {
	side, value, verdict := "≥", t.number(f.value), "reached"
	if t.atMost {
		side = "≤"
	}
	switch {
	case f.value == 0:
		value, verdict = "–", "not measured"
	case !f.reached:
		verdict = "**missed by " + t.number(math.Abs(t.bar-f.value)) + "**"
	}
	if f.noisy {
		verdict += ", noisy"
	}
	return fmt.Sprintf("| %s | %s %s | %s | %s | %s |\n", t.work, side, t.number(t.bar), value, verdict, f.from)
}

// targetsText is the table of targets; "" where none was measured.
func targetsText(results []result) string {
	rows, measured := "", false
	for _, t := range targets() {
		f := t.find(results)
		rows += t.row(f)
		measured = measured || f.value > 0
	}
	if !measured {
		return ""
	}
	return "\n## Numbers to reach\n\n| work | bar | measured | verdict | where |\n|---|---|---|---|---|\n" + rows
}

// targetsOf is the table of targets from files that runs wrote, of which a later one's cases
// take the place of an earlier one's.
func targetsOf(paths []string) (string, error) {
	var results []result
	for _, path := range paths {
		d, err := readFile[document](path)
		if err != nil {
			return "", err
		}
		for _, r := range d.Results {
			results = slices.DeleteFunc(results, func(old result) bool {
				return old.Suite == r.Suite && old.Case == r.Case && old.Threads == r.Threads
			})
			results = append(results, r)
		}
	}
	text := targetsText(results)
	if text == "" {
		return "", fmt.Errorf("%s: no target was measured", strings.Join(paths, ", "))
	}
	return text, nil
}
