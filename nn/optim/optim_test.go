package optim_test

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
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

func Example() {
	be := ref.New()
	w := &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, []float64{1, -1}, 2)}
	opt := tensor.Must(optim.NewAdamW(be, tensor.Must(nn.Trainable(be, slices.Values([]*autograd.Parameter{w}))), optim.Config{LR: 0.125, Clip: 1}))
	rate := optim.Schedule{Kind: optim.Linear, Steps: 4}
	for step := range 2 {
		w.Grad.SetFloats([]float64{3, 4})
		norm := opt.Step(rate.Factor(step))
		fmt.Printf("norm %.0f, weights %.4f\n", norm, w.Value.Floats())
	}
	// Output:
	// norm 5, weights [0.8750 -1.1250]
	// norm 5, weights [0.7812 -1.2188]
}

// golden is testdata/optim.json, written by gen_optim.py.
type golden struct {
	Schedules []struct {
		Kind   optim.Kind `json:"kind"`
		Warmup int        `json:"warmup"`
		Steps  int        `json:"steps"`
		Factor []float64  `json:"factor"`
	} `json:"schedules"`
	AdamW struct {
		LR          float64     `json:"lr"`
		WeightDecay float64     `json:"weight_decay"`
		Clip        float64     `json:"clip"`
		Warmup      int         `json:"warmup"`
		Steps       int         `json:"steps"`
		Start       []float64   `json:"start"`
		Grads       [][]float64 `json:"grads"`
		Norms       []float64   `json:"norms"`
		Weights     [][]float64 `json:"weights"`
	} `json:"adamw"`
	SGD []struct {
		LR          float64     `json:"lr"`
		Momentum    float64     `json:"momentum"`
		Nesterov    bool        `json:"nesterov"`
		WeightDecay float64     `json:"weight_decay"`
		Clip        float64     `json:"clip"`
		Steps       int         `json:"steps"`
		Start       []float64   `json:"start"`
		Grads       [][]float64 `json:"grads"`
		Norms       []float64   `json:"norms"`
		Weights     [][]float64 `json:"weights"`
	} `json:"sgd"`
}

func read(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/optim.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Schedules) < 8 || len(g.AdamW.Weights) < 8 {
		t.Fatalf("golden has %d schedules and %d steps", len(g.Schedules), len(g.AdamW.Weights))
	}
	return g
}

func TestSchedulesEqualTransformers(t *testing.T) {
	for _, c := range read(t).Schedules {
		s := optim.Schedule{Kind: c.Kind, Warmup: c.Warmup, Steps: c.Steps}
		if err := s.Validate(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		for step, want := range c.Factor {
			if got := s.Factor(step); math.Abs(got-want) > 1e-15 {
				t.Errorf("%+v: step %d: %v, want %v", s, step, got, want)
			}
		}
	}
}

func TestScheduleValidate(t *testing.T) {
	for _, s := range []optim.Schedule{{Kind: "polynomial"}, {}, {Kind: optim.Linear, Warmup: -1}, {Kind: optim.Cosine, Steps: -1}} {
		if err := s.Validate(); err == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}

// trained returns an optimiser over two parameters, so that the flat buffer has
// a seam.
func trained(be kernels.Backend, values []float64, c optim.Config) (*optim.AdamW, *nn.Trained) {
	var params []*autograd.Parameter
	for _, part := range [][]float64{values[:3], values[3:]} {
		params = append(params, &autograd.Parameter{Value: tensor.MustFromFloats(be, tensor.F32, part, len(part))})
	}
	t := tensor.Must(nn.Trainable(be, slices.Values(params)))
	return tensor.Must(optim.NewAdamW(be, t, c)), t
}

// twin is AdamW after Loshchilov and Hutter in float64.
type twin struct {
	optim.Config
	w, m, v []float64
	step    int
}

func (a *twin) update(grad []float64, factor float64) (norm float64) {
	for _, g := range grad {
		norm += g * g
	}
	norm = math.Sqrt(norm)
	scale := 1.0
	if a.Clip > 0 {
		scale = min(1, a.Clip/(norm+1e-6))
	}
	a.step++
	lr := a.LR * factor
	for i, g := range grad {
		g *= scale
		a.m[i] = a.Beta1*a.m[i] + (1-a.Beta1)*g
		a.v[i] = a.Beta2*a.v[i] + (1-a.Beta2)*g*g
		mean := a.m[i] / (1 - math.Pow(a.Beta1, float64(a.step)))
		root := math.Sqrt(a.v[i] / (1 - math.Pow(a.Beta2, float64(a.step))))
		a.w[i] += -lr*a.WeightDecay*a.w[i] - lr*mean/(root+a.Eps)
	}
	return norm
}

func backends() []kernels.Backend { return []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} }

// TestStepEqualsTorch holds F32 steps against torch in float64 and against the
// twin. A step changes a weight by about the rate, computed to a few units in the
// last place, and rounds it once: 16 units of the largest weight over 8 steps.
func TestStepEqualsTorch(t *testing.T) {
	g := read(t).AdamW
	c := optim.Config{LR: g.LR, WeightDecay: g.WeightDecay, Clip: g.Clip}
	largest := 0.0
	for _, w := range g.Start {
		largest = max(largest, math.Abs(w))
	}
	bar := 16 * 0x1p-24 * largest
	rate := optim.Schedule{Kind: optim.Cosine, Warmup: g.Warmup, Steps: g.Steps}
	for _, be := range backends() {
		o, params := trained(be, g.Start, c)
		a := &twin{Config: o.Config, w: slices.Clone(g.Start), m: make([]float64, len(g.Start)), v: make([]float64, len(g.Start))}
		for step, grad := range g.Grads {
			params.Grads.SetFloats(grad)
			norm := o.Step(rate.Factor(step))
			if want := a.update(grad, rate.Factor(step)); math.Abs(want-g.Norms[step]) > 1e-12 || math.Abs(norm-want) > 1e-6*want {
				t.Errorf("%s: step %d: norm %v, twin %v, torch %v", be.Name(), step, norm, want, g.Norms[step])
			}
			for i, got := range params.Values.Floats() {
				if want := g.Weights[step][i]; math.Abs(a.w[i]-want) > 1e-12 || !(math.Abs(got-want) <= bar) {
					t.Errorf("%s: step %d: weight %d is %v, twin %v, torch %v (bar %.2g)", be.Name(), step, i, got, a.w[i], want, bar)
				}
			}
			if left := params.Grads.Floats(); slices.ContainsFunc(left, func(v float64) bool { return v != 0 }) {
				t.Errorf("%s: step %d left the gradients %v", be.Name(), step, left)
			}
		}
		if o.Done != len(g.Grads) {
			t.Errorf("%s: %d steps done", be.Name(), o.Done)
		}
	}
}

// TestClipScalesTheWholeVector: with β₁ = 0 the first moment is the clipped
// gradient itself.
func TestClipScalesTheWholeVector(t *testing.T) {
	grad := []float64{3, 0, 4, 0, 12, 0, 0} // norm 13
	for _, be := range backends() {
		for _, clip := range []float64{0, 6.5, 13, 100} {
			o, params := trained(be, make([]float64, 7), optim.Config{LR: 1, Clip: clip, Beta1: 0x1p-60})
			params.Grads.SetFloats(grad)
			if norm := o.Step(1); norm != 13 {
				t.Errorf("%s: norm %v, want 13", be.Name(), norm)
			}
			scale := 1.0
			if clip > 0 && clip < 13+1e-6 {
				scale = clip / (13 + 1e-6)
			}
			for i, m := range o.M.Floats() {
				if want := grad[i] * scale; math.Abs(m-want) > 4*0x1p-24*want {
					t.Errorf("%s: clip %v: element %d became %v, want %v", be.Name(), clip, i, m, want)
				}
			}
		}
	}
}

func TestSickGradientsChangeNothing(t *testing.T) {
	for _, be := range backends() {
		for _, sick := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, clip := range []float64{0, 1} {
				o, params := trained(be, []float64{1, 2, 3, 4, 5, 6, 7}, optim.Config{LR: 0.1, Clip: clip, WeightDecay: 0.1})
				params.Grads.SetFloats([]float64{1, -1, 1, -1, 1, -1, 1})
				o.Step(1)
				w, m, v := params.Values.Raw(), o.M.Raw(), o.V.Raw()
				params.Grads.SetFloats([]float64{1, 1, 1, 1, 1, 1, sick})
				if norm := o.Step(1); !math.IsNaN(norm) && !math.IsInf(norm, 0) {
					t.Errorf("%s: %v among the gradients gives norm %v", be.Name(), sick, norm)
				}
				if o.Done != 1 || !slices.Equal(params.Values.Raw(), w) || !slices.Equal(o.M.Raw(), m) || !slices.Equal(o.V.Raw(), v) {
					t.Errorf("%s: %v among the gradients changed weights, moments or the count %d", be.Name(), sick, o.Done)
				}
				params.Grads.SetFloats([]float64{1, 1, 1, 1, 1, 1, 1})
				if norm := o.Step(1); o.Done != 2 || math.Abs(norm-math.Sqrt(7)) > 1e-6 || slices.Equal(params.Values.Raw(), w) {
					t.Errorf("%s: the step after it: norm %v, count %d", be.Name(), norm, o.Done)
				}
			}
		}
	}
}

func TestZeroConfigIsTorchsDefault(t *testing.T) {
	o, _ := trained(ref.New(), make([]float64, 7), optim.Config{LR: 1})
	if o.Beta1 != 0.9 || o.Beta2 != 0.999 || o.Eps != 1e-8 || o.WeightDecay != 0 || o.Clip != 0 {
		t.Errorf("%+v", o.Config)
	}
}

// TestConfigRefuses what nothing is learned with: above all a rate that was left out.
func TestConfigRefuses(t *testing.T) {
	be := ref.New()
	params := tensor.Must(nn.Trainable(be, slices.Values([]*autograd.Parameter{{Value: tensor.MustFromFloats(be, tensor.F32, []float64{1}, 1)}})))
	held := be.Held()
	for want, c := range map[string]optim.Config{
		"optim: AdamW: learning rate 0: Config.LR has no default": {Clip: 1},
		"learning rate -0.1": {LR: -0.1},
		"learning rate NaN":  {LR: math.NaN()},
		"learning rate +Inf": {LR: math.Inf(1)},
		"betas 1, 0":         {LR: 1, Beta1: 1},
		"betas 0, -0.5":      {LR: 1, Beta2: -0.5},
		"eps -1e-08":         {LR: 1, Eps: -1e-8},
		"weight decay -1":    {LR: 1, WeightDecay: -1},
		"weight decay NaN":   {LR: 1, WeightDecay: math.NaN()},
		"clip -1":            {LR: 1, Clip: -1},
	} {
		if _, err := optim.NewAdamW(be, params, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if got := be.Held(); got != held {
		t.Errorf("%d bytes are not given back", got-held)
	}
}
