package workload

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lamina/kernels"
	"lamina/kernels/profile"
	"lamina/tensor"
)

// The units of rates.
const (
	FLOPS  = "GFLOP/s"
	Bytes  = "GB/s"
	Tokens = "tokens/s"
)

// Case is a row of the table before it is measured. Cases of one group stand
// together and share the model that the first of them makes, which lives until
// another group's turn.
type Case struct {
	Work, Shape, Unit string
	Precision         kernels.Precision // of products, where it is not the bench's own: F32

	group   string
	prepare func(b *Bench) (Work, error)
	rate    func(b *Bench) float64 // of the machine itself instead: bytes or operations a second
}

// Fits reports whether the case's work, shape, unit and precision hold each of the words.
func (c Case) Fits(words []string) bool {
	text := c.Work + " " + c.Shape + " " + c.Unit + " " + c.Precision.String()
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

const (
	prefixTokens = 16  // tokens before those that are decoded
	decodeTokens = 16  // tokens of a call
	promptTokens = 512 // tokens of a prompt
)

// Choose returns the rows of [Cases] that [Case.Fits] the words of a filter. It is an error
// in the words of the flag, naming the kinds of work that there are, if none does.
func Choose(model, filter string, rounded []kernels.Precision) ([]Case, error) {
	words := strings.Fields(filter)
	var some []Case
	var works []string
	for _, c := range Cases(model, rounded) {
		if c.Fits(words) {
			some = append(some, c)
		}
		if !slices.Contains(works, c.Work) {
			works = append(works, c.Work)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("--filter %.64q: fits no row; there are %s", filter, strings.Join(works, ", "))
	}
	return some, nil
}

// Cases returns every row there is, in the order of the table. A model from a
// file adds its own. Some works have a row for each of the rounded precisions too.
func Cases(model string, rounded []kernels.Precision) []Case {
	all := append(machineCases(), productCases(rounded)...)
	for _, d := range WeightTypes() {
		const n, p = 32768, 2048 // larger than most caches in every type
		all = append(all, Case{Work: "matvec", Shape: fmt.Sprintf("%dx%d %s", n, p, d), Unit: Bytes, prepare: func(b *Bench) (Work, error) {
			return MatVec(b.Backend, d, n, p), nil
		}})
	}
	for _, rows := range []int{2, 4, 8, 16} {
		for _, d := range []tensor.DType{tensor.F32, tensor.Q4_1} {
			const n, p = 32768, 2048
			all = append(all, Case{Work: "rows", Shape: fmt.Sprintf("%dx%dx%d %s", rows, n, p, d), Unit: Bytes, prepare: func(b *Bench) (Work, error) {
				return FewRows(b.Backend, d, rows, n, p), nil
			}})
		}
	}
	for _, a := range Attentions() {
		all = append(all, Case{Work: "attention", Shape: a.String(), Unit: FLOPS, prepare: func(b *Bench) (Work, error) {
			return a.Work(b.Backend), nil
		}})
	}
	for _, op := range Operators() {
		all = append(all, Case{Work: "op", Shape: op.Name, Unit: Bytes, prepare: func(b *Bench) (Work, error) {
			return op.Make(b.Backend), nil
		}})
	}
	for _, s := range Shapes() {
		all = append(all, shapeCases(s, rounded)...)
	}
	if model != "" {
		all = append(all, fileCases(model)...)
	}
	return all
}

// productCases are those in the bench's own precision, and some in the others.
func productCases(rounded []kernels.Precision) []Case {
	var all []Case
	add := func(p Product, precision kernels.Precision) {
		all = append(all, Case{Work: "gemm", Shape: p.String(), Unit: FLOPS, Precision: precision, prepare: func(b *Bench) (Work, error) {
			return p.Work(b.backend(precision), tensor.F32, b.Threads), nil
		}})
	}
	for _, p := range Products() {
		if p.FLOP() < 2e10 || p.TransB { // the head is A·Bᵀ: the other two take seconds and tell little
			add(p, kernels.PrecisionF32)
		}
	}
	for _, precision := range rounded {
		if precision == kernels.PrecisionQ8 {
			continue // of blocks alone
		}
		for _, p := range RoundedProducts() {
			add(p, precision)
		}
	}
	return all
}

// machineCases measure what the others are held against: the rate of
// multiply-adds, and reading and copying (bytes read and written) in a cache and
// in memory.
func machineCases() []Case {
	all := []Case{
		{Work: "peak", Shape: "multiply-add", Unit: FLOPS, rate: func(b *Bench) float64 { return profile.PeakFLOPS(b.Threads) }},
		{Work: "peak", Shape: "BF16", Unit: FLOPS, rate: func(b *Bench) float64 { return profile.PeakBF16(b.Threads) }},
		{Work: "peak", Shape: "8-bit integers", Unit: FLOPS, rate: func(b *Bench) float64 { return profile.PeakInt8(b.Threads) }},
	}
	for _, m := range []struct {
		name string
		size func(threads int) int // bytes a thread
	}{{"L1 16 KiB", always(16 << 10)}, {"L2 256 KiB", always(256 << 10)}, {"memory", profile.MemoryBytes}} {
		all = append(all,
			Case{Work: "read", Shape: m.name, Unit: Bytes, rate: func(b *Bench) float64 { return profile.ReadBandwidthOf(b.Threads, m.size(b.Threads)) }},
			Case{Work: "copy", Shape: m.name, Unit: Bytes, rate: func(b *Bench) float64 { return profile.CopyBandwidth(b.Threads, m.size(b.Threads)) }})
	}
	return all
}

func always(size int) func(int) int { return func(int) int { return size } }

// shapeCases measure a standard shape: forward and training, and, but for the tiny
// one, decoding and reading a prompt; SmolLM2's from several storage types, and in the
// rounded precisions.
func shapeCases(s Shape, rounded []kernels.Precision) []Case {
	const own = kernels.PrecisionF32
	all := stepCases(s, own)
	types := []tensor.DType{tensor.F32}
	switch {
	case s.Name == "tiny":
		return all
	case s.Name == "smollm2-135m":
		types = append(types, tensor.BF16, tensor.Q8_0, tensor.Q4_1)
		for _, p := range rounded {
			if p != kernels.PrecisionQ8 {
				all = append(all, stepCases(s, p)...)
				all = append(all, prefillCase(s, tensor.F32, p))
			}
		}
	}
	for _, d := range types {
		all = append(all, decodeCase(s, d, own))
		if d.IsBlock() && slices.Contains(rounded, kernels.PrecisionQ8) {
			all = append(all, decodeCase(s, d, kernels.PrecisionQ8))
		}
		if d == types[len(types)-1] { // the others are widened as it is
			all = append(all, prefillCase(s, d, own))
		}
	}
	return all
}

func stepCases(s Shape, p kernels.Precision) []Case {
	batch := fmt.Sprintf("%s %dx%d", s.Name, s.Sequences, s.Length)
	return []Case{
		shapeCase("forward", batch, s, tensor.F32, p, func(m *Model) Work { return m.Forward() }),
		shapeCase("train", batch, s, tensor.F32, p, func(m *Model) Work { return m.Train() }),
	}
}

func decodeCase(s Shape, d tensor.DType, p kernels.Precision) Case {
	return shapeCase("decode", fmt.Sprintf("%s %s", s.Name, d), s, d, p, func(m *Model) Work { return m.Decode(prefixTokens, decodeTokens) })
}

func prefillCase(s Shape, d tensor.DType, p kernels.Precision) Case {
	return shapeCase("prefill", fmt.Sprintf("%s %d %s", s.Name, promptTokens, d), s, d, p, func(m *Model) Work { return m.Prefill(promptTokens) })
}

func shapeCase(work, shape string, s Shape, d tensor.DType, p kernels.Precision, make func(*Model) Work) Case {
	return Case{Work: work, Shape: shape, Unit: Tokens, Precision: p, group: s.Name + " " + d.String(), prepare: func(b *Bench) (Work, error) {
		if b.model == nil {
			b.model = NewModel(b.Backend, s, d)
		}
		return make(b.model.On(b.backend(p))), nil
	}}
}

// fileCases measure a model from a file.
func fileCases(path string) []Case {
	name := filepath.Base(path)
	row := func(work, shape string, make func(*Model) Work) Case {
		return Case{Work: work, Shape: shape, Unit: Tokens, group: "file", prepare: func(b *Bench) (Work, error) {
			if b.model == nil {
				d, err := b.Open(path)
				if err != nil {
					return Work{}, err
				}
				if d.Config.CheckLength(promptTokens) != nil {
					return Work{}, fmt.Errorf("%s: has %d positions, bench reads prompts of %d", path, d.Config.MaxPositions, promptTokens)
				}
				b.model = OfDecoder(b.Backend, name, d)
			}
			return make(b.model), nil
		}}
	}
	return []Case{
		row("decode", name, func(m *Model) Work { return m.Decode(prefixTokens, decodeTokens) }),
		row("prefill", fmt.Sprintf("%s %d", name, promptTokens), func(m *Model) Work { return m.Prefill(promptTokens) }),
	}
}
