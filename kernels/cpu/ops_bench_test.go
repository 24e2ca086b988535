package cpu

import (
	"fmt"
	"math"
	"testing"
	"time"

	"lamina/kernels"
	"lamina/tensor"
)

// opBench is one call and the bytes that it must move: each operand read, each
// result written, once.
type opBench struct {
	name  string
	bytes int
	run   func()
}

// bench makes operands for the calls of one benchmark.
type bench struct {
	be   *Backend
	seed uint64
}

func (b *bench) values(shape ...int) tensor.Tensor {
	t := tensor.MustNew(b.be, tensor.F32, shape...)
	b.seed++
	n := noise(b.seed)
	copy(f32(t), n.slice(t.Len()))
	return t
}

func (b *bench) empty(shape ...int) tensor.Tensor { return tensor.MustNew(b.be, tensor.F32, shape...) }

func (b *bench) ids(n, limit int) tensor.Tensor {
	t := tensor.MustNew(b.be, tensor.I32, n)
	for i := range tensor.HostInts(t) {
		tensor.HostInts(t)[i] = int32(i * 7919 % limit)
	}
	return t
}

// operations are the single operators of layers of n tokens, width d,
// feed-forward width f and vocabulary v.
func (b *bench) operations(n, d, f, v int) []opBench {
	be := b.be
	var all []opBench
	add := func(name string, floats int, run func()) { all = append(all, opBench{name, 4 * floats, run}) }

	x, y, g := b.values(n, f), b.empty(n, f), b.values(n, f)
	for _, fn := range []kernels.Func{kernels.ReLU, kernels.SiLU, kernels.GELU, kernels.GELUTanh, kernels.Tanh, kernels.Exp} {
		add(fmt.Sprintf("Unary/f=%v/n=%d/d=%d", fn, n, f), 2*n*f, func() { kernels.Unary(be, fn, y, x) })
		add(fmt.Sprintf("UnaryBackward/f=%v/n=%d/d=%d", fn, n, f), 3*n*f, func() { kernels.UnaryBackward(be, fn, y, g, x) })
	}
	du := b.empty(n, f)
	add(fmt.Sprintf("Gated/f=silu/n=%d/d=%d", n, f), 3*n*f, func() { kernels.Gated(be, kernels.SiLU, y, x, g) })
	add(fmt.Sprintf("GatedBackward/f=silu/n=%d/d=%d", n, f), 5*n*f, func() {
		kernels.GatedBackward(be, kernels.SiLU, y, du, g, x, x)
	})
	row, col := b.values(f), b.values(n, 1)
	add(fmt.Sprintf("Binary/op=add/n=%d/d=%d", n, f), 3*n*f, func() { kernels.Binary(be, kernels.Add, y, x, g) })
	add(fmt.Sprintf("Binary/op=add/n=%d/d=%d/b=row", n, f), 2*n*f, func() { kernels.Binary(be, kernels.Add, y, x, row) })
	add(fmt.Sprintf("Binary/op=mul/n=%d/d=%d/b=column", n, f), 2*n*f, func() { kernels.Binary(be, kernels.Mul, y, x, col) })
	one, sums := b.empty(1), b.empty(1, f)
	add(fmt.Sprintf("Reduce/op=sum/n=%d/d=%d/axes=all", n, f), n*f, func() { kernels.Reduce(be, kernels.Sum, one, x) })
	add(fmt.Sprintf("Reduce/op=sum/n=%d/d=%d/axes=0", n, f), n*f, func() { kernels.Reduce(be, kernels.Sum, sums, x) })
	turned := b.empty(f, n)
	add(fmt.Sprintf("Transpose/n=%d/d=%d", n, f), 2*n*f, func() { kernels.Transpose(be, turned, x, 1, 0) })
	drop := kernels.DropoutArgs{Y: b.empty(n, d), X: b.values(n, d), Rows: tensor.MustNew(be, tensor.I32, n, 2), P: 0.1, Seed: 1}
	add(fmt.Sprintf("Dropout/n=%d/d=%d", n, d), 2*n*d, func() { kernels.Dropout(be, drop) })

	const t = 128 // scores of 12 heads against 128 keys
	p, q, dp := b.values(12*n, t), b.empty(12*n, t), b.values(12*n, t)
	add(fmt.Sprintf("Softmax/n=%d/d=%d", 12*n, t), 2*p.Len(), func() { kernels.Softmax(be, q, p) })
	add(fmt.Sprintf("SoftmaxBackward/n=%d/d=%d", 12*n, t), 3*p.Len(), func() { kernels.SoftmaxBackward(be, q, dp, p) })
	b.normOperations(n, d, add)

	logits, targets, loss, lse := b.values(n, v), b.ids(n, v), b.values(n), b.empty(n)
	out := b.empty(n, v)
	add(fmt.Sprintf("Softmax/n=%d/d=%d", n, v), 2*n*v, func() { kernels.Softmax(be, out, logits) })
	add(fmt.Sprintf("CrossEntropy/n=%d/d=%d", n, v), n*v, func() { kernels.CrossEntropy(be, loss, lse, logits, targets) })
	add(fmt.Sprintf("CrossEntropyGrad/n=%d/d=%d", n, v), 2*n*v, func() {
		kernels.CrossEntropyGrad(be, loss, logits, logits, targets, lse) // in place, as training has it
	})
	add(fmt.Sprintf("ArgMax/n=%d/d=%d", n, v), n*v, func() { kernels.ArgMax(be, targets, logits) })
	table, ids, rows := b.values(v, d), b.ids(n, v), b.empty(n, d)
	add(fmt.Sprintf("Gather/n=%d/d=%d/type=F32", n, d), 2*n*d, func() { kernels.Gather(be, rows, table, ids) })
	add(fmt.Sprintf("ScatterAdd/n=%d/d=%d", n, d), 3*n*d, func() { kernels.ScatterAdd(be, table, ids, rows) })
	return all
}

func (b *bench) normOperations(n, d int, add func(name string, floats int, run func())) {
	be := b.be
	x, y, dy, gain, bias := b.values(n, d), b.empty(n, d), b.values(n, d), b.values(d), b.values(d)
	norm := kernels.NormArgs{Y: y, X: x, Gain: gain, Bias: bias, Mean: b.empty(n), Rstd: b.empty(n), Eps: 1e-5}
	grads := kernels.NormGrads{DX: b.empty(n, d), DGain: b.empty(d), DBias: b.empty(d), DY: dy, X: x, Gain: gain, Mean: norm.Mean, Rstd: norm.Rstd}
	add(fmt.Sprintf("LayerNorm/n=%d/d=%d", n, d), 2*n*d, func() { kernels.LayerNorm(be, norm) })
	add(fmt.Sprintf("LayerNormBackward/n=%d/d=%d", n, d), 3*n*d, func() { kernels.LayerNormBackward(be, grads) })
	rms := kernels.NormArgs{Y: y, X: x, Gain: gain, Rstd: norm.Rstd, Eps: 1e-5}
	add(fmt.Sprintf("RMSNorm/n=%d/d=%d", n, d), 2*n*d, func() { kernels.RMSNorm(be, rms) })
	const width = 64
	rope := kernels.RoPEArgs{Y: y, X: x, Cos: b.values(n, width/2), Sin: b.values(n, width/2), HeadDim: width}
	add(fmt.Sprintf("RoPE/n=%d/d=%d", n, d), 2*n*d, func() { kernels.RoPE(be, rope) })
}

// Sizes of OPT-125M at 512 tokens.
func BenchmarkOperation(b *testing.B) {
	for _, threads := range []int{1, 2} {
		be := New(Options{Threads: threads})
		for _, op := range (&bench{be: be}).operations(512, 768, 3072, 50272) {
			b.Run(fmt.Sprintf("%s/threads=%d", op.name, threads), func(b *testing.B) {
				b.SetBytes(int64(op.bytes))
				for b.Loop() {
					op.run()
				}
			})
		}
		be.Close()
	}
}

// AdamW reads four arrays and writes them: 32 bytes a parameter.
func BenchmarkAdamW(b *testing.B) {
	for _, n := range []int{1 << 20, 38_600_000} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
				be := New(Options{Threads: threads})
				defer be.Close()
				m := &bench{be: be}
				args := kernels.AdamWArgs{
					W: m.values(n), Grad: m.values(n), M: m.empty(n), V: m.empty(n),
					LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Step: 10, ZeroGrad: true,
				}
				sum := tensor.MustNew(be, tensor.F64, 1)
				kernels.AdamW(be, args) // M and V are fresh pages
				b.Run("op=step", func(b *testing.B) {
					b.SetBytes(int64(32 * n))
					for b.Loop() {
						kernels.AdamW(be, args)
					}
				})
				b.Run("op=norm", func(b *testing.B) {
					b.SetBytes(int64(4 * n))
					for b.Loop() {
						kernels.SumSquares(be, sum, args.Grad)
					}
				})
			})
		}
	}
}

// attentionShapes are those of OPT-125M, SmolLM2-135M and LLaMA-7B: training batches
// of short sentences and of 128 tokens, and long sequences.
var attentionShapes = []struct{ segments, tokens, heads, kvHeads, width int }{
	{16, 30, 12, 12, 64}, {4, 128, 12, 12, 64}, {1, 512, 12, 12, 64}, {1, 1024, 12, 12, 64}, {1, 2048, 12, 12, 64},
	{16, 30, 9, 3, 64}, {4, 128, 9, 3, 64}, {1, 512, 9, 3, 64}, {1, 1024, 9, 3, 64}, {1, 2048, 9, 3, 64},
	{4, 128, 32, 32, 128}, {1, 512, 32, 32, 128}, {1, 1024, 32, 32, 128}, {1, 2048, 32, 32, 128},
}

// attention returns a call on equal segments, and its gradients.
func (b *bench) attention(segments, tokens, heads, kvHeads, width int) (kernels.AttentionArgs, kernels.AttentionGrads) {
	n, d, kv := segments*tokens, heads*width, kvHeads*width
	args := kernels.AttentionArgs{
		Out: b.empty(n, d), Q: b.values(n, d), K: b.values(n, kv), V: b.values(n, kv),
		Heads: heads, KVHeads: kvHeads, HeadDim: width, Scale: 0.125,
	}
	for i := range segments {
		args.Segments = append(args.Segments, kernels.Segment{Start: i * tokens, Len: tokens})
	}
	return args, kernels.AttentionGrads{
		DQ: b.empty(n, d), DK: b.empty(n, kv), DV: b.empty(n, kv), DOut: b.values(n, d), Fwd: args,
	}
}

// decoding returns a step of one sequence of SmolLM2-135M.
func (b *bench) decoding(prefix int) kernels.AttentionArgs {
	return kernels.AttentionArgs{
		Out: b.empty(1, 576), Q: b.values(1, 576), K: b.values(1, 192), V: b.values(1, 192),
		Segments: []kernels.Segment{{Len: 1, PrefixLen: prefix}},
		Prefix:   []kernels.KV{{K: b.values(prefix, 192), V: b.values(prefix, 192)}},
		Heads:    9, KVHeads: 3, HeadDim: 64, Scale: 0.125,
	}
}

func BenchmarkAttention(b *testing.B) {
	for _, s := range attentionShapes {
		for _, threads := range []int{1, 2} {
			be := New(Options{Threads: threads})
			args, grads := (&bench{be: be}).attention(s.segments, s.tokens, s.heads, s.kvHeads, s.width)
			// Products that causal attention needs: two forward, five backward.
			pairs := float64(s.segments) * float64(s.tokens) * float64(s.tokens+1) / 2
			flop := 2 * pairs * float64(s.heads*s.width)
			name := fmt.Sprintf("segments=%d/tokens=%d/heads=%d/kv=%d/width=%d/threads=%d", s.segments, s.tokens, s.heads, s.kvHeads, s.width, threads)
			rate := func(b *testing.B, products float64) {
				b.ReportMetric(products*flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			}
			b.Run("op=forward/"+name, func(b *testing.B) {
				for b.Loop() {
					kernels.Attention(be, args)
				}
				rate(b, 2)
			})
			b.Run("op=backward/"+name, func(b *testing.B) {
				for b.Loop() {
					kernels.AttentionBackward(be, grads)
				}
				rate(b, 5)
			})
			be.Close()
		}
	}
}

// A decode step reads the keys and values of its prefix once.
func BenchmarkAttentionDecode(b *testing.B) {
	for _, prefix := range []int{64, 1024, 8192} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("prefix=%d/heads=9/kv=3/threads=%d", prefix, threads), func(b *testing.B) {
				be := New(Options{Threads: threads})
				defer be.Close()
				args := (&bench{be: be}).decoding(prefix)
				b.SetBytes(int64(2 * 4 * 192 * prefix))
				for b.Loop() {
					kernels.AttentionDecode(be, args)
				}
			})
		}
	}
}

// BenchmarkAttentionSlopes runs each call with slopes and without in turn, and tells
// how many times as long the slopes make it.
func BenchmarkAttentionSlopes(b *testing.B) {
	be := New(Options{Threads: 1})
	defer be.Close()
	slopes := func(heads int) []float64 {
		x := make([]float64, heads)
		for i := range x {
			x[i] = math.Exp2(-float64(i+1) * 8 / float64(heads))
		}
		return x
	}
	compare := func(name string, call func(slopes bool)) {
		b.Run(name, func(b *testing.B) {
			var spent [2]time.Duration
			for b.Loop() {
				for i := range spent {
					start := time.Now()
					call(i == 1)
					spent[i] += time.Since(start)
				}
			}
			b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "times")
		})
	}
	for _, s := range attentionShapes {
		name := fmt.Sprintf("segments=%d/tokens=%d/heads=%d/kv=%d", s.segments, s.tokens, s.heads, s.kvHeads)
		args, grads := (&bench{be: be}).attention(s.segments, s.tokens, s.heads, s.kvHeads, s.width)
		far, farGrads := args, grads
		far.Slopes = slopes(s.heads)
		farGrads.Fwd.Slopes = far.Slopes
		compare("op=forward/"+name, func(with bool) { kernels.Attention(be, [...]kernels.AttentionArgs{args, far}[bit(with)]) })
		compare("op=backward/"+name, func(with bool) {
			kernels.AttentionBackward(be, [...]kernels.AttentionGrads{grads, farGrads}[bit(with)])
		})
	}
	for _, prefix := range []int{64, 1024, 8192} {
		args := (&bench{be: be}).decoding(prefix)
		far := args
		far.Slopes = slopes(args.Heads)
		compare(fmt.Sprintf("op=decode/prefix=%d", prefix), func(with bool) {
			kernels.AttentionDecode(be, [...]kernels.AttentionArgs{args, far}[bit(with)])
		})
	}
}
