package bench

import (
	"fmt"
	"testing"

	"lamina/autograd"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// The standard shapes: a tiny one, OPT-125M ("small") and SmolLM2-135M ("llama").
const (
	tiny = `{"model_type":"opt","vocab_size":4000,"hidden_size":128,"num_hidden_layers":4,"num_attention_heads":4,
		"ffn_dim":512,"max_position_embeddings":512,"dropout":0}`
	opt125M = `{"model_type":"opt","vocab_size":50272,"hidden_size":768,"num_hidden_layers":12,"num_attention_heads":12,
		"ffn_dim":3072,"max_position_embeddings":2048,"dropout":0}`
	smolLM2 = `{"model_type":"llama","vocab_size":49152,"hidden_size":576,"intermediate_size":1536,"num_hidden_layers":30,
		"num_attention_heads":9,"num_key_value_heads":3,"max_position_embeddings":8192,"rms_norm_eps":1e-5,"rope_theta":100000,"tie_word_embeddings":true}`
)

var shapes = []struct {
	name   string
	config string
	rows   int // sequences
	length int // tokens of each
}{
	{"tiny", tiny, 8, 64},
	{"opt-125m", opt125M, 4, 128},
	{"smollm2-135m", smolLM2, 4, 128},
}

// setup builds a decoder with random weights and a batch with a target at every
// position, as language-model training has.
func setup(b *testing.B, be *cpu.Backend, config string, rows, length int) (*transformer.Decoder, *transformer.Batch, []int32) {
	b.Helper()
	c, err := transformer.ParseConfig([]byte(config))
	if err != nil {
		b.Fatal(err)
	}
	d := transformer.New(c, nn.Init{Device: be, Seed: 1, Std: 0.02})
	batch := &transformer.Batch{}
	for s := range rows {
		tokens := make([]int32, length)
		for i := range tokens {
			tokens[i] = int32((s*7919 + i*104729) % c.Vocab)
		}
		batch.Add(tokens, nil)
	}
	targets := append(append([]int32(nil), batch.Tokens[1:]...), 0)
	return d, batch, targets
}

func each(b *testing.B, run func(b *testing.B, be *cpu.Backend, config string, rows, length int)) {
	for _, threads := range []int{1, 2} {
		for _, s := range shapes {
			b.Run(fmt.Sprintf("model=%s/tokens=%dx%d/threads=%d", s.name, s.rows, s.length, threads), func(b *testing.B) {
				be := cpu.New(cpu.Options{Threads: threads})
				defer be.Close()
				run(b, be, s.config, s.rows, s.length)
			})
		}
	}
}

// BenchmarkTrainStep is forward, backward and AdamW of all weights, a target at
// every position.
func BenchmarkTrainStep(b *testing.B) {
	each(b, func(b *testing.B, be *cpu.Backend, config string, rows, length int) {
		d, batch, targets := setup(b, be, config, rows, length)
		opt := optim.New(be, nn.Train(be, d.Params()), optim.Config{LR: 1e-5, Clip: 1})
		p := autograd.NewPass(be)
		p.Tape = autograd.NewTape()
		step := func() {
			x := d.Forward(p, batch, nil)
			want := p.New(tensor.I32, len(targets))
			want.SetInts(targets)
			p.Backward(d.Loss(p, x, want), 1/float64(len(targets)))
			opt.Step(1)
			p.Reset()
		}
		step()
		step() // the arena's pieces are one now
		for b.Loop() {
			step()
		}
		report(b, len(targets))
		b.ReportMetric(float64(p.Arena.Peak())/(1<<20), "peak-MiB")
	})
}

// BenchmarkForward is inference with logits at every position.
func BenchmarkForward(b *testing.B) {
	each(b, func(b *testing.B, be *cpu.Backend, config string, rows, length int) {
		d, batch, targets := setup(b, be, config, rows, length)
		p := autograd.NewPass(be)
		for b.Loop() {
			d.Logits(p, d.Forward(p, batch, nil))
			p.Reset()
		}
		report(b, len(targets))
	})
}

// BenchmarkDecode is one token after 128 others, a batch of one.
func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, be *cpu.Backend, config string, _, _ int) {
		d, _, _ := setup(b, be, config, 1, 1)
		p := autograd.NewPass(be)
		const prompt = 128
		cache := d.NewKVStore(be, prompt+1).Sequence(prompt + 1)
		first := &transformer.Batch{Store: true}
		first.Add(make([]int32, prompt), cache)
		d.Forward(p, first, nil)
		p.Reset()
		p.Decoding = true
		for b.Loop() {
			cache.Len = prompt
			one := &transformer.Batch{Store: true}
			one.Add([]int32{5}, cache)
			d.Logits(p, d.Forward(p, one, nil))
			p.Reset()
		}
		report(b, 1)
	})
}

func report(b *testing.B, tokens int) {
	b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
