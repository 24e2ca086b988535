package nn_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
)

// gated is a module of each kind of part: x + down(norm(x)·gate).
type gated struct {
	Gate  *autograd.Parameter // [D]
	Norm  *nn.Norm
	Final *nn.Norm
	Down  nn.Projection
	Up    nn.Projection // or nil

	width int
	deep  bool
	name  string
}

func (g *gated) Parts(v nn.Visitor) {
	v = v.In(&g.name)
	v.Parameter(&g.Gate, "gate", nn.Ones, g.width)
	v.LayerNorm(&g.Norm, "norm", g.width, 1e-5, true)
	if g.deep {
		v.Conv1D(&g.Up, "mlp.up", g.width, 2*g.width)
	}
	v.Linear(&g.Down, "mlp.down", g.width, g.width, false)
	v.RMSNorm(&g.Final, "final", g.width, 1e-5)
}

// ExampleModule builds a module and lists what it has.
func ExampleModule() {
	g := &gated{width: 4, name: "model.layers.0"}
	nn.Build(nn.Init{Device: ref.New(), Seed: 1}, g)
	for w := range nn.ParamsOf(g) {
		fmt.Println(w.Name, w.Value)
	}
	for name := range nn.ProjectionsOf(g) {
		fmt.Println("linear:", name)
	}
	// Output:
	// model.layers.0.gate F32[4]
	// model.layers.0.norm.weight F32[4]
	// model.layers.0.norm.bias F32[4]
	// model.layers.0.mlp.down.weight F32[4 4]
	// model.layers.0.final.weight F32[4]
	// linear: model.layers.0.mlp.down
}

// nested holds a module, as it should be held or by a pointer.
type nested struct {
	Inner   gated
	Pointer *gated
}

func (n *nested) Parts(v nn.Visitor) {
	n.Inner.Parts(v)
	if n.Pointer != nil {
		n.Pointer.Parts(v)
	}
}

// TestModulesWithinModules: one in a field is copied with the whole; a pointer, which
// would be shared with the copy, is refused.
func TestModulesWithinModules(t *testing.T) {
	be := ref.New()
	n := &nested{Inner: gated{width: 3, name: "inner"}}
	nn.Build(nn.Init{Device: be, Seed: 1}, n)
	before := slices.Collect(nn.ParamsOf(n))
	c := nn.CloneOf(n)
	if got := slices.Collect(nn.ParamsOf(n)); !slices.Equal(got, before) || len(got) != 5 {
		t.Errorf("a clone changes the original: %v, was %v", got, before)
	}
	for i, w := range slices.Collect(nn.ParamsOf(c)) {
		if w == before[i] || w.Name != before[i].Name {
			t.Errorf("parameter %d of the clone is %s, and the original's own: %t", i, w.Name, w == before[i])
		}
	}
	n.Pointer = &gated{width: 3, name: "pointer"}
	nn.Build(nn.Init{Device: be, Seed: 1}, n)
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "nn: CloneOf: *nn_test.nested: ") {
			t.Errorf("panic %q", got)
		}
	}()
	nn.CloneOf(n)
}

// TestRename: a module keeps its parts under another name.
func TestRename(t *testing.T) {
	g := &gated{width: 3, name: "layers.1"}
	nn.Build(nn.Init{Device: ref.New()}, g)
	g.Down.(*nn.Linear).Bias = &autograd.Parameter{Name: "layers.11.bias"}
	nn.Rename(g, "layers.1", "layers.7")
	want := []string{"layers.7.gate", "layers.7.norm.weight", "layers.7.norm.bias", "layers.7.mlp.down.weight", "layers.11.bias", "layers.7.final.weight"}
	if got := names(nn.ParamsOf(g)); !slices.Equal(got, want) {
		t.Errorf("parameters %v, want %v", got, want)
	}
	for name := range nn.ProjectionsOf(g) {
		if name != "layers.7.mlp.down" {
			t.Errorf("linear layer %s", name)
		}
	}
}

func names(params nn.Params) (list []string) {
	for w := range params {
		list = append(list, w.Name)
	}
	return list
}

func TestPartsAreAllThatThereIs(t *testing.T) {
	be := ref.New()
	source := &listing{Init: nn.Init{Device: be, Seed: 1, Std: 0.5}}
	g := &gated{width: 3, deep: true, name: "b"}
	nn.Build(source, g)
	want := []string{"b.gate", "b.norm.weight", "b.norm.bias", "b.mlp.up.weight", "b.mlp.up.bias", "b.mlp.down.weight", "b.final.weight"}
	if got := names(nn.ParamsOf(g)); !slices.Equal(got, want) || len(source.asked) != len(want) {
		t.Errorf("parameters %v, asked for %v, want %v", got, source.asked, want)
	}
	if ones := g.Gate.Value.Floats(); !slices.Equal(ones, []float64{1, 1, 1}) {
		t.Errorf("the gate begins as %v, want ones", ones)
	}
	for stop := range want {
		var seen []string
		for w := range nn.ParamsOf(g) {
			if seen = append(seen, w.Name); len(seen) == stop+1 {
				break
			}
		}
		if !slices.Equal(seen, want[:stop+1]) {
			t.Errorf("a list that is stopped after %d: %v", stop+1, seen)
		}
	}

	c := nn.CloneOf(g)
	if got := names(nn.ParamsOf(c)); !slices.Equal(got, want) || c.width != 3 {
		t.Errorf("a clone has %v", got)
	}
	before := g.Down.(*nn.Linear).Weight.Value.Floats()
	kernels.Fill(be, tensor.Must(nn.Trainable(be, nn.ParamsOf(c))).Values, 7)
	for w := range nn.ParamsOf(g) {
		if w.Trainable {
			t.Errorf("%s became trainable with the clone", w.Name)
		}
	}
	if got := g.Down.(*nn.Linear).Weight.Value.Floats(); !slices.Equal(got, before) {
		t.Error("training the clone moved the original")
	}

	n := 0
	for name, field := range nn.ProjectionsOf(g) {
		if n++; name == "b.mlp.down" {
			*field = twice{*field}
		}
	}
	_, replaced := g.Down.(twice)
	if got := names(nn.ParamsOf(g)); n != 2 || !replaced || !slices.Equal(got, want) {
		t.Errorf("%d linear layers; one is replaced: %t; then the parameters are %v", n, replaced, got)
	}
	for range nn.ProjectionsOf(g) {
		n++
		break
	}
	if n != 3 {
		t.Errorf("a list of layers that is stopped at the first went on to %d", n-2)
	}
}

// twice is a Projection of the three methods alone: 2·l(x).
type twice struct{ nn.Projection }

func (l twice) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := l.Projection.Forward(p, x)
	return p.Add(y, y)
}

func (l twice) Clone() nn.Projection { return twice{l.Projection.Clone()} }

// TestFusedCallsTakeAnyProjection compares what models call with the plain sums.
func TestFusedCallsTakeAnyProjection(t *testing.T) {
	be := ref.New()
	plain := nn.NewLinear(nn.From(nn.Init{Device: be, Seed: 2, Std: 1}), 3, 3, false)
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, -2, 3, 0.5, 0.25, -1}, 2, 3)
	for _, c := range []struct {
		layer  nn.Projection
		factor float64
	}{{plain, 1}, {twice{plain}, 2}} {
		p := autograd.NewPass(be)
		in := p.Input(x)
		y := plain.Forward(p, in).T.Floats()
		relu := nn.LinearFunc(p, kernels.ReLU, c.layer, in).T.Floats()
		added := nn.LinearAdd(p, in, c.layer, in).T.Floats()
		both := nn.Linears(p, in, plain, c.layer)
		for i, v := range y {
			v *= c.factor
			if relu[i] != max(v, 0) || math.Abs(added[i]-x.Floats()[i]-v) > 1e-6 || both[0].T.Floats()[i] != y[i] || both[1].T.Floats()[i] != v {
				t.Errorf("factor %v, element %d: ReLU %v, added %v, grouped %v and %v of %v", c.factor, i, relu[i], added[i], both[0].T.Floats()[i], both[1].T.Floats()[i], v)
			}
		}
	}
}

// TestInitKeepsTheSizeOfNumbers: without a standard deviation of its own a source
// begins a matrix with 1/√inputs and a table with 1.
func TestInitKeepsTheSizeOfNumbers(t *testing.T) {
	s := nn.Init{Device: ref.New(), Seed: 3}
	for _, c := range []struct {
		initial nn.Initial
		want    float64
	}{{nn.NormalOf(100), 0.1}, {nn.Normal, 1}, {nn.Initial{Std: 2, Inputs: 25}, 0.4}} {
		square := 0.0
		for _, v := range s.Parameter("w", c.initial, 60, 50).Value.Floats() {
			square += v * v / 3000
		}
		if got := math.Sqrt(square); math.Abs(got-c.want) > 5*c.want/math.Sqrt(2*3000) {
			t.Errorf("%+v: standard deviation %v, want %v", c.initial, got, c.want)
		}
	}
	if got := s.Parameter("w", nn.Initial{Value: 0.5}, 1, 2).Value.Floats(); !slices.Equal(got, []float64{0.5, 0.5}) {
		t.Errorf("a value everywhere: %v", got)
	}
}

// TestPlainLayersAllocateNoMore: what a Projection may be costs a decoded token nothing.
func TestPlainLayersAllocateNoMore(t *testing.T) {
	be := ref.New()
	w := nn.From(nn.Init{Device: be, Seed: 2})
	q, k, v := nn.NewLinear(w.At("q"), 4, 4, true), nn.NewLinear(w.At("k"), 4, 4, true), nn.NewLinear(w.At("v"), 4, 4, true)
	fields := [...]nn.Projection{q, k, v}
	affine := func(l *nn.Linear) autograd.Affine {
		return autograd.Affine{W: autograd.Var{T: l.Weight.Value}, Bias: autograd.Var{T: l.Bias.Value}}
	}
	p := autograd.NewPass(be)
	x := p.Input(tensor.MustNew(be, tensor.F32, 1, 4))
	allocations := func(run func()) float64 {
		return testing.AllocsPerRun(50, func() {
			run()
			p.Reset()
		})
	}
	for name, calls := range map[string][2]func(){
		"grouped": {
			func() { p.Linears(x, affine(q), affine(k), affine(v)) },
			func() { nn.Linears(p, x, fields[0], fields[1], fields[2]) },
		},
		"with a function": {
			func() { p.LinearFunc(kernels.ReLU, x, affine(q)) },
			func() { nn.LinearFunc(p, kernels.ReLU, fields[0], x) },
		},
		"with a residual": {
			func() { p.LinearAdd(x, x, affine(q)) },
			func() { nn.LinearAdd(p, x, fields[0], x) },
		},
	} {
		if want, got := allocations(calls[0]), allocations(calls[1]); got > want {
			t.Errorf("%s: %v allocations, the pass alone has %v", name, got, want)
		}
	}
}
