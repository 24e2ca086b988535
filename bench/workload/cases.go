package workload

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

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

	group   string
	prepare func(b *Bench) (Work, error)
	rate    func(b *Bench) float64 // of the machine itself instead: bytes or operations a second
}

// Fits reports whether the case's work, shape and unit hold each of the words.
func (c Case) Fits(words []string) bool {
	text := c.Work + " " + c.Shape + " " + c.Unit
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

const (
	prefixTokens = 16  // tokens before those that are decoded
	decodeTokens = 16  // tokens of a call
	promptTokens = 512 // tokens of a prompt
)

// Choose returns the rows of [Cases] that [Case.Fits] the words of a filter. It is an error
// in the words of the flag, naming the kinds of work that there are, if none does.
func Choose(model, filter string) ([]Case, error) {
	words := strings.Fields(filter)
	var some []Case
	var works []string
	for _, c := range Cases(model) {
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
// file adds its own.
func Cases(model string) []Case {
	all := machineCases()
	for _, p := range Products() {
		all = append(all, Case{Work: "gemm", Shape: p.String(), Unit: FLOPS, prepare: func(b *Bench) (Work, error) {
			return p.Work(b.Backend, tensor.F32, b.Threads), nil
		}})
	}
	for _, d := range WeightTypes() {
		const n, p = 32768, 2048 // larger than the caches in every type
		all = append(all, Case{Work: "matvec", Shape: fmt.Sprintf("%dx%d %s", n, p, d), Unit: Bytes, prepare: func(b *Bench) (Work, error) {
			return MatVec(b.Backend, d, n, p), nil
		}})
	}
	for _, op := range Operators() {
		all = append(all, Case{Work: "op", Shape: op.Name, Unit: Bytes, prepare: func(b *Bench) (Work, error) {
			return op.Make(b.Backend), nil
		}})
	}
	for _, s := range Shapes() {
		all = append(all, shapeCases(s)...)
	}
	if model != "" {
		all = append(all, fileCases(model)...)
	}
	return all
}

// machineCases measure what the others are held against: the rate of
// multiply-adds, and reading and copying (bytes read and written) in a cache and
// in memory.
func machineCases() []Case {
	all := []Case{{Work: "peak", Shape: "multiply-add", Unit: FLOPS, rate: func(b *Bench) float64 { return profile.PeakFLOPS(b.Threads) }}}
	for _, m := range []struct {
		name string
		size int // bytes a thread
	}{{"L1 16 KiB", 16 << 10}, {"L2 256 KiB", 256 << 10}, {"memory 64 MiB", 64 << 20}} {
		all = append(all,
			Case{Work: "read", Shape: m.name, Unit: Bytes, rate: func(b *Bench) float64 { return profile.ReadBandwidthOf(b.Threads, m.size) }},
			Case{Work: "copy", Shape: m.name, Unit: Bytes, rate: func(b *Bench) float64 { return profile.CopyBandwidth(b.Threads, m.size) }})
	}
	return all
}

// shapeCases measure a standard shape: forward and training, and, but for the tiny
// one, decoding and reading a prompt; SmolLM2's from several storage types.
func shapeCases(s Shape) []Case {
	batch := fmt.Sprintf("%s %dx%d", s.Name, s.Sequences, s.Length)
	all := []Case{
		shapeCase("forward", batch, s, tensor.F32, func(m *Model) Work { return m.Forward() }),
		shapeCase("train", batch, s, tensor.F32, func(m *Model) Work { return m.Train() }),
	}
	types := []tensor.DType{tensor.F32}
	switch {
	case s.Name == "tiny":
		return all
	case s.Name == "smollm2-135m":
		types = append(types, tensor.BF16, tensor.Q8_0, tensor.Q4_1)
	}
	for _, d := range types {
		all = append(all, shapeCase("decode", fmt.Sprintf("%s %s", s.Name, d), s, d, func(m *Model) Work {
			return m.Decode(prefixTokens, decodeTokens)
		}))
		if d == types[len(types)-1] { // the others are widened as it is
			all = append(all, shapeCase("prefill", fmt.Sprintf("%s %d %s", s.Name, promptTokens, d), s, d, func(m *Model) Work {
				return m.Prefill(promptTokens)
			}))
		}
	}
	return all
}

func shapeCase(work, shape string, s Shape, d tensor.DType, make func(*Model) Work) Case {
	return Case{Work: work, Shape: shape, Unit: Tokens, group: s.Name + " " + d.String(), prepare: func(b *Bench) (Work, error) {
		if b.model == nil {
			b.model = NewModel(b.Backend, s, d)
		}
		return make(b.model), nil
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
