package main

import (
	"fmt"
	"path/filepath"

	"lamina/bench/workload"
	"lamina/kernels/profile"
	"lamina/tensor"
)

const (
	benchPrefix = 16  // tokens before those that are decoded
	benchDecode = 16  // tokens of a call
	benchPrompt = 512 // tokens of a prefill
)

// benchCases returns every row there is, in the order of the table. A model from a
// file adds its own.
func benchCases(model string) []benchCase {
	all := machineCases()
	for _, p := range workload.Products() {
		all = append(all, benchCase{work: "gemm", shape: p.String(), unit: unitFLOPS, prepare: func(b *bench) (workload.Work, error) {
			return p.Work(b.be, b.threads), nil
		}})
	}
	for _, d := range workload.WeightTypes() {
		const n, p = 32768, 2048 // larger than the caches in every type
		all = append(all, benchCase{work: "matvec", shape: fmt.Sprintf("%dx%d %s", n, p, d), unit: unitBytes, prepare: func(b *bench) (workload.Work, error) {
			return workload.MatVec(b.be, d, n, p), nil
		}})
	}
	for _, op := range workload.Operators() {
		all = append(all, benchCase{work: "op", shape: op.Name, unit: unitBytes, prepare: func(b *bench) (workload.Work, error) {
			return op.Make(b.be), nil
		}})
	}
	for _, s := range workload.Shapes() {
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
func machineCases() []benchCase {
	all := []benchCase{{work: "peak", shape: "multiply-add", unit: unitFLOPS, limit: func(b *bench) float64 { return profile.PeakFLOPS(b.threads) }}}
	for _, m := range []struct {
		name string
		size int // bytes a thread
	}{{"L1 16 KiB", 16 << 10}, {"L2 256 KiB", 256 << 10}, {"memory 64 MiB", 64 << 20}} {
		all = append(all,
			benchCase{work: "read", shape: m.name, unit: unitBytes, limit: func(b *bench) float64 { return profile.ReadBandwidthOf(b.threads, m.size) }},
			benchCase{work: "copy", shape: m.name, unit: unitBytes, limit: func(b *bench) float64 { return profile.CopyBandwidth(b.threads, m.size) }})
	}
	return all
}

// shapeCases measure a standard shape: forward and training, and, but for the tiny
// one, decoding and reading a prompt; SmolLM2's from several storage types.
func shapeCases(s workload.Shape) []benchCase {
	batch := fmt.Sprintf("%s %dx%d", s.Name, s.Sequences, s.Length)
	all := []benchCase{
		shapeCase("forward", batch, s, tensor.F32, func(m *workload.Model) workload.Work { return m.Forward() }),
		shapeCase("train", batch, s, tensor.F32, func(m *workload.Model) workload.Work { return m.Train() }),
	}
	types := []tensor.DType{tensor.F32}
	switch {
	case s.Name == "tiny":
		return all
	case s.Name == "smollm2-135m":
		types = append(types, tensor.BF16, tensor.Q8_0, tensor.Q4_1)
	}
	for _, d := range types {
		all = append(all, shapeCase("decode", fmt.Sprintf("%s %s", s.Name, d), s, d, func(m *workload.Model) workload.Work {
			return m.Decode(benchPrefix, benchDecode)
		}))
		if d == types[len(types)-1] { // the others are widened as it is
			all = append(all, shapeCase("prefill", fmt.Sprintf("%s %d %s", s.Name, benchPrompt, d), s, d, func(m *workload.Model) workload.Work {
				return m.Prefill(benchPrompt)
			}))
		}
	}
	return all
}

func shapeCase(work, shape string, s workload.Shape, d tensor.DType, make func(*workload.Model) workload.Work) benchCase {
	return benchCase{work: work, shape: shape, unit: unitTokens, group: s.Name + " " + d.String(), prepare: func(b *bench) (workload.Work, error) {
		if b.model == nil {
			b.model = workload.NewModel(b.be, s, d)
		}
		return make(b.model), nil
	}}
}

// fileCases measure a model from a file.
func fileCases(path string) []benchCase {
	name := filepath.Base(path)
	row := func(work, shape string, make func(*workload.Model) workload.Work) benchCase {
		return benchCase{work: work, shape: shape, unit: unitTokens, group: "file", prepare: func(b *bench) (workload.Work, error) {
			if b.model == nil {
				m, err := b.open(path)
				if err != nil {
					return workload.Work{}, err
				}
				b.model = m
			}
			return make(b.model), nil
		}}
	}
	return []benchCase{
		row("decode", name, func(m *workload.Model) workload.Work { return m.Decode(benchPrefix, benchDecode) }),
		row("prefill", fmt.Sprintf("%s %d", name, benchPrompt), func(m *workload.Model) workload.Work { return m.Prefill(benchPrompt) }),
	}
}

// open reads a model on this number of threads' backend.
func (b *bench) open(path string) (*workload.Model, error) {
	c, err := b.s.openCheckpoint(path)
	if err != nil {
		return nil, err
	}
	d, err := c.Decoder(b.be)
	if err != nil {
		return nil, err
	}
	if d.Config.CheckLength(benchPrompt) != nil {
		return nil, fmt.Errorf("%s: has %d positions, bench reads prompts of %d", path, d.Config.MaxPositions, benchPrompt)
	}
	return workload.OfDecoder(b.be, filepath.Base(path), d), nil
}
