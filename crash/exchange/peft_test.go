package exchange_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/internal/philox"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// beside is an adapter of a kind for a model, trained as by a whole run, and the logits that
// it had where it was trained.
func beside(t *testing.T, full *transformer.Decoder, c peft.Config, plan string) (dir string, logits []uint32) {
	t.Helper()
	be := ref.New()
	e := emulate.Whole(full.Clone())
	m := exchange.Manifest{Whole: plan == ""}
	if plan != "" {
		var err error
		m.Plan = crashtest.Plan(t, plan)
		if e, err = emulate.New(full.Clone(), m.Plan); err != nil {
			t.Fatal(err)
		}
	}
	m.Base = transformer.Fingerprint(e.Params())
	a, err := peft.Attach(nn.Init{Device: be, Seed: 1}, e.Decoder, e.Trained(), c)
	if err != nil {
		t.Fatal(err)
	}
	rng := philox.New(3, 1).Sequence()
	for w := range a.Params() {
		values := w.Value.Float32s()
		for i := range values {
			values[i] += float32(rng.Intn(200)-100) / 2e3
		}
		w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F32, values, w.Value.Shape()...))
	}
	form, err := exchange.FormNamed(c.Kind)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "sent")
	if err := exchange.Save(dir, form, m, exchange.Returned{Attached: a}); err != nil {
		t.Fatal(err)
	}
	return dir, crashtest.Logits(be, e.Decoder)
}

func openPEFT(t *testing.T, dir string) *exchange.Adapter {
	t.Helper()
	a, err := exchange.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// kinds are configurations of all kinds, for a model of rows of 32.
var kinds = []peft.Config{
	{Kind: "lora", Rank: 2, Alpha: 4}, {Kind: "adapter", Width: 4}, {Kind: "bitfit"}, {Kind: "ia3"},
}

// TestQuantisedBaseIsQuantisedNoFurther: whatever was trained beside blocks of a GGUF file,
// in the plugged model the matrices that it changes are F16 or Q8_0, nearest to the sum in
// F32; all other tensors have the file's bytes; the directory says so. Where every tensor is
// written as F32, so is the sum.
func TestQuantisedBaseIsQuantisedNoFurther(t *testing.T) {
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "gguf", "mixed.gguf"))
	for _, config := range kinds {
		if config.Kind == "adapter" {
			continue // is not merged
		}
		sent, _ := beside(t, full, config, "0* 1")
		dir := t.TempDir()
		wide := filepath.Join(dir, "wide")
		if _, err := exchange.ExportPlugged(c, full, openPEFT(t, sent), wide, exchange.PlugOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		sum, _ := crashtest.OpenModel(t, wide)
		for _, as := range []tensor.DType{tensor.F16, tensor.Q8_0} {
			out := filepath.Join(dir, as.String())
			a := openPEFT(t, sent)
			if _, err := exchange.ExportPlugged(c, full, a, out, exchange.PlugOptions{Compact: as, Force: true}); err != nil {
				t.Fatal(err)
			}
			if said := noteOf(t, out); said.Stored != as.String() || !said.Blocks || said != a.Applied() {
				t.Errorf("%s, %s: the directory says %+v", config.Kind, as, said)
			}
			p, _ := crashtest.OpenModel(t, out)
			changed := 0
			for _, name := range c.Names() {
				was, _ := c.Entry(name)
				is, _ := p.Entry(name)
				data := tensor.Must(p.Data(name))
				if bytes.Equal(data, tensor.Must(c.Data(name))) && is.DType == was.DType {
					continue
				}
				changed++
				want := was.DType
				if want.IsBlock() {
					want = as
				}
				e, _ := sum.Entry(name)
				values := make([]float32, e.Elems())
				tensor.DecodeF32(values, tensor.Must(sum.Data(name)), e.DType)
				raw, err := tensor.EncodeRows(values, e.Shape[len(e.Shape)-1], want)
				if err != nil || is.DType != want || !slices.Equal(is.Shape, was.Shape) || !bytes.Equal(data, raw) {
					t.Errorf("%s: %s is %s%v and not what is nearest to the sum in %s: %v", config.Kind, name, is.DType, is.Shape, want, err)
				}
				if layer, _, _ := c.Config.SplitLayerName(name); layer != 0 {
					t.Errorf("%s: %s changed", config.Kind, name)
				}
			}
			if changed == 0 {
				t.Errorf("%s: nothing changed", config.Kind)
			}
		}
		if said := noteOf(t, wide); said.Stored != "F32" || said.Blocks {
			t.Errorf("%s: the directory of F32 says %+v", config.Kind, said)
		}
	}
	plain, decoder := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "llama-gqa-tied"))
	sent, _ := beside(t, decoder, kinds[0], "")
	if _, err := exchange.ExportPlugged(plain, decoder, openPEFT(t, sent), filepath.Join(t.TempDir(), "out"), exchange.PlugOptions{Compact: tensor.F16, Force: true}); err == nil || !strings.Contains(err.Error(), "is not quantised") {
		t.Errorf("a base without blocks: %v", err)
	}
}

// TestTooLargeForTheType: a sum that F16 would make infinite is an error that names the
// tensor, and nothing is written.
func TestTooLargeForTheType(t *testing.T) {
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "gguf", "mixed.gguf"))
	sent, _ := beside(t, full, peft.Config{Kind: "lora", Rank: 2, Alpha: 1e9}, "0* 1")
	out := filepath.Join(t.TempDir(), "out")
	_, err := exchange.ExportPlugged(c, full, openPEFT(t, sent), out, exchange.PlugOptions{Compact: tensor.F16, Force: true})
	if _, there := os.Stat(out); err == nil || !strings.Contains(err.Error(), "tensor \"model.layers.0.") || !strings.Contains(err.Error(), "as F16") || there == nil {
		t.Errorf("%v, written: %v", err, there == nil)
	}
}

func noteOf(t *testing.T, dir string) exchange.Applied {
	t.Helper()
	var mark struct{ Note exchange.Applied }
	data, err := os.ReadFile(filepath.Join(dir, ".lamina.json"))
	if err == nil {
		err = json.Unmarshal(data, &mark)
	}
	if err != nil {
		t.Fatal(err)
	}
	return mark.Note
}

// TestKept: what was trained is kept as an adapter, the model as it is; with it the model has
// the logits of the one that was trained, and what is kept is kept again to the byte. Of what
// takes the place of weights, or was corrected, nothing is kept.
func TestKept(t *testing.T) {
	be := ref.New()
	for _, name := range []string{"llama-gqa-tied", "opt-prenorm", "gpt2-tied", "bloom-six", "gguf/mixed.gguf"} {
		_, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, name))
		before := transformer.Fingerprint(full.Params())
		for _, config := range kinds {
			sent, want := beside(t, full, config, "")
			kept, again := filepath.Join(t.TempDir(), "kept"), filepath.Join(t.TempDir(), "again")
			ready := 0
			if _, err := exchange.Keep(full, openPEFT(t, sent), kept, exchange.PlugOptions{Force: true, Ready: func() { ready++ }}); err != nil {
				t.Fatalf("%s, %s: %v", name, config.Kind, err)
			}
			if _, err := exchange.Keep(full, openPEFT(t, kept), again, exchange.PlugOptions{Force: true}); err != nil {
				t.Fatal(err)
			}
			if files, more := treeOf(t, kept), treeOf(t, again); ready != 1 || !maps.Equal(files, more) || !maps.Equal(files, treeOf(t, sent)) {
				t.Errorf("%s, %s: kept again it has other bytes: %v, %v", name, config.Kind, files, more)
			}
			d, _, err := openPEFT(t, kept).Plugged(full)
			if err != nil {
				t.Fatal(err)
			}
			if by := crashtest.Logits(be, d); !(relativelyApart(by, want) <= 2e-5) {
				t.Errorf("%s, %s: logits are %.2g apart", name, config.Kind, relativelyApart(by, want))
			}
		}
		if transformer.Fingerprint(full.Params()) != before {
			t.Errorf("%s: the model changed", name)
		}
	}
	_, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "llama-gqa-tied"))
	weights := filepath.Join(t.TempDir(), "weights")
	if err := exchange.SaveAdapter(weights, exchange.Manifest{Whole: true, Base: transformer.Fingerprint(full.Params())}, full.Params()); err != nil {
		t.Fatal(err)
	}
	sent, _ := beside(t, full, kinds[0], "")
	corrected := openPEFT(t, sent)
	half := 0.5
	if err := corrected.Correct(exchange.Corrections{Alpha: &half}, full.Config); err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]*exchange.Adapter{"leave --keep out": openPEFT(t, weights), "α 0.5 changes the weights": corrected} {
		out := filepath.Join(t.TempDir(), "out")
		_, err := exchange.Keep(full, a, out, exchange.PlugOptions{})
		if _, there := os.Stat(out); err == nil || !strings.Contains(err.Error(), want) || there == nil {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// relativelyApart returns the largest difference of two lists of F32 bits, in units of the
// largest number.
func relativelyApart(got, want []uint32) (most float64) {
	value := func(bits uint32) float64 { return float64(math.Float32frombits(bits)) }
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(value(v)))
	}
	for i, v := range want {
		most = max(most, math.Abs(value(got[i])-value(v))/scale)
	}
	return most
}

func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all[e.Name()] = string(tensor.Must(os.ReadFile(filepath.Join(dir, e.Name()))))
	}
	return all
}

// TestDirectoryOfPeft: one that the library wrote is an adapter for all layers, of which it
// is said that nothing tells the weights it is for; kept, it is tied to those of the model.
// Where somebody sent it, or a receipt of the model lies by, it is none.
func TestDirectoryOfPeft(t *testing.T) {
	const theirs = "../../transformer/peft/testdata/"
	_, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "llama-gqa-tied"))
	for _, name := range []string{"lora-llama", "ia3-llama"} {
		a := openPEFT(t, theirs+name)
		if doubts := a.Doubts(); len(doubts) != 1 || !strings.Contains(doubts[0], "peft does not write which weights") {
			t.Errorf("%s: %q", name, doubts)
		}
		kept := filepath.Join(t.TempDir(), "kept")
		if _, err := exchange.Keep(full, a, kept, exchange.PlugOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		again := openPEFT(t, kept)
		if again.Manifest.Base != transformer.Fingerprint(full.Params()) || len(again.Doubts()) > 0 {
			t.Errorf("%s: kept, it says %+v and %q", name, again.Manifest.Base, again.Doubts())
		}
		be := ref.New()
		one, _, err := openPEFT(t, theirs+name).Plugged(full)
		if err != nil {
			t.Fatal(err)
		}
		two, _, err := again.Plugged(full)
		if err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, name, crashtest.Logits(be, one), crashtest.Logits(be, two))
		if _, err := exchange.OpenAdapter(theirs + name); err == nil {
			t.Errorf("%s: taken for what somebody sent", name)
		}
		_, other := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-prenorm"))
		if _, _, err := openPEFT(t, theirs+name).Plugged(other); err == nil || !strings.Contains(err.Error(), "does not fit") && !strings.Contains(err.Error(), "trains nothing") {
			t.Errorf("%s in another model: %v", name, err)
		}
	}
}
