package optim_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// optioned is "options" of testdata/optim.json.
type optioned struct {
	LR           float64     `json:"lr"`
	Clip         float64     `json:"clip"`
	Average      float64     `json:"average"`
	Proximal     float64     `json:"proximal"`
	Sizes        []int       `json:"sizes"`
	Times        []float64   `json:"times"`
	WeightDecays []float64   `json:"weight_decays"`
	Start        []float64   `json:"start"`
	Grads        [][]float64 `json:"grads"`
	Norms        []float64   `json:"norms"`
	Distances    []float64   `json:"distances"`
	Weights      [][]float64 `json:"weights"`
	Averages     [][]float64 `json:"averages"`
}

func readOptioned(t *testing.T) optioned {
	t.Helper()
	data, err := os.ReadFile("testdata/optim.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ Options optioned }
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Options.Weights) < 10 {
		t.Fatalf("golden has %d steps", len(g.Options.Weights))
	}
	return g.Options
}

// letters makes parameters a, b, c, … of the given sizes trainable.
func letters(be kernels.Backend, values []float64, sizes []int) *nn.Trained {
	var params []*autograd.Parameter
	for i, n := range sizes {
		params = append(params, &autograd.Parameter{Name: string(rune('a' + i)), Value: tensor.MustFromFloats(be, tensor.F32, values[:n], n)})
		values = values[n:]
	}
	return tensor.Must(nn.Trainable(be, slices.Values(params)))
}

// TestOptionsEqualTorch: rates and weight decay by group, the proximal term and the average
// against torch in float64, to the bar of [TestStepEqualsTorch] a step.
func TestOptionsEqualTorch(t *testing.T) {
	g := readOptioned(t)
	for _, be := range backends() {
		trained := letters(be, g.Start, g.Sizes)
		c := optim.Config{LR: g.LR, Clip: g.Clip, Average: g.Average}
		for i, times := range g.Times {
			name := string(rune('a' + i))
			c.Groups = append(c.Groups, optim.Group{Match: name, WeightDecay: g.WeightDecays[i]})
			if times != 1 {
				c.Rates = append(c.Rates, optim.Rate{Match: name, Times: times})
			}
		}
		opt, near := tensor.Must(optim.NewAdamW(be, trained, c)), tensor.Must(optim.NewProximal(be, trained, g.Proximal))
		bar := 0.0
		for step, grad := range g.Grads {
			trained.Grads.SetFloats(grad)
			distance := near.Add()
			norm := opt.Step(1)
			bar += 2 * 0x1p-24 * largest(g.Weights[step])
			if math.Abs(distance-g.Distances[step]) > 4*bar*math.Sqrt(g.Distances[step])*float64(len(grad))+1e-12 || math.Abs(norm-g.Norms[step]) > 1e-6*norm {
				t.Errorf("%s: step %d: distance² %v, want %v; norm %v, want %v", be.Name(), step, distance, g.Distances[step], norm, g.Norms[step])
			}
			within(t, be.Name()+": weights", trained.Values.Floats(), g.Weights[step], bar)
			within(t, be.Name()+": average", opt.Averaged.Floats(), g.Averages[step], 2*bar)
		}
		opt.Close()
		near.Close()
	}
}

func largest(x []float64) (top float64) {
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	return top
}

func within(t *testing.T, what string, got, want []float64, bar float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= bar) {
			t.Fatalf("%s: element %d is %v, want %v within %v", what, i, got[i], want[i], bar)
		}
	}
}

// TestAverageDecay: with the warm-up the decay rises to the one asked for, without it is
// that at once; a step whose gradient is not finite moves no average.
func TestAverageDecay(t *testing.T) {
	c := optim.Config{LR: 1, Average: 0.999}
	for done, want := range map[int]float64{0: 0.1, 1: 2. / 11, 90: 0.91, 8990: 8991. / 9000, 8991: 0.999, 100000: 0.999} {
		if got := c.AverageDecay(done); got != want {
			t.Errorf("after %d steps: %v, want %v", done, got, want)
		}
	}
	c.AverageAtOnce = true
	if got := c.AverageDecay(0); got != 0.999 {
		t.Errorf("at once: %v", got)
	}
	be := ref.New()
	trained := letters(be, []float64{1, 2}, []int{2})
	opt := tensor.Must(optim.NewAdamW(be, trained, c))
	defer opt.Close()
	trained.Grads.SetFloats([]float64{math.Inf(1), 0})
	opt.Step(1)
	if got := opt.Averaged.Floats(); !slices.Equal(got, []float64{1, 2}) || opt.Done != 0 {
		t.Errorf("average %v after a step that was not taken", got)
	}
	if names := len(opt.State()); names != 3 {
		t.Errorf("%d tensors of state", names)
	}
}

// TestLayerRates: those of BEiT's LayerDecayValueAssigner, whose layer 0 are the
// embeddings, n+1 what follows the blocks, and a value decay^(n+1-layer).
func TestLayerRates(t *testing.T) {
	got := optim.LayerRates(0.5, []string{"embed"}, []string{"0.a", "0.b"}, nil, []string{"7.a", "0.a"})
	want := []optim.Rate{{Match: "embed", Times: 0.0625}, {Match: "0.a", Times: 0.125}, {Match: "0.b", Times: 0.125}, {Match: "7.a", Times: 0.5}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRatesRefuse(t *testing.T) {
	be := ref.New()
	trained := named(be)
	held := be.Held()
	for want, rates := range map[string][]optim.Rate{
		`rate of "fc3.*": fits no trained parameter`: {{Match: "fc3.*", Times: 1}},
		`rate of "fc1.bias": fits no trained`:        {{Match: "*", Times: 2}, {Match: "fc1.bias", Times: 1}},
		`rate of "[": want a pattern`:                {{Match: "[", Times: 1}},
		`rate of "": want a pattern`:                 {{Times: 1}},
		"0 times the learning rate: want a positive": {{Match: "*"}},
		"-1 times":  {{Match: "*", Times: -1}},
		"NaN times": {{Match: "*", Times: math.NaN()}},
		"1e+40 times the learning rate: want a posit": {{Match: "*", Times: 1e40}},
	} {
		if _, err := optim.NewAdamW(be, trained, optim.Config{LR: 1, Average: 0.5, Rates: rates}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", rates, err, want)
		}
	}
	if got := be.Held(); got != held {
		t.Errorf("%d bytes are not given back", got-held)
	}
	if _, err := optim.NewAdamW(be, trained, optim.Config{LR: 1, Average: 1}); err == nil {
		t.Error("an average that never moves is accepted")
	}
}
