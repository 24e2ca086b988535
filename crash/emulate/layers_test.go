package emulate_test

import (
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// mapped is a block with a linear map behind it.
type mapped struct {
	transformer.Block
	Map nn.Projection
}

func (b *mapped) Parts(v nn.Visitor) {
	b.Block.Parts(v)
	v.Projection(&b.Map, "map", nil)
}

func (b *mapped) Forward(p *autograd.Pass, x autograd.Var, at transformer.Place) autograd.Var {
	x = b.Block.Forward(p, x, at)
	return nn.LinearAdd(p, x, b.Map, x)
}

func (b *mapped) Clone() transformer.Block { return &mapped{b.Block.Clone(), b.Map.Clone()} }

// TestPlansTakeOtherLayers: blocks with other layers in them are left out, repeated,
// trained as copies and plugged back in as any other.
func TestPlansTakeOtherLayers(t *testing.T) {
	be := ref.New()
	w := nn.From(nn.Init{Device: be, Seed: 4, Std: 0.1})
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		plain := len(slices.Collect(nn.ParamsOf(full.Blocks[0])))
		for _, field := range nn.ProjectionsOf(full.Blocks[1]) {
			in, out := (*field).(*nn.Linear).Sizes()
			*field = nn.NewLowRank(w.At("pair"), in, 2, out, true)
			break
		}
		full.Blocks[3] = &mapped{full.Blocks[3], nn.NewLinear(w.At("map"), 24, 24, true)}
		before := crashtest.Logits(be, full)

		e, err := emulate.New(full, crashtest.Plan(t, "0 1* 3 3 3* 5"))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := emulate.New(full, crashtest.Plan(t, "0 1 2 3 4 5"))
		if err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, family+": all layers", crashtest.Logits(be, whole.Decoder), before)
		trained := tensor.Must(nn.Trainable(be, e.Params()))
		if want := len(slices.Collect(nn.ParamsOf(full.Blocks[1]))) + plain + 2; len(trained.Params) != want || want <= 2*plain+2 {
			t.Errorf("%s: %d parameters are trained, want those of two blocks, a pair and a map, %d", family, len(trained.Params), want)
		}
		trained.Values.SetFloats(make([]float64, trained.Values.Len()))
		crashtest.Same(t, family+": the full model after training", crashtest.Logits(be, full), before)
		if same := slices.Equal(crashtest.Logits(be, e.Plug(full)), before); same {
			t.Errorf("%s: the full model with trained layers plugged in is the one without", family)
		}
	}
}
