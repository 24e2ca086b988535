package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/crash/measure"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// parity holds small models on the device against the processor, in every precision.
func (r *runner) parity(res *result) error {
	host := cpu.New(cpu.Options{})
	defer host.Close()
	for _, precision := range []string{"f32", "tf32", "bf16"} {
		be, err := r.open(precision)
		if err != nil {
			return err
		}
		res.Device = be.Name()
		err = holdAgainst(background, be, host, scaleOf(r.tiny), barsOf(precision), func(name string, got, bar float64) {
			c := check{precision + " " + name, got, bar}
			fmt.Println(c)
			res.Checks = append(res.Checks, c)
		})
		be.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// bars are how far numbers may be off.
type bars struct {
	loss       float64 // of a step, relative; of a token's log-probability
	similarity float64
	logits     float64 // relative Frobenius norm
	ids        bool    // greedy ids are the same
}

func barsOf(precision string) bars {
	switch precision {
	case "tf32":
		return bars{loss: 2e-3, similarity: 1e-3, logits: 5e-3}
	case "bf16":
		return bars{loss: 1e-2, similarity: 1e-2, logits: 3e-2}
	}
	return bars{loss: 1e-4, similarity: 1e-5, logits: 1e-4, ids: true}
}

// scale says how large the small models are.
type scale struct {
	width, heads, layers, inner, vocab int
	block                              int // width of the model of block types, a multiple of 256
	rows, longest                      int // examples, and their tokens at most
	steps                              int
}

func scaleOf(tiny bool) scale {
	if tiny {
		return scale{width: 24, heads: 4, layers: 2, inner: 40, vocab: 61, block: 256, rows: 4, longest: 9, steps: 10}
	}
	return scale{width: 256, heads: 4, layers: 4, inner: 1024, vocab: 1000, block: 256, rows: 16, longest: 120, steps: 10}
}

// family returns the configuration of a small model: of OPT, with dropout, and of LLaMA,
// whose heads share keys and values.
func (s scale) family(name string) transformer.Config {
	c := transformer.Config{
		Family: name, Layers: s.layers, Width: s.width, EmbedWidth: s.width, Heads: s.heads, KVHeads: s.heads, HeadDim: s.width / s.heads, FeedForward: s.inner,
		Vocab: s.vocab, MaxPositions: 4 * s.longest, Eps: 1e-5, Activation: kernels.ReLU, Tied: true, NormAffine: true, Bias: true, MLPBias: true, Dropout: 0.1,
	}
	if name == "llama" {
		c.KVHeads, c.Bias, c.MLPBias, c.Activation, c.Dropout = s.heads/2, false, false, kernels.SiLU, 0
		c.RoPE = nn.RoPE{Dim: c.HeadDim, Theta: 10000}
	}
	return c
}

// row returns the i-th row of n ids.
func (s scale) row(i, n int) []int32 {
	ids := make([]int32, n)
	for j := range ids {
		ids[j] = int32((i*7919 + j*104729 + i*j*31 + 5) % s.vocab)
	}
	return ids
}

// pairs are examples of different lengths.
func (s scale) pairs() (pairs []task.Pair) {
	for i := range s.rows {
		n := s.longest - i*s.longest/(2*s.rows)
		ids := s.row(i, n)
		pairs = append(pairs, task.Pair{Context: ids[:n/2], Target: ids[n/2:]})
	}
	return pairs
}

// holdAgainst tells what a device makes of small models, beside what a host makes of them:
// told is called with how far apart they are, and how far they may be.
func holdAgainst(ctx context.Context, be, host kernels.Backend, s scale, b bars, told func(name string, got, bar float64)) error {
	for _, name := range []string{"opt", "llama"} {
		h := holding{ctx, be, host, s, b, func(what string, got, bar float64) { told(name+": "+what, got, bar) }}
		c := s.family(name)
		for _, hold := range []func(transformer.Config) error{h.training, h.scores, h.greedy, h.similarity} {
			if err := hold(c); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, d := range []tensor.DType{tensor.Q8_0, tensor.Q4_K} {
		h := holding{ctx, be, host, s, b, func(what string, got, bar float64) { told(fmt.Sprint(d, " frozen: ", what), got, bar) }}
		if err := h.frozen(d); err != nil {
			return fmt.Errorf("%v: %w", d, err)
		}
	}
	return nil
}

// holding is one comparison.
type holding struct {
	ctx      context.Context
	be, host kernels.Backend
	scale
	bars
	told func(what string, got, bar float64)
}

// small returns the model of a configuration on a device.
func small(be kernels.Backend, c transformer.Config) *transformer.Decoder {
	return transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.15 * math.Sqrt(24/float64(c.Width))})
}

// training holds the losses of some steps against each other, and two runs on the device
// bit by bit.
func (h holding) training(c transformer.Config) error {
	losses, bits, err := h.trained(h.be, small(h.be, c), nil)
	if err != nil {
		return err
	}
	again, bitsAgain, err := h.trained(h.be, small(h.be, c), nil)
	if err != nil {
		return err
	}
	want, _, err := h.trained(h.host, small(h.host, c), nil)
	if err != nil {
		return err
	}
	h.told(fmt.Sprintf("losses of %d steps, relative", h.steps), relative(losses, want), h.loss)
	differ := 0.0
	if bits != bitsAgain || !slices.Equal(losses, again) {
		differ = 1
	}
	h.told("bits of two trainings differ", differ, 0)
	return nil
}

// trained runs some steps over all weights of d, or some, and returns their losses and a
// digest of the weights.
func (h holding) trained(be kernels.Backend, d *transformer.Decoder, params nn.Params) (losses []float64, bits uint64, err error) {
	rows, err := train.NewNextToken(d, h.pairs())
	if err != nil {
		return nil, 0, err
	}
	if params == nil {
		params = d.Params()
	}
	t := &train.Trainer{Backend: be, Params: params, Train: rows, Settings: train.Settings{
		LR: 1e-3, Steps: h.steps, Batch: h.rows / 2, MicroBatch: max(h.rows/4, 1), Schedule: optim.Cosine, Warmup: 2, Clip: 1, Seed: 5, Dropout: d.Config.Dropout,
	}, Report: func(m train.Metrics) { losses = append(losses, m.Loss) }}
	defer t.Close()
	if _, err = t.Run(h.ctx); err != nil {
		return nil, 0, err
	}
	digest := fnv.New64a()
	for w := range params {
		digest.Write(w.Value.Raw())
	}
	return losses, digest.Sum64(), nil
}

// scores holds log-probabilities of documents whose choices share a context.
func (h holding) scores(c transformer.Config) error {
	var items []transformer.Continuation
	for i := range 3 {
		for choice := range 3 {
			items = append(items, transformer.Continuation{Context: h.row(i, h.longest), Target: h.row(i+5+choice, 2+choice)})
		}
	}
	score := func(be kernels.Backend) ([]float64, error) {
		got, err := small(be, c).Score(h.ctx, be, items, transformer.ScoreOptions{})
		var sums []float64
		for i, l := range got {
			sums = append(sums, l.LogProb/float64(len(items[i].Target)))
		}
		return sums, err
	}
	got, err := score(h.be)
	if err != nil {
		return err
	}
	want, err := score(h.host)
	if err != nil {
		return err
	}
	h.told("log-probability of a token", apart(got, want), h.loss)
	return nil
}

// greedy holds the ids of a greedy continuation, token by token over keys and values that
// are kept.
func (h holding) greedy(c transformer.Config) error {
	if !h.ids {
		return nil
	}
	continued := func(be kernels.Backend) (ids []int32, err error) {
		err = small(be, c).Generate(h.ctx, be, h.row(2, 5), 2*h.longest, transformer.Sampling{}, func(id int32) bool {
			ids = append(ids, id)
			return true
		})
		return ids, err
	}
	got, err := continued(h.be)
	if err != nil {
		return err
	}
	want, err := continued(h.host)
	if err != nil {
		return err
	}
	other := len(want)
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			other--
		}
	}
	h.told(fmt.Sprintf("greedy ids of %d that differ", len(want)), float64(other), 0)
	return nil
}

// similarity holds the likeness of layers.
func (h holding) similarity(c transformer.Config) error {
	var rows [][]int32
	for i := range 6 {
		rows = append(rows, h.row(i, 3+i%(h.longest-3)))
	}
	alike := func(be kernels.Backend) ([]float64, error) {
		s, err := measure.LayerSimilarity(h.ctx, be, small(be, c), rows, measure.Vectors{}, func(int, int) {})
		return slices.Concat(s.Matrix...), err
	}
	got, err := alike(h.be)
	if err != nil {
		return err
	}
	want, err := alike(h.host)
	if err != nil {
		return err
	}
	h.told("similarity of layers", apart(got, want), h.bars.similarity)
	return nil
}

// frozen holds a model whose matrices are of a block type: logits, losses of training the
// highest block alone, and that all others are what they were.
func (h holding) frozen(d tensor.DType) error {
	s := h.scale
	s.width, s.inner, s.heads, s.layers = s.block, s.block, 4, 2
	c := s.family("llama")
	h.steps = 3
	run := func(be kernels.Backend) (logits []float32, losses []float64, changed int, err error) {
		m := transformer.New(c, stored{nn.Init{Device: be, Seed: 3, Std: 0.05}, d})
		p := autograd.NewPass(be)
		logits = m.Logits(p, m.Forward(p, transformer.NewBatch(h.row(1, 5), h.row(2, 3)), nil)).T.Float32s()
		p.Close()
		last := m.Blocks[len(m.Blocks)-1]
		held := frozenBytes(m, last)
		if losses, _, err = h.trained(be, m, nn.ParamsOf(last)); err != nil {
			return nil, nil, 0, err
		}
		for name, raw := range frozenBytes(m, last) {
			if held[name] != raw {
				changed++
			}
		}
		return logits, losses, changed, be.Sync()
	}
	logits, losses, changed, err := run(h.be)
	if err != nil {
		return err
	}
	wantLogits, wantLosses, _, err := run(h.host)
	if err != nil {
		return err
	}
	h.told("logits, relative", frobenius(logits, wantLogits), h.logits)
	h.told(fmt.Sprintf("losses of %d steps, relative", h.steps), relative(losses, wantLosses), h.loss)
	h.told("frozen weights that changed", float64(changed), 0)
	return nil
}

// stored gives the weights of an [nn.Init], matrices in a block type.
type stored struct {
	nn.Init
	dtype tensor.DType
}

// Parameter implements [nn.Source].
func (s stored) Parameter(name string, initial nn.Initial, shape ...int) *autograd.Parameter {
	w := s.Init.Parameter(name, initial, shape...)
	if len(shape) < 2 {
		return w
	}
	blocks, err := tensor.EncodeRows(w.Value.Float32s(), shape[1], s.dtype)
	if err != nil {
		panic("cuda-bench: " + err.Error())
	}
	w.Value.Free()
	w.Value = tensor.Must(tensor.Wrap(s.Device, s.dtype, blocks, shape...))
	return w
}

// frozenBytes are the weights outside of a block as they are stored, type and bytes.
func frozenBytes(d *transformer.Decoder, but nn.Module) map[string]string {
	trained := map[*autograd.Parameter]bool{}
	for w := range nn.ParamsOf(but) {
		trained[w] = true
	}
	of := map[string]string{}
	for w := range d.Params() {
		if !trained[w] {
			of[w.Name] = w.Value.DType().String() + string(w.Value.Raw())
		}
	}
	return of
}

// relative returns the largest |got-want|/|want|, NaN where one is missing.
func relative(got, want []float64) float64 {
	if len(got) != len(want) || len(want) == 0 {
		return math.NaN()
	}
	most := 0.0
	for i, v := range want {
		most = larger(most, math.Abs(got[i]-v)/math.Abs(v))
	}
	return most
}

// apart returns the largest |got-want|, NaN where one is missing.
func apart(got, want []float64) float64 {
	if len(got) != len(want) || len(want) == 0 {
		return math.NaN()
	}
	most := 0.0
	for i, v := range want {
		most = larger(most, math.Abs(got[i]-v))
	}
	return most
}

// frobenius returns ‖got-want‖/‖want‖.
func frobenius(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.NaN()
	}
	var off, size float64
	for i, v := range want {
		off += float64(got[i]-v) * float64(got[i]-v)
		size += float64(v) * float64(v)
	}
	return math.Sqrt(off / size)
}

// larger is max, in which NaN is the largest.
func larger(a, b float64) float64 {
	if a != a || b != b {
		return math.NaN()
	}
	return max(a, b)
}
