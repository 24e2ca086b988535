package kernels_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// Misuse panics before the backend is called, and says what is wrong with what.
func TestMisusePanics(t *testing.T) {
	be := ref.New()
	f32 := func(shape ...int) tensor.Tensor { return tensor.MustNew(be, tensor.F32, shape...) }
	f64 := func(shape ...int) tensor.Tensor { return tensor.MustNew(be, tensor.F64, shape...) }
	i32 := func(shape ...int) tensor.Tensor { return tensor.MustNew(be, tensor.I32, shape...) }
	none := tensor.Tensor{}
	x := f32(4, 6)
	attention := func(change func(*kernels.AttentionArgs)) kernels.AttentionArgs {
		a := kernels.AttentionArgs{
			Out: f32(4, 6), Q: f32(4, 6), K: f32(4, 3), V: f32(4, 3),
			Segments: []kernels.Segment{{Len: 3}, {Start: 3, Len: 1}}, Heads: 2, KVHeads: 1, HeadDim: 3, Scale: 1,
		}
		change(&a)
		return a
	}
	for _, c := range []struct {
		want string
		call func()
	}{
		{"kernels: MatMul: inner sizes differ: A F32[4 6], TransA false, B F32[5 6], TransB false", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(5, 6)})
		}},
		{"MatMul: outer sizes differ", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(5, 4), A: x, B: f32(5, 6), TransB: true})
		}},
		{"MatMul: wants F32: A F64[4 6]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: f64(4, 6), B: f32(6, 5)})
		}},
		{"MatMul: holds no real numbers: B I32[6 5]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: i32(6, 5)})
		}},
		{"MatMul: rows are not whole blocks of 32: B Q8_0[16 6]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 16), A: x, B: tensor.MustNew(be, tensor.Q8_0, 16, 6), TransB: true})
		}},
		{"MatMul: Accumulate takes no Bias", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(6, 5), Bias: f32(5), Accumulate: true})
		}},
		{"MatMul: wants F32 [5]: Bias F32[4]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(6, 5), Bias: f32(4)})
		}},
		{"MatMul: Accumulate takes no Func: Func relu", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(6, 5), Func: kernels.ReLU, Accumulate: true})
		}},
		{"MatMul: Accumulate takes no Residual", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(6, 5), Residual: f32(4, 5), Accumulate: true})
		}},
		{"MatMul: no function 12", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(6, 5), Func: kernels.NumFuncs})
		}},
		{"MatMul: wants F32 [4 5]: Residual F32[5 4]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: f32(4, 5), A: x, B: f32(6, 5), Residual: f32(5, 4)})
		}},
		{"MatMul: output overlaps part of an operand: C F32[2 6], Residual F32[2 6]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: x.Slice(1, 3), A: f32(2, 6), B: f32(6, 6), Residual: x.Slice(0, 2)})
		}},
		{"MatMuls: inner sizes differ", func() {
			kernels.MatMuls(be, []kernels.MatMulArgs{{C: f32(4, 5), A: x, B: f32(5, 6)}})
		}},
		{"MatMuls: left operands differ: A F32[4 6], TransA false, A F32[4 6], TransA false", func() {
			kernels.MatMuls(be, []kernels.MatMulArgs{{C: f32(4, 5), A: x, B: f32(6, 5)}, {C: f32(4, 5), A: f32(4, 6), B: f32(6, 5)}})
		}},
		{"MatMuls: output overlaps an operand: C F32[4 6], C F32[4 6]", func() {
			y := f32(4, 6)
			kernels.MatMuls(be, []kernels.MatMulArgs{{C: y, A: x, B: f32(6, 6)}, {C: y, A: x, B: f32(6, 6)}})
		}},
		{"MatMuls: output overlaps an operand: C F32[4 6], Residual F32[4 6]", func() {
			y := f32(4, 6)
			kernels.MatMuls(be, []kernels.MatMulArgs{{C: y, A: x, B: f32(6, 6)}, {C: f32(4, 6), A: x, B: f32(6, 6), Residual: y}})
		}},
		{"MatMul: output overlaps an operand: C F32[2 6], A F32[2 6]", func() {
			kernels.MatMul(be, kernels.MatMulArgs{C: x.Slice(1, 3), A: x.Slice(0, 2), B: f32(6, 6)})
		}},
		{"MatVec: takes no TransA and no Accumulate: TransA true, Accumulate false", func() {
			kernels.MatVec(be, kernels.MatMulArgs{C: f32(1, 5), A: f32(6, 1), B: f32(6, 5), TransA: true})
		}},
		{"MatVecs: left operands differ", func() {
			kernels.MatVecs(be, []kernels.MatMulArgs{{C: f32(4, 5), A: x, B: f32(5, 6), TransB: true}, {C: f32(4, 5), A: f32(4, 6), B: f32(5, 6), TransB: true}})
		}},
		{"MatVec: inner sizes differ", func() { kernels.MatVec(be, kernels.MatMulArgs{C: f32(1, 5), A: f32(1, 6), B: f32(5, 7), TransB: true}) }},
		{"Unary: shapes differ: x F32[6 4], y F32[4 6]", func() { kernels.Unary(be, kernels.ReLU, x, f32(6, 4)) }},
		{"Unary: wants F32 or F64: y none", func() { kernels.Unary(be, kernels.ReLU, none, x) }},
		{"Unary: no function 12", func() { kernels.Unary(be, kernels.NumFuncs, x, x) }},
		{"Unary: output overlaps part of an operand", func() { kernels.Unary(be, kernels.ReLU, x.Slice(0, 2), x.Slice(1, 3)) }},
		{"UnaryBackward: output overlaps", func() { kernels.UnaryBackward(be, kernels.ReLU, x, f32(4, 6), x) }},
		{"Gated: output overlaps", func() { kernels.Gated(be, kernels.SiLU, x, x, f32(4, 6)) }},
		{"GatedBackward: output overlaps", func() {
			kernels.GatedBackward(be, kernels.SiLU, x, f32(4, 6), x, f32(4, 6), f32(4, 6))
		}},
		{"Binary: shapes do not broadcast: a F32[4 6], b F32[5]", func() { kernels.Binary(be, kernels.Add, x, x, f32(5)) }},
		{"Binary: y has not the broadcast shape", func() { kernels.Binary(be, kernels.Add, f32(1, 6), x, f32(6)) }},
		{"Binary: output overlaps", func() { kernels.Binary(be, kernels.Add, x, f32(4, 6), x.Slice(0, 1)) }},
		{"AddScaled: types differ", func() { kernels.AddScaled(be, x, f64(4, 6), 1) }},
		{"Reduce: an axis of y is neither", func() { kernels.Reduce(be, kernels.Sum, f32(2, 6), x) }},
		{"Convert: cannot write this type: y Q8_0[1 32]", func() {
			kernels.Convert(be, tensor.MustNew(be, tensor.Q8_0, 1, 32), f32(1, 32))
		}},
		{"Transpose: no permutation: perm [0 0]", func() { kernels.Transpose(be, f32(6, 4), x, 0, 0) }},
		{"Transpose: shapes differ", func() { kernels.Transpose(be, f32(4, 6), x, 1, 0) }},
		{"CopyAxis: range exceeds the axis", func() { kernels.CopyAxis(be, x, f32(4, 3), 1, 4, 0, 3, false) }},
		{"CopyAxis: other axes differ", func() { kernels.CopyAxis(be, x, f32(3, 6), 1, 0, 0, 1, false) }},
		{"Gather: wants I32: ids F32[4]", func() { kernels.Gather(be, x, f32(9, 6), f32(4)) }},
		{"Gather: id out of range [0, 9): place 1, id 9", func() {
			kernels.Gather(be, f32(2, 6), f32(9, 6), tensor.MustFromInts(be, []int32{0, 9}, 2))
		}},
		{"ScatterAdd: wants F32 [3 6]: dY F32[4 6]", func() { kernels.ScatterAdd(be, f32(9, 6), i32(3), x) }},
		{"Dropout: P = 1 is not in [0, 1)", func() { kernels.Dropout(be, kernels.DropoutArgs{Y: x, X: x, Rows: i32(4, 2), P: 1}) }},
		{"Dropout: P = NaN", func() { kernels.Dropout(be, kernels.DropoutArgs{Y: x, X: x, Rows: i32(4, 2), P: math.NaN()}) }},
		{"Dropout: wants I32 [4 2]", func() { kernels.Dropout(be, kernels.DropoutArgs{Y: x, X: x, Rows: i32(4, 1)}) }},
		{"CrossEntropy: wants I32 [4]: targets I32[3]", func() { kernels.CrossEntropy(be, f32(4), f32(4), x, i32(3)) }},
		{"ArgMax: rows are empty", func() { kernels.ArgMax(be, i32(4), f32(4, 0)) }},
		{"LayerNorm: Bias without Gain", func() { kernels.LayerNorm(be, kernels.NormArgs{Y: f32(4, 6), X: x, Bias: f32(6)}) }},
		{"LayerNorm: length is not that of a row", func() { kernels.LayerNorm(be, kernels.NormArgs{Y: f32(4, 6), X: x, Gain: f32(5)}) }},
		{"RMSNorm: needs Gain", func() { kernels.RMSNorm(be, kernels.NormArgs{Y: f32(4, 6), X: x}) }},
		{"LayerNormBackward: wants F32 [4]: Rstd none", func() { kernels.LayerNormBackward(be, kernels.NormGrads{DY: f32(4, 6), X: x}) }},
		{"RoPE: rotary width exceeds the head", func() {
			kernels.RoPE(be, kernels.RoPEArgs{Y: x, X: x, Cos: f32(4, 2), Sin: f32(4, 2), HeadDim: 3})
		}},
		{"RoPE: rows are not whole heads", func() {
			kernels.RoPE(be, kernels.RoPEArgs{Y: x, X: x, Cos: f32(4, 2), Sin: f32(4, 2), HeadDim: 4})
		}},
		{"Attention: impossible heads", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) { a.Heads = 3; a.KVHeads = 2 }))
		}},
		{"Attention: wants a slope for each head, and a scale: Slopes 1, Heads 2", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) { a.Slopes = []float64{1} }))
		}},
		{"Attention: wants a slope for each head, and a scale: Slopes 2, Heads 2, Scale 0", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) { a.Slopes, a.Scale = []float64{1, 2}, 0 }))
		}},
		{"Attention: segments do not follow one another: segment 1 {Start:2 Len:2 PrefixLen:0}", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) { a.Segments[1] = kernels.Segment{Start: 2, Len: 2} }))
		}},
		{"Attention: segments do not fill all rows: rows in segments 3", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) { a.Segments = a.Segments[:1] }))
		}},
		{"Attention: no Prefix", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) { a.Segments[0].PrefixLen = 1 }))
		}},
		{"Attention: wants F32 [≥2 3]: Prefix.K F32[1 3]", func() {
			kernels.Attention(be, attention(func(a *kernels.AttentionArgs) {
				a.Segments[0].PrefixLen, a.Prefix = 2, []kernels.KV{{K: f32(1, 3), V: f32(2, 3)}}
			}))
		}},
		{"AttentionDecode: segment has not one row: segment 0", func() {
			kernels.AttentionDecode(be, attention(func(*kernels.AttentionArgs) {}))
		}},
		{"AttentionBackward: takes no prefix", func() {
			kernels.AttentionBackward(be, kernels.AttentionGrads{Fwd: attention(func(a *kernels.AttentionArgs) {
				a.Segments[0].PrefixLen, a.Prefix = 1, []kernels.KV{{K: f32(1, 3), V: f32(1, 3)}}
			})})
		}},
		{"SumSquares: wants F64 [1]: sum F32[1]", func() { kernels.SumSquares(be, f32(1), x) }},
		{"ClipCoefficient: maxNorm = 0 is not positive", func() { kernels.ClipCoefficient(be, f32(1), f64(1), 0) }},
		{"AdamW: Step counts from 1", func() { kernels.AdamW(be, kernels.AdamWArgs{W: f32(3), Grad: f32(3), M: f32(3), V: f32(3)}) }},
		{"AdamW: output overlaps", func() { kernels.AdamW(be, kernels.AdamWArgs{W: x, Grad: x, M: f32(24), V: f32(24), Step: 1}) }},
		{"Pool: wants F32 [2 6]: Y F32[3 6]", func() {
			kernels.Pool(be, kernels.PoolArgs{Y: f32(3, 6), Norms: f64(2, 2), X: x, Segments: make([]kernels.Segment, 2)})
		}},
		{"Pool: segment 0, rows [3, 5) without the first 0: X F32[4 6]", func() {
			kernels.Pool(be, kernels.PoolArgs{Y: f32(1, 6), Norms: f64(1, 2), X: x, Segments: []kernels.Segment{{Start: 3, Len: 2}}})
		}},
		{"Pool: segment 0, rows [3, 4) without the first 1: X F32[4 6]", func() {
			kernels.Pool(be, kernels.PoolArgs{Y: f32(1, 6), Norms: f64(1, 2), X: x, Segments: []kernels.Segment{{Start: 3, Len: 1}}, Skip: 1})
		}},
		{"Pool: no pooling 5 without the first 0", func() {
			kernels.Pool(be, kernels.PoolArgs{Y: f32(0, 6), Norms: f64(0, 2), X: x, Kind: 5})
		}},
		{"Gram: wants F64 [4 4]: K F32[4 4]", func() { kernels.Gram(be, kernels.GramArgs{K: f32(4, 4), X: x}) }},
		{"Gram: ref has no such kernel", func() { kernels.Gram(be, kernels.GramArgs{K: f64(4, 4), X: x}) }},
	} {
		if got := panicOf(c.call); !strings.HasPrefix(got, "kernels: ") || !strings.Contains(got, c.want) {
			t.Errorf("panic is %q, want %q in it", got, c.want)
		}
	}
}

func panicOf(call func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	call()
	return
}

// Checks are on the path of every small call of decoding: they allocate nothing.
func TestChecksDoNotAllocate(t *testing.T) {
	be := quiet{ref.New()}
	f32 := func(shape ...int) tensor.Tensor { return tensor.MustNew(be, tensor.F32, shape...) }
	x, y, w, b := f32(4, 6), f32(4, 6), f32(6, 6), f32(6)
	kv := f32(4, 3)
	segments := []kernels.Segment{{Len: 4}}
	allocations := testing.AllocsPerRun(100, func() {
		kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true, Bias: b})
		kernels.Binary(be, kernels.Add, y, x, b)
		kernels.Attention(be, kernels.AttentionArgs{
			Out: y, Q: x, K: kv, V: kv, Segments: segments, Heads: 2, KVHeads: 1, HeadDim: 3, Scale: 1,
		})
	})
	if allocations != 0 {
		t.Errorf("%v allocations in the checks of three calls", allocations)
	}
}

// quiet computes nothing.
type quiet struct{ *ref.Backend }

func (quiet) MatMul(kernels.MatMulArgs)                        {}
func (quiet) Binary(_ kernels.BinaryOp, _, _, _ tensor.Tensor) {}
func (quiet) Attention(kernels.AttentionArgs)                  {}

// TestFixedOutputsPanic: no kernel writes a tensor that is fixed, whatever it does to it.
func TestFixedOutputsPanic(t *testing.T) {
	be := ref.New()
	f32 := func(shape ...int) tensor.Tensor { return tensor.MustNew(be, tensor.F32, shape...) }
	ids := tensor.MustNew(be, tensor.I32, 4)
	fixed, x, row, column := f32(4, 6).Fix(), f32(4, 6), f32(6), f32(4)
	adamw := func(change func(*kernels.AdamWArgs)) kernels.AdamWArgs {
		a := kernels.AdamWArgs{W: f32(6), M: f32(6), V: f32(6), Grad: f32(6), Step: 1, Beta1: 0.9, Beta2: 0.99}
		change(&a)
		return a
	}
	for name, call := range map[string]func(){
		"MatMul":        func() { kernels.MatMul(be, kernels.MatMulArgs{C: fixed, A: f32(4, 5), B: f32(5, 6)}) },
		"MatVec":        func() { kernels.MatVec(be, kernels.MatMulArgs{C: fixed, A: f32(4, 5), B: f32(5, 6)}) },
		"Unary":         func() { kernels.Unary(be, kernels.ReLU, fixed, x) },
		"UnaryBackward": func() { kernels.UnaryBackward(be, kernels.ReLU, fixed, x, x) },
		"Gated":         func() { kernels.Gated(be, kernels.SiLU, fixed, x, x) },
		"GatedBackward": func() { kernels.GatedBackward(be, kernels.SiLU, f32(4, 6), fixed, x, x, x) },
		"Binary":        func() { kernels.Binary(be, kernels.Add, fixed, x, x) },
		"AddScaled":     func() { kernels.AddScaled(be, fixed, x, 1) },
		"Reduce":        func() { kernels.Reduce(be, kernels.Sum, f32(1, 6).Fix(), x) },
		"Fill":          func() { kernels.Fill(be, fixed, 1) },
		"Convert":       func() { kernels.Convert(be, fixed, x) },
		"Transpose":     func() { kernels.Transpose(be, fixed, f32(6, 4), 1, 0) },
		"CopyAxis":      func() { kernels.CopyAxis(be, fixed, x, 0, 0, 0, 1, false) },
		"Gather":        func() { kernels.Gather(be, fixed, x, ids) },
		"ScatterAdd":    func() { kernels.ScatterAdd(be, fixed, ids, x) },
		"Dropout": func() {
			kernels.Dropout(be, kernels.DropoutArgs{Y: fixed, X: x, Rows: tensor.MustNew(be, tensor.I32, 4, 2), P: 0.5})
		},
		"Softmax":          func() { kernels.Softmax(be, fixed, x) },
		"LogSoftmax":       func() { kernels.LogSoftmax(be, fixed, x) },
		"SoftmaxBackward":  func() { kernels.SoftmaxBackward(be, fixed, x, x) },
		"CrossEntropy":     func() { kernels.CrossEntropy(be, f32(4).Fix(), column, x, ids) },
		"CrossEntropyGrad": func() { kernels.CrossEntropyGrad(be, column, fixed, x, ids, f32(4)) },
		"ArgMax":           func() { kernels.ArgMax(be, tensor.MustNew(be, tensor.I32, 4).Fix(), x) },
		"LayerNorm":        func() { kernels.LayerNorm(be, kernels.NormArgs{Y: fixed, X: x, Gain: row, Eps: 1e-5}) },
		"RMSNorm":          func() { kernels.RMSNorm(be, kernels.NormArgs{Y: fixed, X: x, Gain: row, Eps: 1e-5}) },
		"RoPE": func() {
			kernels.RoPE(be, kernels.RoPEArgs{Y: fixed, X: x, Cos: f32(4, 1), Sin: f32(4, 1), HeadDim: 3})
		},
		"Attention": func() {
			kernels.Attention(be, kernels.AttentionArgs{Out: fixed, Q: x, K: f32(4, 3), V: f32(4, 3), Segments: []kernels.Segment{{Len: 4}}, Heads: 2, KVHeads: 1, HeadDim: 3, Scale: 1})
		},
		"SumSquares": func() { kernels.SumSquares(be, tensor.MustNew(be, tensor.F64, 1).Fix(), x) },
		"AdamW's W":  func() { kernels.AdamW(be, adamw(func(a *kernels.AdamWArgs) { a.W = a.W.Fix() })) },
		"AdamW's V":  func() { kernels.AdamW(be, adamw(func(a *kernels.AdamWArgs) { a.V = a.V.Fix() })) },
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, "is fixed") {
					t.Errorf("%s: %s", name, said)
				}
			}()
			call()
		}()
	}
}
