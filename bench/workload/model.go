package workload

import (
	"hash/fnv"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// Shape is a decoder and the batch it is measured with.
type Shape struct {
	Name      string
	Config    string // config.json
	Sequences int
	Length    int // tokens of each
}

// Shapes are the standard ones: a tiny OPT, OPT-125M and SmolLM2-135M.
var shapes = []Shape{
	{"tiny", `{"model_type": "opt", "vocab_size": 512, "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
		"ffn_dim": 512, "max_position_embeddings": 2048, "dropout": 0}`, 8, 64},
	{"opt-125m", `{"model_type": "opt", "vocab_size": 50272, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
		"ffn_dim": 3072, "max_position_embeddings": 2048, "dropout": 0}`, 4, 128},
	{"smollm2-135m", `{"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
		"num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
		"rope_theta": 100000, "tie_word_embeddings": true}`, 4, 128},
}

// Shapes returns the standard shapes.
func Shapes() []Shape { return append([]Shape(nil), shapes...) }

// Parse returns the shape's configuration, which is one of the above and so
// always right.
func (s Shape) Parse() transformer.Config {
	c, err := transformer.ParseConfig([]byte(s.Config))
	if err != nil {
		panic("workload: Shape.Parse: " + s.Name + ": " + err.Error())
	}
	return c
}

// source gives random weights: matrices of the storage type, vectors and learned
// positions as nn.Init has them.
type source struct {
	be    kernels.Backend
	dtype tensor.DType
}

// Parameter implements [nn.Source].
func (s source) Parameter(name string, initial nn.Initial, shape ...int) *autograd.Parameter {
	if len(shape) < 2 || strings.Contains(name, "position") {
		return nn.Init{Device: s.be, Seed: 1, Std: 0.02}.Parameter(name, initial, shape...)
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return &autograd.Parameter{Name: name, Value: Stored(s.be, s.dtype, h.Sum64(), shape...)}
}

// Stored returns a weight of a storage type: numbers below 0.05, or for a block
// type bytes of no meaning whose scales are small finite numbers in every block
// format. No speed depends on them, but each page has to be one of its own.
func Stored(be kernels.Backend, d tensor.DType, seed uint64, shape ...int) tensor.Tensor {
	t := tensor.MustNew(be, d, shape...)
	n, block := t.Len(), d.BlockLen()
	part := storedPart(d, seed, min(n, storedValues))
	blocks := t.Reshape(n/block, block)
	for from := 0; from < n; from += storedValues {
		to := min(n, from+storedValues)
		blocks.Slice(from/block, to/block).SetRaw(part[:d.Bytes(to-from)])
	}
	return t
}

// storedValues is how many values of a weight differ: making more would take longer than
// what is measured on them.
const storedValues = 1 << 18

// storedPart returns n values as they are stored.
func storedPart(d tensor.DType, seed uint64, n int) []byte {
	state := seed | 1
	next := func() uint64 { // a linear congruential generator: quick, and good enough for weights that mean nothing
		state = state*6364136223846793005 + 1442695040888963407
		return state
	}
	raw := make([]byte, d.Bytes(n))
	if d.IsBlock() {
		const keep = 0x13 // as the upper byte of an F16: below 2^-10
		for i := range raw {
			raw[i] = byte(next()>>56) & keep
		}
		return raw
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(int32(next()>>32)) * (0.05 / (1 << 31))
	}
	tensor.EncodeF32(raw, values, d)
	return raw
}

// Model is a decoder with random weights and what it is measured with.
type Model struct {
	Shape
	Decoder *transformer.Decoder
	be      kernels.Backend
}

// NewModel builds a decoder whose matrices are stored as d.
func NewModel(be kernels.Backend, s Shape, d tensor.DType) *Model {
	return &Model{s, transformer.New(s.Parse(), source{be, d}), be}
}

// On is the same model, computed by another backend in the same memory.
func (m *Model) On(be kernels.Backend) *Model { return &Model{m.Shape, m.Decoder, be} }

// OfDecoder wraps a decoder that was read from a file: to decode and to prefill.
func OfDecoder(be kernels.Backend, name string, decoder *transformer.Decoder) *Model {
	return &Model{Shape{Name: name}, decoder, be}
}

// Work is one call, repeated as often as it is timed, and its cost. Done frees
// what it holds; it may be nil.
type Work struct {
	Run    func()
	Cost   Cost
	Tokens int // through the model in a call; 0 where that means nothing
	Done   func()
}

// tokens returns ids that differ, the same ones at each call.
func (m *Model) tokens(sequence, length int) []int32 {
	ids := make([]int32, length)
	for i := range ids {
		ids[i] = int32((sequence*7919 + i*104729) % m.Decoder.Config.Vocab)
	}
	return ids
}

func (m *Model) batch() *transformer.Batch {
	b := &transformer.Batch{}
	for s := range m.Sequences {
		b.Add(m.tokens(s, m.Length), nil)
	}
	return b
}

// finish waits for a pass, since its time ends where its work does, and resets it. A
// pass that failed computes nothing, quickly: that is no measurement.
func finish(p *autograd.Pass) {
	if err := p.Sync(); err != nil {
		panic("workload: " + err.Error())
	}
	p.Reset()
}

// Forward is inference with logits at every position.
func (m *Model) Forward() Work {
	d, p, batch := m.Decoder, autograd.NewPass(m.be), m.batch()
	n := len(batch.Tokens)
	return Work{Cost: ForwardCost(d.Config, m.Sequences, m.Length, n), Tokens: n, Run: func() {
		d.Logits(p, d.Forward(p, batch, nil))
		finish(p)
	}, Done: p.Close}
}

// Train is a step of AdamW on all weights, a target at every position. It has the
// decoder for itself until Done, and leaves it with F32 weights, a little changed: those it
// had are freed, since whoever trains all weights holds them once.
func (m *Model) Train() Work {
	var before []tensor.Tensor
	for w := range m.Decoder.Params() {
		before = append(before, w.Value)
	}
	w, trained := m.train(m.Decoder.Params(), TrainCost(m.Decoder.Config, m.Sequences, m.Length))
	for i := range before {
		before[i].Free()
	}
	clear(before)
	warm(w)
	done := w.Done
	w.Done = func() {
		done()
		trained.Freeze()
	}
	return w
}

// Finetune is [Model.Train] of some blocks alone, by their places: all others are frozen,
// and stay as they are stored.
func (m *Model) Finetune(places ...int) Work {
	var params []nn.Params
	for _, place := range places {
		params = append(params, nn.ParamsOf(m.Decoder.Blocks[place]))
	}
	lengths := slices.Repeat([]int{m.Length}, m.Sequences)
	w, trained := m.train(nn.Join(params...), FinetuneCost(m.Decoder.Config, places, lengths, m.Sequences*m.Length))
	warm(w)
	done := w.Done
	w.Done = func() {
		done()
		trained.Close()
	}
	return w
}

// warm runs a step, which learns how much memory it needs; the next one takes that at once,
// after what nobody needs any more has gone back to the system.
func warm(w Work) {
	tensor.Trim()
	w.Run()
	tensor.Trim()
}

// train is a step on some weights. Done leaves them trained.
func (m *Model) train(params nn.Params, cost Cost) (Work, *nn.Trained) {
	d, batch := m.Decoder, m.batch()
	n := len(batch.Tokens)
	targets := append(append([]int32(nil), batch.Tokens[1:]...), 0)
	trained := tensor.Must(nn.Trainable(m.be, params))
	opt := tensor.Must(optim.NewAdamW(m.be, trained, optim.Config{LR: 1e-5, Clip: 1}))
	p := autograd.NewTrainingPass(m.be)
	run := func() {
		x := d.Forward(p, batch, nil)
		want := p.New(tensor.I32, n)
		want.SetInts(targets)
		_ = p.Backward(d.Loss(p, x, want), 1/float64(n)) // finish has its error
		finish(p)
		opt.Step(1)
	}
	done := func() {
		p.Close()
		opt.Close()
	}
	return Work{Cost: cost, Tokens: n, Run: run, Done: done}, trained
}

// Decode is count tokens, one at a time, of one sequence after prefix others.
func (m *Model) Decode(prefix, count int) Work { return m.DecodeMany(1, prefix, count) }

// DecodeMany is count tokens of each of several sequences, one of each at a time, after
// prefix others.
func (m *Model) DecodeMany(sequences, prefix, count int) Work {
	d, p := m.Decoder, autograd.NewPass(m.be)
	store := tensor.Must(d.NewKVStore(m.be, sequences*(prefix+count)))
	prompts := &transformer.Batch{Store: true}
	caches := make([]*transformer.Cache, sequences)
	for i := range caches {
		caches[i] = store.Sequence(prefix + count)
		prompts.Add(m.tokens(i, prefix), caches[i])
	}
	d.Forward(p, prompts, nil)
	finish(p)
	p.Decoding = true
	var cost Cost
	weights := DecodeCost(d, 0).Read
	for i := range count {
		cost.Read += weights + float64(sequences)*(DecodeCost(d, prefix+i).Read-weights)
	}
	return Work{Cost: cost, Tokens: sequences * count, Run: func() {
		for _, c := range caches {
			c.Len = prefix
		}
		for range count {
			next := &transformer.Batch{Store: true}
			for _, c := range caches {
				next.Add([]int32{5}, c)
			}
			kernels.Step(p.Backend, "decode", func() { d.Logits(p, d.Forward(p, next, nil)) })
			finish(p)
		}
	}, Done: func() {
		p.Close()
		store.Close()
	}}
}

// Prefill reads a prompt of length tokens into a cache and computes the logits of
// the last.
func (m *Model) Prefill(length int) Work {
	d, p := m.Decoder, autograd.NewPass(m.be)
	store := tensor.Must(d.NewKVStore(m.be, length))
	cache := store.Sequence(length)
	prompt := m.tokens(0, length)
	return Work{Cost: ForwardCost(d.Config, 1, length, 1), Tokens: length, Run: func() {
		cache.Len = 0
		b := &transformer.Batch{Store: true}
		b.Add(prompt, cache)
		d.Logits(p, d.Rows(p, d.Forward(p, b, nil), []int32{int32(length - 1)}))
		finish(p)
	}, Done: func() {
		p.Close()
		store.Close()
	}}
}
