package nn_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
)

// listing is a Source that notes what it is asked for.
type listing struct {
	nn.Init
	asked []string
}

func (l *listing) Parameter(name string, initial nn.Initial, shape ...int) *autograd.Parameter {
	l.asked = append(l.asked, fmt.Sprint(name, shape))
	return l.Init.Parameter(name, initial, shape...)
}

func ExampleFrom() {
	source := &listing{Init: nn.Init{Device: ref.New(), Seed: 1, Std: 0.02}}
	w := nn.From(source).At("model.layers.0.mlp")
	up := nn.NewLinear(w.At("up_proj"), 8, 24, true)
	fmt.Println(source.asked)
	fmt.Println(up.Weight.Value, up.Bias.Value)
	// Output:
	// [model.layers.0.mlp.up_proj.weight[24 8] model.layers.0.mlp.up_proj.bias[24]]
	// F32[24 8] F32[24]
}

func Example() {
	be := ref.New()
	layer := &nn.Linear{
		Weight: &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, []float64{1, 0, 1, 2}, 2, 2)},
		Bias:   &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, []float64{10, 20}, 2)},
	}
	p := autograd.NewPass(be)
	x := p.Input(tensor.MustFromFloats(be, tensor.F32, []float64{3, 4}, 1, 2))
	fmt.Println(layer.Forward(p, x).T.Floats())
	// Output: [13 31]
}

func TestLayersTakeAndListTheirParameters(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w nn.Weights) nn.Params
		want string
	}{
		{"linear", func(w nn.Weights) nn.Params { return nn.NewLinear(w, 3, 5, false).Params() }, "x.weight[5 3]"},
		{"conv1d", func(w nn.Weights) nn.Params { return nn.NewConv1D(w, 3, 5).Params() }, "x.weight[3 5] x.bias[5]"},
		{"linear with bias", func(w nn.Weights) nn.Params { return nn.NewLinear(w, 3, 5, true).Params() }, "x.weight[5 3] x.bias[5]"},
		{"low rank", func(w nn.Weights) nn.Params { return nn.NewLowRank(w, 3, 2, 5, false).Params() }, "x.down.weight[2 3] x.up.weight[5 2]"},
		{"low rank with bias", func(w nn.Weights) nn.Params { return nn.NewLowRank(w, 3, 2, 5, true).Params() }, "x.down.weight[2 3] x.up.weight[5 2] x.up.bias[5]"},
		{"layer norm", func(w nn.Weights) nn.Params { return nn.NewLayerNorm(w, 4, 1e-5, true).Params() }, "x.weight[4] x.bias[4]"},
		{"plain layer norm", func(w nn.Weights) nn.Params { return nn.NewLayerNorm(w, 4, 1e-5, false).Params() }, ""},
		{"RMS norm", func(w nn.Weights) nn.Params { return nn.NewRMSNorm(w, 4, 1e-5).Params() }, "x.weight[4]"},
	} {
		source := &listing{Init: nn.Init{Device: ref.New()}}
		params := c.make(nn.From(source).At("x"))
		if got := strings.Join(source.asked, " "); got != c.want {
			t.Errorf("%s: took %q, want %q", c.name, got, c.want)
		}
		var listed []string
		for w := range params {
			listed = append(listed, fmt.Sprint(w.Name, w.Value.Shape()))
		}
		if got := strings.Join(listed, " "); got != c.want {
			t.Errorf("%s: lists %q, want %q", c.name, got, c.want)
		}
		seen := 0
		for range nn.Join(params, params) {
			seen++
			break
		}
		if seen > 1 || seen == 0 && c.want != "" {
			t.Errorf("%s: a listing that is stopped saw %d", c.name, seen)
		}
	}
}

func TestNormForward(t *testing.T) {
	be := ref.New()
	x := []float64{1, 2, 3, 6}
	gain, bias := []float64{1, 2, 1, -1}, []float64{0, 1, 0, 0.5}
	for _, rms := range []bool{false, true} {
		n := nn.Norm{Eps: 0.25, RMS: rms, Gain: &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, gain, 4)}}
		mean, shift := 0.0, make([]float64, 4)
		if !rms {
			n.Bias = &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, bias, 4)}
			mean, shift = 3, bias
		}
		square := 0.0
		for _, v := range x {
			square += (v - mean) * (v - mean) / 4
		}
		p := autograd.NewPass(be)
		got := n.Forward(p, p.Input(tensor.MustFromFloats(be, tensor.F32, x, 1, 4))).T.Floats()
		for i, v := range x {
			want := (v-mean)/math.Sqrt(square+n.Eps)*gain[i] + shift[i]
			if math.Abs(got[i]-want) > 8*0x1p-24*math.Abs(want)+0x1p-24 {
				t.Errorf("RMS %t: element %d is %v, want %v", rms, i, got[i], want)
			}
		}
	}
}

func TestCloneSharesValuesButNotTraining(t *testing.T) {
	be := ref.New()
	l := nn.NewLinear(nn.From(nn.Init{Device: be, Seed: 2, Std: 1}).At("l"), 3, 2, true)
	before := l.Weight.Value.Floats()
	c := l.Clone().(*nn.Linear)
	if c.Weight.Name != "l.weight" || c.Bias.Name != "l.bias" || c.Weight == l.Weight {
		t.Errorf("clone has %q and %q", c.Weight.Name, c.Bias.Name)
	}
	trained := tensor.Must(nn.Trainable(be, c.Params()))
	kernels.Fill(be, trained.Values, 7)
	if got := l.Weight.Value.Floats(); !slices.Equal(got, before) || l.Weight.Trainable {
		t.Errorf("training a clone changed the original: %v, was %v", got, before)
	}
	if got := c.Bias.Value.Floats(); !slices.Equal(got, []float64{7, 7}) {
		t.Errorf("the clone's bias is %v and not a view of the flat values", got)
	}
	if nn.Clone(nil) != nil {
		t.Error("a clone of no parameter is one")
	}
}

func TestTrainLaysParametersOutInOrder(t *testing.T) {
	be := ref.New()
	a := &autograd.Parameter{Name: "a", Value: tensor.MustFromFloats(be, tensor.BF16, []float64{1, 2, 3, 4, 5, 6}, 2, 3)}
	b := &autograd.Parameter{Name: "b", Value: tensor.MustFromFloats(be, tensor.F16, []float64{0.5, -0.25}, 2)}
	old := a.Value
	trained := tensor.Must(nn.Trainable(be, slices.Values([]*autograd.Parameter{a, b})))
	if got, want := trained.Values.Floats(), []float64{1, 2, 3, 4, 5, 6, 0.5, -0.25}; !slices.Equal(got, want) {
		t.Errorf("flat values %v, want %v", got, want)
	}
	if !a.Trainable || a.Value.String() != "F32[2 3]" || a.Grad.String() != "F32[2 3]" || b.Grad.String() != "F32[2]" {
		t.Errorf("a is %v with gradient %v, b's gradient is %v", a.Value, a.Grad, b.Grad)
	}
	b.Grad.SetFloats([]float64{8, 9})
	if got := trained.Grads.Floats(); !slices.Equal(got, []float64{0, 0, 0, 0, 0, 0, 8, 9}) {
		t.Errorf("flat gradients %v", got)
	}
	trained.ZeroGrads(be)
	if got := b.Grad.Floats(); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("gradients after ZeroGrads: %v", got)
	}
	kernels.Fill(be, trained.Values, 1)
	if got := old.Floats(); !slices.Equal(got, []float64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("training wrote to the bytes the parameter had: %v", got)
	}
	trained.Freeze()
	if a.Trainable || !a.Grad.IsNone() || a.Value.Floats()[0] != 1 {
		t.Errorf("frozen again: trainable %t, gradient %v, value %v", a.Trainable, a.Grad, a.Value.Floats())
	}
}

func TestInitDependsOnSeedAndNameOnly(t *testing.T) {
	be := ref.New()
	s := nn.Init{Device: be, Seed: 3, Std: 0.5}
	w := s.Parameter("a.weight", nn.Normal, 60, 50).Value.Floats()
	if again := s.Parameter("a.weight", nn.Normal, 60, 50).Value.Floats(); !slices.Equal(w, again) {
		t.Error("the same name gives other values")
	}
	other := s.Parameter("b.weight", nn.Normal, 60, 50).Value.Floats()
	s.Seed++
	if seed := s.Parameter("a.weight", nn.Normal, 60, 50).Value.Floats(); slices.Equal(w, other) || slices.Equal(w, seed) {
		t.Error("another name or seed gives the same values")
	}
	mean, square := 0.0, 0.0
	for _, v := range w {
		mean += v / float64(len(w))
		square += v * v / float64(len(w))
	}
	// Five standard errors: of a mean σ/√n, of a variance σ²·√(2/n).
	n := float64(len(w))
	if math.Abs(mean) > 5*0.5/math.Sqrt(n) || math.Abs(square-0.25) > 5*0.25*math.Sqrt(2/n) {
		t.Errorf("mean %v and variance %v of 3000 normal values with deviation 0.5", mean, square)
	}
	if g := s.Parameter("norm.weight", nn.Ones, 3).Value.Floats(); !slices.Equal(g, []float64{1, 1, 1}) {
		t.Errorf("gain %v", g)
	}
	if b := s.Parameter("norm.bias", nn.Zeros, 3).Value.Floats(); !slices.Equal(b, []float64{0, 0, 0}) {
		t.Errorf("bias %v", b)
	}
}

// TestInitRefuses what would be zeros, or no numbers, by mistake: nothing begins with it,
// and whoever trains it is told.
func TestInitRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		init    nn.Init
		initial nn.Initial
	}{
		"nn: Init: Std -1":                          {nn.Init{Std: -1}, nn.Normal},
		"nn: Init: Std NaN":                         {nn.Init{Std: math.NaN()}, nn.Normal},
		"nn: Init: Std +Inf":                        {nn.Init{Std: math.Inf(1)}, nn.Zeros},
		"nn: Init: w: Initial.Std -2":               {nn.Init{}, nn.Initial{Std: -2}},
		"nn: Init: w: 3 inputs and no Std":          {nn.Init{Std: 0.02}, nn.Initial{Inputs: 3}},
		"nn: Init: w: 3 inputs and no Std: want No": {nn.Init{}, nn.Initial{Inputs: 3, Value: 1}},
	} {
		be := ref.New()
		c.init.Device = be
		w := c.init.Parameter("w", c.initial, 2, 3)
		if err := w.Value.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v of %+v: %v, want %q…", c.initial, c.init, err, want)
		}
		if _, err := nn.Trainable(be, nn.List(w)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Trainable of it: %v", err)
		}
	}
}

// TestInitOfNoStdKeepsTheSizeOfNumbers: fan-in, by weights of both orders of axes, and
// not zeros.
func TestInitOfNoStdKeepsTheSizeOfNumbers(t *testing.T) {
	w := nn.From(nn.Init{Device: ref.New(), Seed: 3})
	for what, l := range map[string]*nn.Linear{"linear": nn.NewLinear(w.At("a"), 400, 30, false), "conv1d": nn.NewConv1D(w.At("b"), 400, 30)} {
		square := 0.0
		for _, v := range l.Weight.Value.Floats() {
			square += v * v
		}
		if got := math.Sqrt(square / float64(l.Weight.Value.Len())); math.Abs(got*20-1) > 0.05 {
			t.Errorf("%s: standard deviation %v, want 1/√400", what, got)
		}
	}
}

func TestParseActivation(t *testing.T) {
	for name, want := range map[string]kernels.Func{
		"relu": kernels.ReLU, "gelu": kernels.GELU, "gelu_new": kernels.GELUTanh, "gelu_pytorch_tanh": kernels.GELUTanh,
		"gelu_python": kernels.GELU, "gelu_fast": kernels.GELUTanh,
		"silu": kernels.SiLU, "swish": kernels.SiLU, "tanh": kernels.Tanh,
	} {
		if f, ok := nn.ParseActivation(name); !ok || f != want {
			t.Errorf("%s: %v, %t", name, f, ok)
		}
	}
	if _, ok := nn.ParseActivation("quick_gelu"); ok {
		t.Error("quick_gelu is accepted")
	}
}

// TestRoPEEqualsTransformers compares with ROPE_INIT_FUNCTIONS. The powers of
// torch and ours may round apart once, a division and the blend of llama3 each
// once more: four units in the last place.
func TestRoPEEqualsTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/rope.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Dim          int     `json:"dim"`
		Theta        float64 `json:"theta"`
		MaxPositions int     `json:"max_positions"`
		Length       int     `json:"length"`
		Scaling      struct {
			Type     string  `json:"rope_type"`
			Factor   float64 `json:"factor"`
			Low      float64 `json:"low_freq_factor"`
			High     float64 `json:"high_freq_factor"`
			Original int     `json:"original_max_position_embeddings"`
		} `json:"scaling"`
		Want []float64 `json:"inverse_frequencies"`
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 10 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		r := nn.RoPE{
			Dim: c.Dim, Theta: c.Theta, Type: c.Scaling.Type, Factor: c.Scaling.Factor, MaxPositions: c.MaxPositions,
			LowFreq: c.Scaling.Low, HighFreq: c.Scaling.High, OriginalPositions: c.Scaling.Original,
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
		got := r.InverseFrequencies(c.Length)
		if len(got) != len(c.Want) {
			t.Fatalf("%+v: %d frequencies, want %d", r, len(got), len(c.Want))
		}
		for i, v := range got {
			if math.Abs(float64(v)-c.Want[i]) > 4*0x1p-23*c.Want[i] {
				t.Errorf("%s, width %d: frequency %d is %v, want %v", r.Type, r.Dim, i, v, c.Want[i])
			}
		}
	}
}

// TestRoPEFactorsAreLlama3 states llama3 scaling as GGUF files do.
func TestRoPEFactorsAreLlama3(t *testing.T) {
	r := nn.RoPE{Dim: 64, Theta: 500000, Type: "llama3", Factor: 8, LowFreq: 1, HighFreq: 4, OriginalPositions: 8192}
	plain := nn.RoPE{Dim: 64, Theta: 500000}
	want := r.InverseFrequencies(1)
	for i, v := range plain.InverseFrequencies(1) {
		plain.Factors = append(plain.Factors, v/want[i])
	}
	for i, v := range plain.InverseFrequencies(1) {
		if math.Abs(float64(v-want[i])) > 2*0x1p-23*float64(want[i]) {
			t.Errorf("frequency %d is %v, want %v", i, v, want[i])
		}
	}
}

func TestAngles(t *testing.T) {
	cos, sin := nn.Angles(nil, nil, 3, []float32{1, 0.1})
	cos, sin = nn.Angles(cos, sin, 0, []float32{1, 0.1})
	product := float64(3 * float32(0.1)) // rounded, as torch does
	for i, angle := range []float64{3, product, 0, 0} {
		if cos[i] != math.Cos(angle) || sin[i] != math.Sin(angle) {
			t.Errorf("angle %d: (%v, %v), want those of %v", i, cos[i], sin[i], angle)
		}
	}
}

func TestRoPEValidateNamesTheField(t *testing.T) {
	good := nn.RoPE{Dim: 8, Theta: 1e4, Factor: 2, MaxPositions: 16, LowFreq: 1, HighFreq: 4, OriginalPositions: 16}
	for _, c := range []struct {
		want   string
		change func(*nn.RoPE)
	}{
		{"rotary width", func(r *nn.RoPE) { r.Dim = 7 }},
		{"rotary width", func(r *nn.RoPE) { r.Dim = 0 }},
		{"rope_theta", func(r *nn.RoPE) { r.Theta = 0 }},
		{"rope_theta", func(r *nn.RoPE) { r.Theta = math.NaN() }},
		{"rope_theta", func(r *nn.RoPE) { r.Theta = math.Inf(1) }},
		{`"yarn" is not known`, func(r *nn.RoPE) { r.Type = "yarn" }},
		{"factor", func(r *nn.RoPE) { r.Type, r.Factor = "linear", 0 }},
		{"factor", func(r *nn.RoPE) { r.Type, r.Factor = "linear", math.NaN() }},
		{"max_position_embeddings", func(r *nn.RoPE) { r.Type, r.MaxPositions = "dynamic", 0 }},
		{"low_freq_factor", func(r *nn.RoPE) { r.Type, r.LowFreq = "llama3", 0 }},
		{"high_freq_factor", func(r *nn.RoPE) { r.Type, r.HighFreq = "llama3", 1 }},
		{"original_max_position_embeddings", func(r *nn.RoPE) { r.Type, r.OriginalPositions = "llama3", 0 }},
		{"rope factors", func(r *nn.RoPE) { r.Factors = []float32{1, 2, 3} }},
		{"rope factors", func(r *nn.RoPE) { r.Factors = []float32{1, 2, 0, 4} }},
		{"rope factors", func(r *nn.RoPE) { r.Factors = []float32{1, 2, float32(math.NaN()), 4} }},
	} {
		r := good
		c.change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want it to name %q", r, err, c.want)
		}
	}
	for _, kind := range []string{"", "default", "linear", "dynamic", "llama3"} {
		good.Type = kind
		if err := good.Validate(); err != nil {
			t.Errorf("%q: %v", kind, err)
		}
	}
}
