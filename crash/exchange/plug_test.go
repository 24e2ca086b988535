package exchange_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestEmulatorToPluggedModel is the whole exchange on disk: the owner exports,
// the data owner trains what he opened and sends an adapter, the owner plugs it in.
func TestEmulatorToPluggedModel(t *testing.T) {
	be := ref.New()
	for _, model := range []string{"opt-prenorm", "llama-gqa-tied", "llama-bf16", "gguf/mixed.gguf", "gpt2-tied", "gpt2-f16", "bloom-six", "bloom-bf16"} {
		c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, model))
		before := crashtest.Logits(be, full)
		for _, steps := range []int{0, 1} {
			dir, m := crashtest.Export(t, c, full, "1* 0 1")
			ckpt, _ := crashtest.OpenModel(t, dir)
			e, _, err := emulate.Open(ckpt, be)
			if err != nil {
				t.Fatal(err)
			}
			trained := tensor.Must(nn.Trainable(be, e.Params()))
			if steps > 0 {
				values := trained.Values.Floats()
				for i := range values {
					values[i] += 1e-2 * float64(1+i%5)
				}
				trained.Values.SetFloats(values)
			}
			trained.Freeze()
			sent := filepath.Join(t.TempDir(), "adapter")
			if err := exchange.SaveAdapter(sent, exchange.Manifest{Plan: e.Plan, Base: m.Base}, e.Params()); err != nil {
				t.Fatal(err)
			}
			a, err := exchange.OpenAdapter(sent)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			d, _, err := a.Plugged(full)
			if err != nil {
				t.Fatal(err)
			}
			switch got := crashtest.Logits(be, d); {
			case steps == 0 && c.GGUF == nil:
				crashtest.Same(t, model+": zero steps", got, before)
			case steps == 1 && slices.Equal(got, before):
				t.Errorf("%s: a trained adapter changes nothing", model)
			}
			crashtest.Same(t, model+": the owner's model", crashtest.Logits(be, full), before)
			plugged(t, c, full, a, steps)
		}
	}
}

// plugged writes the model with the adapter in it: only the adapter's tensors
// differ, rounded to the type of what they replace.
func plugged(t *testing.T, c *transformer.Checkpoint, full *transformer.Decoder, a *exchange.Adapter, steps int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "plugged")
	if _, err := exchange.ExportPlugged(c, full, a, out, exchange.PlugOptions{}); err != nil {
		t.Fatal(err)
	}
	p, _ := crashtest.OpenModel(t, out)
	if !slices.Equal(p.Names(), c.Names()) {
		t.Errorf("%s: names %v, want %v", c.Path, p.Names(), c.Names())
	}
	changed := 0
	for _, name := range c.Names() {
		was, _ := c.Entry(name)
		is, _ := p.Entry(name)
		old, err := c.Data(name)
		if err != nil {
			t.Fatal(err)
		}
		now, err := p.Data(name)
		if err != nil {
			t.Fatal(err)
		}
		want := was.DType
		if want.IsBlock() {
			wide := make([]float32, was.Elems())
			tensor.DecodeF32(wide, old, want)
			want, old = tensor.F32, tensor.Bytes(wide)
		}
		if is.DType != want {
			t.Errorf("%s: %s is %v, want %v", c.Path, name, is.DType, want)
		}
		if bytes.Equal(old, now) {
			continue
		}
		if changed++; !slices.Contains(a.Manifest.Tensors, name) {
			t.Errorf("%s: %s changed and is not the adapter's", c.Path, name)
		}
	}
	if steps == 0 && changed > 0 || steps > 0 && changed == 0 {
		t.Errorf("%s: %d steps changed %d tensors", c.Path, steps, changed)
	}
	if _, err := os.Stat(filepath.Join(out, "lamina.json")); err == nil {
		t.Errorf("%s: the plugged model calls itself an emulator", c.Path)
	}
}

// TestWholeAdapterReplacesTheHeadsSecondName: some tied checkpoints store the
// embedding again as the head; both follow the adapter.
func TestWholeAdapterReplacesTheHeadsSecondName(t *testing.T) {
	be := ref.New()
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-prenorm"))
	if _, ok := c.Entry("lm_head.weight"); !ok || !c.Config.Tied {
		t.Fatal("the checkpoint has no second name: the test wants one")
	}
	trained := full.Clone()
	base := transformer.Fingerprint(trained.Params())
	values := tensor.Must(nn.Trainable(be, trained.Params())).Values
	kernels.AddScaled(be, values, values, 0.25)
	sent := filepath.Join(t.TempDir(), "adapter")
	if err := exchange.SaveAdapter(sent, exchange.Manifest{Whole: true, Base: base}, trained.Params()); err != nil {
		t.Fatal(err)
	}
	a, err := exchange.OpenAdapter(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	out := filepath.Join(t.TempDir(), "plugged")
	if _, err := exchange.ExportPlugged(c, full, a, out, exchange.PlugOptions{}); err != nil {
		t.Fatal(err)
	}
	p, d := crashtest.OpenModel(t, out)
	crashtest.Same(t, "plugged", crashtest.Logits(be, d), crashtest.Logits(be, trained))
	head, err := p.Data("lm_head.weight")
	if err != nil {
		t.Fatal(err)
	}
	if embed, err := p.Data(full.Head.Name); err != nil || !bytes.Equal(head, embed) {
		t.Errorf("head and %s differ in the plugged model (%v)", full.Head.Name, err)
	}
}
