package nn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/autograd/gradcheck"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
)

func ExampleLowRank() {
	be := ref.New()
	l := &nn.LowRank{
		Down: &nn.Linear{Weight: &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.BF16, []float64{1, 0, -1}, 1, 3)}},
		Up: &nn.Linear{
			Weight: &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.BF16, []float64{2, 3}, 2, 1)},
			Bias:   &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, []float64{10, 20}, 2)},
		},
	}
	p := autograd.NewPass(be)
	x := p.Input(tensor.MustFromFloats(be, tensor.F32, []float64{5, 7, 1}, 1, 3))
	fmt.Println(l.Forward(p, x).T.Floats())
	fmt.Println(nn.LinearAdd(p, p.Input(tensor.MustFromFloats(be, tensor.F32, []float64{1, 1}, 1, 2)), l, x).T.Floats())
	// Output:
	// [18 32]
	// [19 33]
}

// lowRank returns a layer of values that the seed decides, in a type.
func lowRank(be kernels.Backend, seed uint64, dt tensor.DType, in, rank, out int) *nn.LowRank {
	l := nn.NewLowRank(nn.From(nn.Init{Device: be, Seed: seed}), in, rank, out, true)
	l.Up.Bias.Value.SetFloats(gradcheck.Random(be, seed, out).Floats())
	for w := range l.Params() {
		if value := tensor.MustNew(be, dt, w.Value.Shape()...); w != l.Up.Bias {
			value.SetFloats(w.Value.Floats())
			w.Value = value
		}
	}
	return l
}

// TestLowRankIsTwoLayersInARow: alone, with a function, with a residual and in a group, of
// factors in every type that files have, the bits are those of two linear layers, on any
// number of threads.
func TestLowRankIsTwoLayersInARow(t *testing.T) {
	const n, in, rank, out = 37, 96, 32, 130
	for _, dt := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		var before []float32
		for _, threads := range []int{1, 2, 5} {
			be := cpu.New(cpu.Options{Threads: threads})
			l, plain := lowRank(be, 1, dt, in, rank, out), nn.NewLinear(nn.From(nn.Init{Device: be, Seed: 2}), in, 48, true)
			p := autograd.NewPass(be)
			x, residual := p.New(tensor.F32, n, in), p.New(tensor.F32, n, out)
			x.SetFloats(gradcheck.Random(be, 3, n, in).Floats())
			residual.SetFloats(gradcheck.Random(be, 4, n, out).Floats())
			h := l.Down.Forward(p, p.Input(x))
			group := nn.Linears(p, p.Input(x), l, plain, l.Clone())
			var got, want []float32
			for _, y := range []autograd.Var{l.Forward(p, p.Input(x)), nn.LinearFunc(p, kernels.SiLU, l, p.Input(x)), nn.LinearAdd(p, p.Input(residual), l, p.Input(x)), group[0], group[1], group[2]} {
				got = append(got, y.T.Float32s()...)
			}
			for _, y := range []autograd.Var{l.Up.Forward(p, h), l.Up.ForwardFunc(p, kernels.SiLU, h), l.Up.ForwardAdd(p, p.Input(residual), h), l.Up.Forward(p, h), plain.Forward(p, p.Input(x)), l.Up.Forward(p, h)} {
				want = append(want, y.T.Float32s()...)
			}
			if err := p.Err(); err != nil || len(got) == 0 || !slices.Equal(got, want) {
				t.Errorf("%v, %d threads: not the bits of two layers: %v", dt, threads, err)
			}
			if before != nil && !slices.Equal(got, before) {
				t.Errorf("%v: %d threads give other bits", dt, threads)
			}
			before = got
			p.Close()
			be.Close()
		}
	}
}

// TestLowRankCostsItsFactors: rank·(in + out) multiply-adds a row, also in a group, where the
// first products are one call.
func TestLowRankCostsItsFactors(t *testing.T) {
	const n, in, rank, out = 5, 12, 3, 20
	be := kerneltest.NewCounting(ref.New())
	l := lowRank(be, 1, tensor.F32, in, rank, out)
	if i, r, o := l.Sizes(); i != in || r != rank || o != out {
		t.Errorf("sizes %d, %d, %d", i, r, o)
	}
	p := autograd.NewPass(be)
	x := p.Input(p.New(tensor.F32, n, in))
	be.Reset()
	l.Forward(p, x)
	if got := be.FLOPs(); got != 2*n*rank*(in+out) {
		t.Errorf("%d operations, want %d", got, 2*n*rank*(in+out))
	}
	be.Reset()
	nn.Linears(p, x, l, l.Clone(), l.Clone())
	if got, groups, single := be.FLOPs(), be.Times("MatMuls"), be.Times("MatMul"); got != 3*2*n*rank*(in+out) || groups != 1 || single != 3 {
		t.Errorf("three layers of one x: %d operations in %d groups and %d products", got, groups, single)
	}
}

// TestGradientsThroughLowRank holds the gradients of x, of both factors and of the bias
// against central differences, in every form that a model calls.
func TestGradientsThroughLowRank(t *testing.T) {
	be := ref.New()
	const n, in, rank, out = 3, 5, 2, 4
	l := lowRank(be, 1, tensor.F64, in, rank, out)
	l.Up.Bias.Value = gradcheck.Random(be, 5, out)
	for what, f := range map[string]func(p *autograd.Pass, x autograd.Var) autograd.Var{
		"alone":      func(p *autograd.Pass, x autograd.Var) autograd.Var { return l.Forward(p, x) },
		"a function": func(p *autograd.Pass, x autograd.Var) autograd.Var { return nn.LinearFunc(p, kernels.Tanh, l, x) },
		"a residual": func(p *autograd.Pass, x autograd.Var) autograd.Var {
			return nn.LinearAdd(p, p.Slice(x, 1, 0, out), l, x)
		},
		"a group": func(p *autograd.Pass, x autograd.Var) autograd.Var {
			ys := nn.Linears(p, x, l, l)
			return p.Mul(ys[0], ys[1])
		},
	} {
		x := gradcheck.Random(be, 2, n, in)
		if _, err := gradcheck.Check(be, func(p *autograd.Pass, v []autograd.Var) autograd.Var { return f(p, v[0]) }, x); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for w := range l.Params() {
			checkParameter(t, be, what, w, func(p *autograd.Pass) autograd.Var { return f(p, p.Input(x)) })
		}
	}
}

// checkParameter compares the gradient of the sum of f's squares with differences.
func checkParameter(t *testing.T, be kernels.Backend, what string, w *autograd.Parameter, f func(*autograd.Pass) autograd.Var) {
	t.Helper()
	w.Trainable, w.Grad = true, tensor.MustNew(be, tensor.F64, w.Value.Shape()...)
	p := autograd.NewTrainingPass(be)
	loss := func() autograd.Var { y := f(p); return p.Sum(p.Mul(y, y)) }
	if err := p.Backward(loss(), 1); err != nil {
		t.Fatal(err)
	}
	got, at := w.Grad.Floats(), w.Value.Floats()
	w.Trainable, w.Grad = false, tensor.Tensor{}
	p = autograd.NewPass(be)
	for i, v := range at {
		const step = 1e-5
		var side [2]float64
		for k, moved := range []float64{v + step, v - step} {
			at[i] = moved
			w.Value.SetFloats(at)
			side[k] = loss().T.Floats()[0]
		}
		at[i] = v
		w.Value.SetFloats(at)
		if want := (side[0] - side[1]) / (2 * step); math.Abs(got[i]-want) > gradcheck.Bar*max(1, math.Abs(want)) {
			t.Errorf("%s: %s element %d: gradient %v, differences %v", what, w.Name, i, got[i], want)
		}
	}
}

// TestFactorsTrain: factors stored in 16 bits learn a map, both of them; the copy from
// before stays.
func TestFactorsTrain(t *testing.T) {
	be := ref.New()
	const n, in, rank, out = 16, 6, 2, 5
	l := lowRank(be, 1, tensor.BF16, in, rank, out)
	before := l.Clone()
	x, want := tensor.MustNew(be, tensor.F32, n, in), tensor.MustNew(be, tensor.F32, n, out)
	x.SetFloats(gradcheck.Random(be, 2, n, in).Floats())
	p := autograd.NewPass(be)
	want.SetFloats(lowRank(be, 9, tensor.F32, in, rank, out).Forward(p, p.Input(x)).T.Floats())
	old := before.Forward(p, p.Input(x)).T.Floats()

	trained := tensor.Must(nn.Trainable(be, l.Params()))
	p = autograd.NewTrainingPass(be)
	var losses []float64
	for range 300 {
		d := p.Add(l.Forward(p, p.Input(x)), p.Scale(p.Input(want), -1))
		loss := p.Mean(p.Mul(d, d))
		if err := p.Backward(loss, 1); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss.T.Floats()[0])
		kernels.AddScaled(be, trained.Values, trained.Grads, -0.2)
		trained.ZeroGrads(be)
		p.Reset()
	}
	if first, last := losses[0], losses[len(losses)-1]; !(last < 0.05*first) {
		t.Errorf("the loss goes from %v to %v", first, last)
	}
	p = autograd.NewPass(be)
	if !slices.Equal(before.Forward(p, p.Input(x)).T.Floats(), old) {
		t.Error("training changed the copy from before")
	}
}
