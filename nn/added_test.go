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

// added are the layers that put something to a plain one, over a layer as linear layers and
// as Conv1D are stored; spread gives what was added values that are not where it begins.
func added(be kernels.Backend, dt tensor.DType, in, out int, spread bool) map[string]nn.Projection {
	all := map[string]nn.Projection{}
	for kind, inOut := range map[string]bool{"": false, " of a Conv1D": true} {
		base := func() *nn.Linear {
			shape := []int{out, in}
			if inOut {
				shape = []int{in, out}
			}
			l := &nn.Linear{Weight: &autograd.Parameter{Name: "weight", Value: tensor.MustNew(be, dt, shape...)}, InOut: inOut,
				Bias: &autograd.Parameter{Name: "bias", Value: tensor.MustNew(be, plainType(dt), out)}}
			l.Weight.Value.SetFloats(gradcheck.Random(be, 1, shape...).Floats())
			l.Bias.Value.SetFloats(gradcheck.Random(be, 2, out).Floats())
			return l
		}
		w := nn.From(nn.Init{Device: be, Seed: 3})
		all["LoRA"+kind] = nn.NewLoRA(w, base(), 2, 1.5, 0)
		all["IA3 of the output"+kind] = nn.NewIA3(w, base(), false)
		all["IA3 of the input"+kind] = nn.NewIA3(w, base(), true)
		all["adapter"+kind] = nn.NewBottleneck(w, base(), out, 3, 0)
	}
	for what, l := range all {
		for w := range l.(interface{ Added() nn.Params }).Added() {
			value := tensor.MustNew(be, plainType(dt), w.Value.Shape()...)
			value.SetFloats(w.Value.Floats())
			if spread {
				value.SetFloats(gradcheck.Random(be, uint64(4+len(what)), w.Value.Shape()...).Floats())
			}
			w.Value = value
		}
	}
	return all
}

// plainType is that of weights beside others of a type.
func plainType(d tensor.DType) tensor.DType {
	if d == tensor.F64 {
		return d
	}
	return tensor.F32
}

// TestAddedLayersBeginAsTheirLayer: new ones change no bit, and show the sizes of the layer.
func TestAddedLayersBeginAsTheirLayer(t *testing.T) {
	be := ref.New()
	const n, in, out = 5, 6, 4
	p := autograd.NewPass(be)
	x := p.Input(p.New(tensor.F32, n, in))
	x.T.SetFloats(gradcheck.Random(be, 9, n, in).Floats())
	for what, l := range added(be, tensor.F32, in, out, false) {
		var base *nn.Linear
		switch l := l.(type) {
		case *nn.LoRA:
			base = l.Layer
		case *nn.IA3:
			base = l.Layer
		case *nn.Bottleneck:
			base = l.Layer.(*nn.Linear)
		}
		if i, o, ok := nn.Sizes(l); i != in || o != out || !ok {
			t.Errorf("%s: sizes %d, %d, %v", what, i, o, ok)
		}
		if !slices.Equal(l.Forward(p, x).T.Float32s(), base.Forward(p, x).T.Float32s()) {
			t.Errorf("%s: a new one changes the layer", what)
		}
	}
}

// TestGradientsThroughAddedLayers holds the gradients of x and of every parameter against
// central differences, alone and in each form that a model calls.
func TestGradientsThroughAddedLayers(t *testing.T) {
	be := ref.New()
	const n, in, out = 3, 5, 4
	for what, l := range added(be, tensor.F64, in, out, true) {
		for form, f := range map[string]func(p *autograd.Pass, x autograd.Var) autograd.Var{
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
			x := gradcheck.Random(be, 21, n, in)
			if _, err := gradcheck.Check(be, func(p *autograd.Pass, v []autograd.Var) autograd.Var { return f(p, v[0]) }, x); err != nil {
				t.Errorf("%s, %s: %v", what, form, err)
			}
			for w := range l.Params() {
				checkParameter(t, be, what+", "+form, w, func(p *autograd.Pass) autograd.Var { return f(p, p.Input(x)) })
			}
		}
	}
}

// TestLoRAOverEveryStorageType: over a frozen layer of any type that files have, quantised
// ones too, on any number of threads, y is the layer's and the change beside it; one call
// for the layers of a group.
func TestLoRAOverEveryStorageType(t *testing.T) {
	const n, in, out = 33, 64, 40
	for _, dt := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.Q4_0, tensor.Q8_0} {
		var before []float32
		for _, threads := range []int{1, 2, 3, 4} {
			be := cpu.New(cpu.Options{Threads: threads})
			l := added(be, dt, in, out, true)["LoRA"].(*nn.LoRA)
			p := autograd.NewPass(be)
			x := p.Input(p.New(tensor.F32, n, in))
			x.T.SetFloats(gradcheck.Random(be, 9, n, in).Floats())
			got := nn.Linears(p, x, l, l.Clone())
			y := l.Layer.Forward(p, x)
			want := p.Add(y, p.Scale(l.B.Forward(p, l.A.Forward(p, x)), l.Scale)).T.Float32s()
			for i, v := range got[0].T.Float32s() {
				if math.Abs(float64(v-want[i])) > 1e-4*math.Max(1, math.Abs(float64(want[i]))) {
					t.Fatalf("%v: element %d is %v, want %v", dt, i, v, want[i])
				}
			}
			bits := slices.Concat(got[0].T.Float32s(), got[1].T.Float32s(), l.Forward(p, x).T.Float32s())
			if !slices.Equal(bits[:n*out], bits[2*n*out:]) || before != nil && !slices.Equal(bits, before) {
				t.Errorf("%v, %d threads: other bits", dt, threads)
			}
			before = bits
			p.Close()
			be.Close()
		}
	}
	be := kerneltest.NewCounting(ref.New())
	l := added(be, tensor.F32, in, out, true)["LoRA"]
	p := autograd.NewPass(be)
	x := p.Input(p.New(tensor.F32, n, in))
	be.Reset()
	nn.Linears(p, x, l, l.Clone(), l.Clone())
	if be.Times("MatMuls") != 1 {
		t.Errorf("three layers of one x are %d groups", be.Times("MatMuls"))
	}
}

// TestLayersDropWithMasksOfTheirOwn: with Own two layers at one place drop different
// elements, the same ones when the step is run again, none without Own or in a pass that
// only drops what the model says.
func TestLayersDropWithMasksOfTheirOwn(t *testing.T) {
	be := ref.New()
	const n, d = 64, 32
	rows := tensor.MustNew(be, tensor.I32, n, 2)
	ids := make([]int32, 2*n)
	for i := range n {
		ids[2*i], ids[2*i+1] = 3, int32(i)
	}
	rows.SetInts(ids)
	p := autograd.NewTrainingPass(be)
	x := tensor.MustNew(be, tensor.F32, n, d)
	kernels.Fill(be, x, 1)
	run := func(drop autograd.Dropout) (a, b []float32) {
		p.Dropout = drop
		p.Dropout.At(7)
		a = p.ApplyOwnDropout(p.Input(x), 0.5).T.Float32s()
		return a, p.ApplyOwnDropout(p.Input(x), 0.5).T.Float32s()
	}
	a, b := run(autograd.Dropout{Own: true, Seed: 1, Step: 2, Rows: rows})
	again, _ := run(autograd.Dropout{Own: true, Seed: 1, Step: 2, Rows: rows})
	later, _ := run(autograd.Dropout{Own: true, Seed: 1, Step: 3, Rows: rows})
	if slices.Equal(a, b) || slices.Equal(a, later) || !slices.Equal(a, again) {
		t.Error("masks: want another for each call and step, and the same again")
	}
	if off, _ := run(autograd.Dropout{P: 0.5, Seed: 1, Step: 2, Rows: rows}); !slices.Equal(off, x.Float32s()) {
		t.Error("dropped without Own")
	}
	kept := 0
	for _, v := range a {
		if v != 0 && v != 2 {
			t.Fatalf("an element of 1 became %v", v)
		}
		kept += int(v / 2)
	}
	if sd := math.Sqrt(n * d * 0.25); math.Abs(float64(kept)-n*d/2) > 5*sd {
		t.Errorf("%d of %d kept", kept, n*d)
	}
}

// TestUniformValues: within the bound, of the deviation that was asked for, by seed and name.
func TestUniformValues(t *testing.T) {
	be := ref.New()
	const inputs, rows = 16, 1000
	get := func(seed uint64, name string) []float32 {
		return nn.From(nn.Init{Device: be, Seed: seed}).Get(name, nn.UniformOf(inputs), rows, inputs).Value.Float32s()
	}
	a, sum := get(1, "a"), 0.0
	for _, v := range a {
		if math.Abs(float64(v)) > 0.25 {
			t.Fatalf("%v is beyond 1/√%d", v, inputs)
		}
		sum += float64(v) * float64(v)
	}
	// Σv² has the mean b²/3 and the deviation b²·√(4/45) an element.
	const b2, count = 1.0 / inputs, rows * inputs
	if dev := b2 * math.Sqrt(4.0/45/count); math.Abs(sum/count-b2/3) > 5*dev {
		t.Errorf("mean square %v, want %v", sum/count, b2/3)
	}
	if slices.Equal(a, get(2, "a")) || slices.Equal(a, get(1, "b")) || !slices.Equal(a, get(1, "a")) {
		t.Error("values are not those of seed and name")
	}
	if err := nn.From(nn.Init{Device: be}).Get("a", nn.Initial{Uniform: true}, 2).Value.Err(); err == nil {
		t.Error("Uniform without Std is taken")
	}
}

func ExampleLoRA() {
	be := ref.New()
	values := func(v []float64, shape ...int) *autograd.Parameter {
		return &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, v, shape...)}
	}
	l := &nn.LoRA{
		Layer: &nn.Linear{Weight: values([]float64{1, 0, 0, 1}, 2, 2)},
		A:     &nn.Linear{Weight: values([]float64{1, 1}, 1, 2)},
		B:     &nn.Linear{Weight: values([]float64{1, -1}, 2, 1)},
		Scale: 2,
	}
	p := autograd.NewPass(be)
	x := p.Input(tensor.MustFromFloats(be, tensor.F32, []float64{3, 4}, 1, 2))
	fmt.Println(l.Forward(p, x).T.Floats())
	// Output:
	// [17 -10]
}
