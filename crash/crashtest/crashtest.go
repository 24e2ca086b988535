// Package crashtest has what the tests of the packages under crash share: small
// decoders of every family, examples to train on, and comparisons to the bit.
package crashtest

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer"
)

// Families are all that [Small] knows.
var Families = []string{"opt", "llama", "gpt2", "bloom"}

// Small returns a decoder of six layers with random weights, the same at each call.
func Small(be kernels.Backend, family string) *transformer.Decoder {
	c := transformer.Config{
		Family: family, Layers: 6, Width: 24, EmbedWidth: 24, Heads: 4, KVHeads: 4, HeadDim: 6, FeedForward: 40,
		Vocab: 61, MaxPositions: 64, Eps: 1e-5, Activation: kernels.ReLU, Tied: true, NormAffine: true, Bias: true, MLPBias: true,
	}
	switch family {
	case "gpt2":
		c.EmbedDropout = true
	case "llama":
		c.KVHeads, c.Bias, c.MLPBias, c.Activation = 2, false, false, kernels.SiLU
		c.RoPE = nn.RoPE{Dim: 6, Theta: 10000}
	}
	return transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.15})
}

// Pairs returns n pairs of random ids of [Small]'s vocabulary, the same at each call.
func Pairs(n int) []task.Pair {
	rng := philox.New(11, 0).Sequence()
	ids := func(k int) []int32 {
		out := make([]int32, k)
		for i := range out {
			out[i] = int32(rng.Intn(61))
		}
		return out
	}
	out := make([]task.Pair, n)
	for i := range out {
		out[i] = task.Pair{Context: ids(2 + rng.Intn(9)), Target: ids(1 + rng.Intn(4))}
	}
	return out
}

// NextToken is the objective of a decoder on pairs that are right for it.
func NextToken(t testing.TB, d *transformer.Decoder, pairs []task.Pair) train.Objective {
	t.Helper()
	o, err := train.NewNextToken(d, pairs)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Settings are of a short run that uses schedule, clip and dropout.
func Settings() train.Settings {
	return train.Settings{LR: 3e-3, Epochs: 2, Batch: 4, Schedule: optim.Cosine, Warmup: 2, Clip: 1, Seed: 5, Dropout: 0.1}
}

// Plan reads a plan.
func Plan(t *testing.T, text string) plan.Plan {
	t.Helper()
	p, err := plan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Bits returns the values of parameters to the bit.
func Bits(params nn.Params) []uint32 {
	var out []uint32
	for w := range params {
		for _, v := range w.Value.Float32s() {
			out = append(out, math.Float32bits(v))
		}
	}
	return out
}

// Same fails at the first value that differs.
func Same(t *testing.T, what string, a, b []uint32) {
	t.Helper()
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%s: %d and %d values", what, len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("%s: value %d differs: %08x, %08x", what, i, a[i], b[i])
		}
	}
}

// Models is where small checkpoints of every family lie, seen from a package under crash.
const Models = "../../transformer/testdata"

// OpenModel opens a checkpoint on the reference backend.
func OpenModel(t testing.TB, path string) (*transformer.Checkpoint, *transformer.Decoder) {
	t.Helper()
	c, err := transformer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Decoder(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

// Logits returns the logits of some rows to the bit.
func Logits(be kernels.Backend, d *transformer.Decoder) []uint32 {
	p := autograd.NewPass(be)
	rows := transformer.NewBatch([]int32{3, 1, 4, 1, 5, 9, 2, 6}, []int32{7}, []int32{12, 14})
	var out []uint32
	for _, v := range d.Logits(p, d.Forward(p, rows, nil)).T.Float32s() {
		out = append(out, math.Float32bits(v))
	}
	return out
}

// Countdown is a context that ends when it has been asked n times: at every
// place where work looks at it, one after the other.
type Countdown struct {
	context.Context
	Left int
}

func (c *Countdown) Err() error {
	if c.Left--; c.Left < 0 {
		return context.Canceled
	}
	return nil
}

// Export writes the emulator of a plan to a new directory.
func Export(t testing.TB, c *transformer.Checkpoint, full *transformer.Decoder, text string) (string, emulate.Manifest) {
	t.Helper()
	p, err := plan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "emulator")
	m, err := emulate.Export(c, full, p, dir, emulate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}
