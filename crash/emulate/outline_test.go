package emulate_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// shapes tells name, type and shape of each parameter.
func shapes(e *emulate.Emulator) (all []string) {
	for w := range e.Decoder.Params() {
		all = append(all, fmt.Sprintf("%s %v %v", w.Name, w.Value.DType(), w.Value.Shape()))
	}
	return all
}

// TestOutlinesAreOfTheFittedShapes: whatever stands at a place, for every map and every
// transform of plans.
func TestOutlinesAreOfTheFittedShapes(t *testing.T) {
	be := ref.New()
	plans := []string{"0* 1 1x0.5 5*", "0* 1 3xfit 3 4 5*"}
	for _, m := range plan.Maps() {
		plans = append(plans, fmt.Sprintf("0* 1 %s 5*", m))
	}
	for _, k := range plan.Transforms {
		amounts := map[plan.Amount][]float64{plan.NoAmount: {0}, plan.OfWeights: {0.5, 0.75, 1}, plan.OfBits: {4}}[k.Amount]
		for _, amount := range amounts {
			plans = append(plans, fmt.Sprintf("0* 1:%s 5*", plan.Transform{Name: k.Name, Amount: amount}))
		}
	}
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		outline := full.Config.Outline()
		for _, text := range plans {
			p := crashtest.Plan(t, text)
			got, err := emulate.Outline(outline, p)
			e, _, fit := emulate.Fit(context.Background(), be, full, p, texts(60), emulate.FitOptions{})
			switch {
			case fit != nil && strings.Contains(fit.Error(), "not built yet"):
				t.Logf("%s: %v", text, fit)
			case fit != nil && (err != nil || strings.Contains(text, "q")): // no whole blocks, or none that are quick to tell
				if err == nil {
					t.Errorf("%s, %s: fitting says %v, the outline nothing", family, text, fit)
				}
			case err != nil || fit != nil:
				t.Errorf("%s, %s: %v; fitting says %v", family, text, err, fit)
			case !strings.Contains(text, "gradot") && !slices.Equal(shapes(got), shapes(e)):
				t.Errorf("%s, %s: %q\nfitted %q", family, text, shapes(got), shapes(e))
			case got.HeldParams() == 0 || nn.Count(got.Params()) != nn.Count(e.Params()):
				t.Errorf("%s, %s: holds %d weights", family, text, got.HeldParams())
			}
		}
	}
}

// TestEqualShare: as near below the kept layers' weights as a step of the share comes.
func TestEqualShare(t *testing.T) {
	c, err := transformer.ParseConfig([]byte(`{"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
		"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": true}`))
	if err != nil {
		t.Fatal(err)
	}
	full := c.Outline()
	depth, err := emulate.Outline(full, plan.Identity(30, []int{0, 8, 23, 29})[:15])
	if err != nil {
		t.Fatal(err)
	}
	want := nn.Count(full.Params()) - 15*c.BlockParams()
	if depth.HeldParams() != want {
		t.Fatalf("15 of 30 layers hold %d weights, want %d", depth.HeldParams(), want)
	}
	for _, name := range []string{"svd", "asvd", "width"} {
		share, err := emulate.EqualShare(c, 15, 4, name)
		if err != nil {
			t.Fatal(err)
		}
		p := plan.Identity(30, []int{0, 8, 23, 29}).Transformed(plan.Transform{Name: name, Amount: share})
		e, err := emulate.Outline(full, p)
		if err != nil {
			t.Fatal(err)
		}
		if short := want - e.HeldParams(); short < 0 || float64(short) > 0.01*float64(want) {
			t.Errorf("%s%v: holds %d weights, %d less than %d", name, share, e.HeldParams(), short, want)
		}
		t.Logf("%s%v: %d of %d weights", name, share, e.HeldParams(), want)
	}
	for name, part := range map[string]string{"heads": "transform heads: even heads0.3334 of all 30 layers but the 4 that train leaves", "prune": "leaves 134", "int": "transform int"} {
		if _, err := emulate.EqualShare(c, 15, 4, name); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %q", name, err, part)
		}
	}
}
