package emulate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// shapes tells name, type and shape of each parameter; a pair's bias by its layer's name.
func shapes(e *emulate.Emulator) (all []string) {
	for w := range e.Decoder.Params() {
		all = append(all, fmt.Sprintf("%s %v %v", strings.Replace(w.Name, ".up.bias", ".bias", 1), w.Value.DType(), w.Value.Shape()))
	}
	return all
}

// TestOutlinesAreOfTheFittedShapes: whatever stands at a place, for every map and every
// transform of plans, in models that store their weights in other types too.
func TestOutlinesAreOfTheFittedShapes(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		models := map[int]*transformer.Decoder{} // by width
		types := []tensor.DType{tensor.F32, tensor.F16, tensor.Q8_0}
		if family != "llama" {
			types = types[2:]
		}
		for _, d := range types {
			for text, width := range crashtest.Plans() {
				if width > 32 && family != "llama" {
					continue
				}
				full := models[width]
				if full == nil {
					_, full = crashtest.Made(t, be, family, width)
					models[width] = full
				}
				store(be, full, d)
				e, _ := fitted(t, be, full, text, texts(40), emulate.FitOptions{})
				got, err := emulate.OutlineOf(full, crashtest.Plan(t, text))
				if err != nil {
					t.Fatalf("%s, %s: %v", family, text, err)
				}
				if got, want := shapes(got), shapes(e); !slices.Equal(got, want) {
					t.Fatalf("%s, %s, of %v: %q\nfitted %q", family, text, d, got, want)
				}
			}
		}
	}
}

// store stores the weights of a model's linear layers as another type.
func store(be kernels.Backend, full *transformer.Decoder, d tensor.DType) {
	for _, field := range full.Linears() {
		w := (*field).(*nn.Linear).Weight
		blocks, err := tensor.EncodeRows(w.Value.Float32s(), w.Value.Cols(), d)
		if err == nil {
			w.Value = tensor.Must(tensor.Wrap(be, d, blocks, w.Value.Shape()...))
		}
	}
}

// TestOutlineRefuses what Fit would.
func TestOutlineRefuses(t *testing.T) {
	c := crashtest.Small(ref.New(), "llama").Config
	for text, want := range map[string]string{
		"0* 9":           "layer 9",
		"0* 1:q4_0":      "place 1, 1:q4_0: model.layers.1.self_attn.q_proj.weight: tensor: rows of 24",
		"0* 1:svd0.0001": "place 1, 1:svd0.0001: self_attn.q_proj: compress: RankFor",
	} {
		if _, err := emulate.OutlineOf(c.Outline(), crashtest.Plan(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
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
	depth, err := emulate.OutlineOf(full, plan.Identity(30, []int{0, 8, 23, 29})[:15])
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
		e, err := emulate.OutlineOf(full, p)
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
