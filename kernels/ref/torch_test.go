package ref_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// golden holds what testdata/gen_torch.py wrote.
type golden struct {
	t      *testing.T
	be     *ref.Backend
	arrays map[string][]float64
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/torch.json")
	if err != nil {
		t.Fatal(err)
	}
	g := golden{t: t, be: ref.New()}
	if err := json.Unmarshal(data, &g.arrays); err != nil {
		t.Fatal(err)
	}
	return g
}

// tensor returns a named array as F64.
func (g golden) tensor(name string, shape ...int) tensor.Tensor {
	g.t.Helper()
	values, ok := g.arrays[name]
	if !ok {
		g.t.Fatalf("no array %q", name)
	}
	return tensor.MustFromFloats(g.be, tensor.F64, values, shape...)
}

// empty returns a zeroed F64 tensor.
func (g golden) empty(shape ...int) tensor.Tensor { return tensor.MustNew(g.be, tensor.F64, shape...) }

// agree compares with a named array, whose twelve digits are the bar.
func (g golden) agree(got tensor.Tensor, name string) {
	g.t.Helper()
	g.within(got, name, 1e-11)
}

func (g golden) within(got tensor.Tensor, name string, bar float64) {
	g.t.Helper()
	want, values := g.arrays[name], got.Floats()
	if len(want) != len(values) {
		g.t.Fatalf("%s: %d values, want %d", name, len(values), len(want))
	}
	for i, v := range values {
		if math.Abs(v-want[i]) > bar*max(1, math.Abs(want[i])) {
			g.t.Errorf("%s[%d] = %v, torch has %v", name, i, v, want[i])
		}
	}
}

func TestTorchFunctions(t *testing.T) {
	g := readGolden(t)
	x, dY, y := g.tensor("unary.x", 24), g.tensor("unary.dy", 24), g.empty(24)
	for _, f := range []kernels.Func{
		kernels.ReLU, kernels.GELU, kernels.GELUTanh, kernels.SiLU, kernels.Tanh,
		kernels.Sigmoid, kernels.Exp, kernels.Square, kernels.Neg,
	} {
		kernels.Unary(g.be, f, y, x)
		g.agree(y, "unary."+f.String()+".y")
		kernels.UnaryBackward(g.be, f, y, dY, x)
		g.agree(y, "unary."+f.String()+".dx")
	}
}

func TestTorchNorms(t *testing.T) {
	g := readGolden(t)
	x, dY := g.tensor("norm.x", 5, 12), g.tensor("norm.dy", 5, 12)
	gain, bias := g.tensor("norm.gain", 12), g.tensor("norm.bias", 12)
	y, mean, rstd := g.empty(5, 12), g.empty(5), g.empty(5)
	kernels.LayerNorm(g.be, kernels.NormArgs{Y: y, X: x, Gain: gain, Bias: bias, Mean: mean, Rstd: rstd, Eps: 1e-5})
	g.agree(y, "layernorm.y")
	grads := kernels.NormGrads{DX: y, DGain: g.empty(12), DBias: g.empty(12), DY: dY, X: x, Gain: gain, Mean: mean, Rstd: rstd}
	kernels.LayerNormBackward(g.be, grads)
	g.agree(grads.DX, "layernorm.dx")
	g.agree(grads.DGain, "layernorm.dgain")
	g.agree(grads.DBias, "layernorm.dbias")

	kernels.RMSNorm(g.be, kernels.NormArgs{Y: y, X: x, Gain: gain, Rstd: rstd, Eps: 1e-5})
	g.agree(y, "rmsnorm.y")
	grads = kernels.NormGrads{DX: y, DGain: g.empty(12), DY: dY, X: x, Gain: gain, Rstd: rstd}
	kernels.RMSNormBackward(g.be, grads)
	g.agree(grads.DX, "rmsnorm.dx")
	g.agree(grads.DGain, "rmsnorm.dgain")
}

func TestTorchLoss(t *testing.T) {
	g := readGolden(t)
	x, dY, y, dX := g.tensor("softmax.x", 4, 9), g.tensor("softmax.dy", 4, 9), g.empty(4, 9), g.empty(4, 9)
	kernels.Softmax(g.be, y, x)
	g.agree(y, "softmax.y")
	kernels.SoftmaxBackward(g.be, dX, dY, y)
	g.agree(dX, "softmax.dx")

	targets := tensor.MustFromInts(g.be, []int32{3, 0, 8, 3}, 4)
	loss, lse := g.empty(4), g.empty(4)
	kernels.CrossEntropy(g.be, loss, lse, x, targets)
	g.agree(loss, "loss.loss")
	g.agree(lse, "loss.lse")
	kernels.CrossEntropyGrad(g.be, loss, dX, x, targets, g.tensor("loss.dloss", 4))
	g.agree(dX, "loss.dx")
}

func TestTorchRoPE(t *testing.T) {
	g := readGolden(t)
	x, y := g.tensor("rope.x", 5, 16), g.empty(5, 16)
	args := kernels.RoPEArgs{Y: y, X: x, Cos: g.tensor("rope.cos", 5, 3), Sin: g.tensor("rope.sin", 5, 3), HeadDim: 8}
	kernels.RoPE(g.be, args)
	g.agree(y, "rope.y")
	args.X, args.Inverse = y, true
	kernels.RoPE(g.be, args)
	g.agree(y, "rope.x")
}

func TestTorchAttention(t *testing.T) {
	g := readGolden(t)
	a := kernels.AttentionArgs{
		Q: g.tensor("attn.q", 7, 24), K: g.tensor("attn.k", 7, 12), V: g.tensor("attn.v", 7, 12),
		Out: g.empty(7, 24), Segments: []kernels.Segment{{Len: 7}},
		Heads: 4, KVHeads: 2, HeadDim: 6, Scale: 0.3,
	}
	kernels.Attention(g.be, a)
	g.agree(a.Out, "attn.y")
	grads := kernels.AttentionGrads{DQ: g.empty(7, 24), DK: g.empty(7, 12), DV: g.empty(7, 12), DOut: g.tensor("attn.dy", 7, 24), Fwd: a}
	kernels.AttentionBackward(g.be, grads)
	g.agree(grads.DQ, "attn.dq")
	g.agree(grads.DK, "attn.dk")
	g.agree(grads.DV, "attn.dv")
}

// Clipping and three steps of AdamW: float64 to the digits of the file, float32
// to two units of the last place, since torch sums the norm in float32.
func TestTorchAdamW(t *testing.T) {
	g := readGolden(t)
	for _, c := range []struct {
		name string
		d    tensor.DType
		bar  float64
	}{{"adamw_f64", tensor.F64, 1e-11}, {"adamw_f32", tensor.F32, 2 * 0x1p-23}} {
		array := func(name string) tensor.Tensor {
			return tensor.MustFromFloats(g.be, c.d, g.arrays[c.name+"."+name], 17)
		}
		w, m, v := array("w0"), tensor.MustNew(g.be, c.d, 17), tensor.MustNew(g.be, c.d, 17)
		coef := tensor.MustNew(g.be, c.d, 1)
		for step, n := range []string{"1", "2", "3"} {
			grad, sum := array("grad"+n), tensor.MustNew(g.be, tensor.F64, 1)
			kernels.SumSquares(g.be, sum, grad)
			kernels.ClipCoefficient(g.be, coef, sum, 1)
			norm := tensor.MustFromFloats(g.be, tensor.F64, []float64{math.Sqrt(sum.Floats()[0])}, 1)
			g.within(norm, c.name+".norm"+n, c.bar)
			kernels.AdamW(g.be, kernels.AdamWArgs{
				W: w, Grad: grad, M: m, V: v, Coef: coef,
				LR: 3e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1, Step: step + 1,
			})
			g.within(w, c.name+".w"+n, c.bar)
		}
	}
}
