package measure_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// emulator is that of the kept layers of a model of which some train.
func emulator(t *testing.T, full *transformer.Decoder, kept, trained []int) *emulate.Emulator {
	t.Helper()
	var p plan.Plan
	for _, layer := range kept {
		p = append(p, plan.Slot{Layer: layer, Trainable: slices.Contains(trained, layer)})
	}
	e, err := emulate.New(full, p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// compared are the gradients of an emulator's trained weights, in the full model and in it.
func compared(t *testing.T, g *measure.Gradients, e *emulate.Emulator) (full, part measure.Gradient) {
	t.Helper()
	full, err := g.InFull(t.Context(), e.Params())
	if err != nil {
		t.Fatal(err)
	}
	if part, err = g.In(t.Context(), e.Decoder, e.Params()); err != nil {
		t.Fatal(err)
	}
	return full, part
}

// named gives the blocks of a decoder weights under the names of their own places.
func named(d *transformer.Decoder, from []int) *transformer.Decoder {
	own := *d
	own.Blocks, own.Config.Layers = slices.Clone(d.Blocks), len(d.Blocks)
	for i := range own.Blocks {
		own.Blocks[i] = own.Blocks[i].Clone()
		nn.Rename(own.Blocks[i], d.Config.LayerName(from[i]), d.Config.LayerName(i))
	}
	return &own
}

// TestAgreementEqualsTorch: cosine, signs and gain against torch in float64, of T and of
// each block, and the cosine that plans are chosen by.
func TestAgreementEqualsTorch(t *testing.T) {
	for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} {
		probes(t, be, func(golden probe, d *transformer.Decoder, items []transformer.Continuation) {
			d = named(d, []int{0, 1, 2, 2, 1, 0})
			g := &measure.Gradients{Backend: be, Full: d, Items: items}
			defer g.Close()
			for _, k := range golden.Kept {
				if k.Gradient == nil {
					continue
				}
				e := emulator(t, d, k.Kept, golden.Trained)
				full, part := compared(t, g, e)
				all, blocks := measure.Agree(part, full)
				for i, got := range slices.Insert(blocks, 0, all) {
					want := k.Agreement[i]
					near(t, golden.Model+" cosine", got.Cosine, want.Cosine, 1, 1e-5)
					near(t, golden.Model+" signs", got.Signs, want.Signs, 0, (want.Unsure+1e-12)/want.Signs)
				}
				planned, err := g.Cosine(t.Context(), k.Kept, golden.Trained)
				if err != nil {
					t.Fatal(err)
				}
				near(t, golden.Model+" as plans are chosen", all.Cosine, planned, 1, 1e-12)
				gain := full.Gain(stepped(be, e, part, -0.01), e.Params())
				near(t, golden.Model+" gain", gain, k.Gain, 0, 1e-4)
			}
		})
	}
}

// stepped moves an emulator's weights by so much times a gradient, and returns their
// values before.
func stepped(be kernels.Backend, e *emulate.Emulator, g measure.Gradient, by float64) (before []tensor.Tensor) {
	at := 0
	for w := range e.Params() {
		before = append(before, w.Value)
		values := w.Value.Floats()
		for i := range values {
			values[i] += by * float64(g.Values[at+i])
		}
		at += len(values)
		w.Value = tensor.MustFromFloats(be, tensor.F32, values, w.Value.Shape()...)
	}
	return before
}

func continuations(n int) (items []transformer.Continuation) {
	for _, p := range crashtest.Pairs(n) {
		items = append(items, transformer.Continuation{Context: p.Context, Target: p.Target})
	}
	return items
}

// TestAgreementWithItself is 1 to the bit: of an emulator that keeps all, and of what is
// trained inside the full model.
func TestAgreementWithItself(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		d := crashtest.Small(be, family)
		g := &measure.Gradients{Backend: be, Full: d, Items: continuations(20)}
		full, part := compared(t, g, emulator(t, d, []int{0, 1, 2, 3, 4, 5}, []int{1, 4}))
		all, blocks := measure.Agree(full, part)
		for _, a := range append(blocks, all) {
			if a != (measure.Agreement{Cosine: 1, Signs: 1}) {
				t.Errorf("%s: %v", family, a)
			}
		}
		g.Recompute = true
		if again, _ := compared(t, g, emulator(t, d, []int{0, 1, 2, 3, 4, 5}, []int{1, 4})); !slices.Equal(again.Values, full.Values) || again.Peak >= full.Peak {
			t.Errorf("%s: recomputed, other bits or %d bytes instead of %d", family, again.Peak, full.Peak)
		}
		if !slices.Equal(full.Layers, []int{1, 4}) || full.Peak < 12*len(full.Values) {
			t.Errorf("%s: layers %v, %d bytes for %d weights", family, full.Layers, full.Peak, len(full.Values))
		}
	}
}

// TestGainAgreesWithTheLoss: after a tiny step against the emulator's gradient the full
// model's loss has moved by the predicted gain, in size and direction.
func TestGainAgreesWithTheLoss(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "llama")
	items := continuations(30)
	g := &measure.Gradients{Backend: be, Full: d, Items: items}
	loss := func(d *transformer.Decoder) float64 {
		v, err := measure.Loss(t.Context(), be, d, items)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, by := range []float64{-1e-2, 1e-2} {
		e := emulator(t, d, []int{0, 1, 2, 3, 5}, []int{1, 5})
		full, part := compared(t, g, e)
		before := stepped(be, e, part, by)
		gain, seen := full.Gain(before, e.Params()), loss(d)-loss(e.Plug(d))
		if gain == 0 || math.Abs(gain-seen) > 0.1*math.Abs(gain) {
			t.Errorf("a step of %g: predicted %g, seen %g", by, gain, seen)
		}
	}
}

// TestAgreementOfAnyDecoder: shared places, a place that runs twice and layers in two thin
// products have gradients too, and nothing of the emulator is changed by them.
func TestAgreementOfAnyDecoder(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	p, err := plan.Parse("0* 2 2 0 5*")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulate.New(d, p)
	if err != nil {
		t.Fatal(err)
	}
	thin := d.Blocks[2].Clone()
	w := slices.Collect(nn.ParamsOf(thin))[0]
	w.Value = tensor.MustFromFloat32s(be, tensor.F32, make([]float32, w.Value.Len()), w.Value.Shape()...)
	e.Decoder.Blocks[1] = thin
	before := crashtest.Bits(e.Decoder.Params())
	g := &measure.Gradients{Backend: be, Full: d, Items: continuations(12)}
	full, part := compared(t, g, e)
	all, blocks := measure.Agree(part, full)
	if len(blocks) != 2 || !(all.Cosine > -1 && all.Cosine < 1) || !(all.Signs > 0 && all.Signs < 1) {
		t.Errorf("%v, %v", all, blocks)
	}
	crashtest.Same(t, "the emulator", crashtest.Bits(e.Decoder.Params()), before)
	for w := range e.Decoder.Params() {
		if w.Trainable || !w.Grad.IsNone() {
			t.Fatalf("%s is trainable", w.Name)
		}
	}
	again, _ := compared(t, g, e)
	if !slices.Equal(again.Values, full.Values) {
		t.Error("measured again, other bits")
	}
}

// TestAgreementCountsSigns as it says: zeros are left out.
func TestAgreementCountsSigns(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "llama")
	g := &measure.Gradients{Backend: be, Full: d, Items: continuations(2)}
	full, part := compared(t, g, emulator(t, d, []int{0, 3}, []int{3}))
	clear(full.Values)
	clear(part.Values)
	for i, v := range [][2]float32{{1, 2}, {-3, -1}, {2, -2}, {0, 1}, {1, 0}, {float32(math.Copysign(0, -1)), -1}} {
		full.Values[i], part.Values[i] = v[0], v[1]
	}
	all, _ := measure.Agree(full, part)
	if want := (2.0 + 3 - 4) / math.Sqrt((1+9+4+1)*(4+1+4+1+1)); all.Signs != 2.0/3 || math.Abs(all.Cosine-want) > 1e-15 {
		t.Errorf("%v, want a cosine of %v", all, want)
	}
	clear(part.Values)
	if all, _ := measure.Agree(full, part); all != (measure.Agreement{}) {
		t.Errorf("with nothing: %v", all)
	}
}

// TestAgreementRefuses weights of no block, and ones that the full model has not.
func TestAgreementRefuses(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	g := &measure.Gradients{Backend: be, Full: d, Items: continuations(2)}
	other := nn.List(&autograd.Parameter{Name: d.Config.LayerName(2) + ".fc3.weight", Value: tensor.MustFromFloat32s(be, tensor.F32, []float32{1}, 1)})
	for want, run := range map[string]func() error{
		"it is of no block":  func() error { _, err := g.In(context.Background(), d, d.Params()); return err },
		"has no such weight": func() error { _, err := g.InFull(context.Background(), other); return err },
		"gradients of 0":     func() error { _, err := g.In(context.Background(), d, nn.List()); return err },
		"gradients of layer ": func() error {
			_, err := g.InFull(context.Background(), nn.List(&autograd.Parameter{Name: d.Config.LayerName(9) + ".fc1.bias"}))
			return err
		},
	} {
		if err := run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
