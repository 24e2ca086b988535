package optim_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// named makes parameters of a small block trainable: matrices, biases and a gain.
func named(be kernels.Backend) *nn.Trained {
	var params []*autograd.Parameter
	for _, p := range []struct {
		name  string
		shape []int
	}{{"fc1.weight", []int{4, 3}}, {"fc1.bias", []int{4}}, {"norm.weight", []int{4}}, {"fc2.weight", []int{3, 4}}, {"fc2.bias", []int{3}}} {
		n := 1
		for _, d := range p.shape {
			n *= d
		}
		values := make([]float64, n)
		for i := range values {
			values[i] = 1 + float64(i)/8
		}
		params = append(params, &autograd.Parameter{Name: p.name, Value: tensor.MustFromFloats(be, tensor.F32, values, p.shape...)})
	}
	return tensor.Must(nn.Trainable(be, slices.Values(params)))
}

// TestGroups: each parameter moves as it does where its group's numbers are those of
// all, and neighbours of one rule share a call of the kernel.
func TestGroups(t *testing.T) {
	step := func(be kernels.Backend, c optim.Config) map[string][]float64 {
		trained := named(be)
		opt := tensor.Must(optim.NewAdamW(be, trained, c))
		defer opt.Close()
		for range 3 {
			grad := make([]float64, trained.Grads.Len())
			for i := range grad {
				grad[i] = math.Sin(float64(i))
			}
			trained.Grads.SetFloats(grad)
			opt.Step(0.5)
		}
		out := map[string][]float64{}
		for _, w := range trained.Params {
			out[w.Name] = w.Value.Floats()
		}
		return out
	}
	for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} {
		config := func(lr, decay float64, groups ...optim.Group) optim.Config {
			return optim.Config{LR: lr, WeightDecay: decay, Clip: 1, Groups: groups}
		}
		for _, c := range []struct {
			groups []optim.Group
			calls  int // a step
			rules  map[string][2]float64
		}{
			{nil, 1, nil},
			{[]optim.Group{}, 1, nil},
			{[]optim.Group{{Match: "*", WeightDecay: 0.5}}, 1, nil},
			{optim.NoDecayOfVectors, 4, map[string][2]float64{"fc1.bias": {0.1, 0}, "norm.weight": {0.1, 0}, "fc2.bias": {0.1, 0}}},
			{[]optim.Group{{Match: "fc2.*", LR: 2, WeightDecay: 0.25}, {Vectors: true}}, 3, map[string][2]float64{
				"fc1.bias": {0.1, 0}, "norm.weight": {0.1, 0}, "fc2.weight": {0.2, 0.25}, "fc2.bias": {0.2, 0.25}}},
			{[]optim.Group{{Match: "fc?.weight", WeightDecay: 0.5}}, 1, nil},
		} {
			count := kerneltest.NewCounting(be)
			got := step(count, config(0.1, 0.5, c.groups...))
			if calls := count.Times("AdamW"); calls != 3*c.calls {
				t.Errorf("%s: groups %+v: %d calls in 3 steps, want %d a step", be.Name(), c.groups, calls, c.calls)
			}
			for name, values := range got {
				rule, ok := c.rules[name]
				if !ok {
					rule = [2]float64{0.1, 0.5}
				}
				if want := step(be, config(rule[0], rule[1]))[name]; !slices.Equal(values, want) {
					t.Errorf("%s: groups %+v: %s is %v, want %v", be.Name(), c.groups, name, values, want)
				}
			}
		}
	}
}

func TestGroupsRefuse(t *testing.T) {
	be := ref.New()
	trained := named(be)
	held := be.Held()
	for want, groups := range map[string][]optim.Group{
		`group "fc3.*": fits no trained parameter`: {{Match: "fc3.*"}},
		`group "fc1.bias": fits no trained`:        {{Vectors: true}, {Match: "fc1.bias"}},
		`group "[": the pattern`:                   {{Match: "["}},
		"weight decay -1":                          {{WeightDecay: -1}},
		"learning rate times NaN":                  {{LR: math.NaN()}},
		"learning rate times +Inf":                 {{LR: math.Inf(1)}},
	} {
		if _, err := optim.NewAdamW(be, trained, optim.Config{LR: 1, Groups: groups}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", groups, err, want)
		}
	}
	if got := be.Held(); got != held {
		t.Errorf("%d bytes are not given back", got-held)
	}
}
