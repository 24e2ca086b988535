package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

const tiny = "../transformer/testdata"

func openModel(t testing.TB, path string) (*transformer.Checkpoint, *transformer.Decoder) {
	t.Helper()
	c, err := transformer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Decoder(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

func export(t testing.TB, c *transformer.Checkpoint, full *transformer.Decoder, text string) (string, crash.Manifest) {
	t.Helper()
	p, err := crash.ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "emulator")
	m, err := crash.Export(c, full, p, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

// TestExportedEmulatorIsTheEmulator: the same logits bit by bit, repeated places
// one object, names of the full model, the same number of held weights.
func TestExportedEmulatorIsTheEmulator(t *testing.T) {
	be := ref.New()
	for _, model := range []string{"opt-prenorm", "opt-350m-like", "opt-f16", "llama-gqa-tied", "llama-bf16", "gguf/mixed.gguf",
		"gpt2-tied", "gpt2-unscaled", "gpt2-f16", "bloom-tied", "bloom-six", "bloom-bf16"} {
		c, full := openModel(t, filepath.Join(tiny, model))
		last := c.Config.Layers - 1
		for _, text := range []string{fmt.Sprint("1 1 0 0* 1 ", last), fmt.Sprintf("%d* 0 %d 0", last, last)} {
			dir, m := export(t, c, full, text)
			own, err := crash.NewEmulator(full, plan(t, text))
			if err != nil {
				t.Fatal(err)
			}
			ckpt, plain := openModel(t, dir)
			e, back, err := crash.OpenEmulator(ckpt, be)
			if err != nil {
				t.Fatal(err)
			}
			what := model + ": " + text
			if back.Plan.String() != text || fmt.Sprint(back) != fmt.Sprint(m) || !crash.IsEmulator(dir) || crash.IsEmulator(tiny) {
				t.Errorf("%s: manifest %+v, written %+v", what, back, m)
			}
			if c.GGUF == nil { // which F32 copies of quantised weights do not give
				same(t, what, logits(be, e.Decoder), logits(be, own.Decoder))
			}
			same(t, what+": as a plain model", logits(be, e.Decoder), logits(be, plain))
			for i, a := range e.Plan {
				for j, b := range e.Plan[:i] {
					if one := e.Decoder.Blocks[i] == e.Decoder.Blocks[j]; one != (a == b) {
						t.Errorf("%s: places %d and %d are one object: %t", what, j, i, one)
					}
				}
			}
			if own.HeldParams() != e.HeldParams() || m.HeldParams != e.HeldParams() {
				t.Errorf("%s: %d weights held, the emulator in memory has %d, the manifest says %d", what, e.HeldParams(), own.HeldParams(), m.HeldParams)
			}
			if a, b := named(e.Params()), named(own.Params()); !slices.Equal(a, b) || len(a) == 0 {
				t.Errorf("%s: parameters %v, want %v", what, a, b)
			}
			same(t, what+": trainable weights", bits(e.Params()), bits(own.Params()))
		}
	}
}

func named(params nn.Params) (names []string) {
	for w := range params {
		names = append(names, fmt.Sprint(w.Name, w.Value.Shape()))
	}
	return names
}

// TestExportKeepsStorage: a place's tensors are the bytes of its layer.
func TestExportKeepsStorage(t *testing.T) {
	c, full := openModel(t, filepath.Join(tiny, "llama-bf16"))
	dir, m := export(t, c, full, "1* 0 0")
	ckpt, _ := openModel(t, dir)
	for place, layer := range []int{1, 0, 0} {
		for _, part := range []string{"self_attn.k_proj.weight", "input_layernorm.weight"} {
			got, err := ckpt.Data(fmt.Sprintf("model.layers.%d.%s", place, part))
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.Data(fmt.Sprintf("model.layers.%d.%s", layer, part))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("place %d: %s is not layer %d's (%v)", place, part, layer, err)
			}
		}
	}
	if m.ExactShare != 1 || m.Layers != 2 || m.ModelParams != c.Config.Params() || ckpt.Config.Layers != 3 {
		t.Errorf("%+v, %d layers in its configuration", m, ckpt.Config.Layers)
	}
	_, less := export(t, c, full, "1*")
	if want := 1 - float64(c.Config.BlockParams())/float64(c.Config.Params()); less.ExactShare != want {
		t.Errorf("one of two layers gives away %v of the model, want %v", less.ExactShare, want)
	}
}

// TestEmulatorToPluggedModel is the whole exchange on disk: the owner exports,
// the data owner trains what he opened and sends an adapter, the owner plugs it in.
func TestEmulatorToPluggedModel(t *testing.T) {
	be := ref.New()
	for _, model := range []string{"opt-prenorm", "llama-gqa-tied", "llama-bf16", "gguf/mixed.gguf", "gpt2-tied", "gpt2-f16", "bloom-six", "bloom-bf16"} {
		c, full := openModel(t, filepath.Join(tiny, model))
		before := logits(be, full)
		for _, steps := range []int{0, 1} {
			dir, m := export(t, c, full, "1* 0 1")
			ckpt, _ := openModel(t, dir)
			e, _, err := crash.OpenEmulator(ckpt, be)
			if err != nil {
				t.Fatal(err)
			}
			trained := nn.Train(be, e.Params())
			if steps > 0 {
				values := trained.Values.Floats()
				for i := range values {
					values[i] += 1e-2 * float64(1+i%5)
				}
				trained.Values.SetFloats(values)
			}
			trained.Freeze()
			sent := filepath.Join(t.TempDir(), "adapter")
			if err := crash.SaveAdapter(sent, crash.AdapterManifest{Plan: e.Plan, Base: m.Base}, e.Params()); err != nil {
				t.Fatal(err)
			}
			a, err := crash.OpenAdapter(sent)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			d, _, err := a.Plugged(full)
			if err != nil {
				t.Fatal(err)
			}
			switch got := logits(be, d); {
			case steps == 0 && c.GGUF == nil:
				same(t, model+": zero steps", got, before)
			case steps == 1 && slices.Equal(got, before):
				t.Errorf("%s: a trained adapter changes nothing", model)
			}
			same(t, model+": the owner's model", logits(be, full), before)
			plugged(t, c, full, a, steps)
		}
	}
}

// plugged writes the model with the adapter in it: only the adapter's tensors
// differ, rounded to the type of what they replace.
func plugged(t *testing.T, c *transformer.Checkpoint, full *transformer.Decoder, a *crash.Adapter, steps int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "plugged")
	if err := crash.ExportPlugged(c, full, a, tensor.Invalid, out, false); err != nil {
		t.Fatal(err)
	}
	p, _ := openModel(t, out)
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

func TestBadEmulators(t *testing.T) {
	be := ref.New()
	c, full := openModel(t, filepath.Join(tiny, "opt-prenorm"))
	good, _ := export(t, c, full, "0* 1 2")
	for what, spoil := range map[string]struct {
		key  string
		to   any
		want string
	}{
		"kind":          {"kind", "adapter", "adapter"},
		"format":        {"format", 9, "format 9"},
		"short plan":    {"plan", "0* 1", "2 places"},
		"bad plan":      {"plan", "0* 1 x", `"x"`},
		"layer":         {"plan", "0* 1 3", "layer 3"},
		"other plan":    {"plan", "0 1 2*", "trainable weights"},
		"other base":    {"base", "\x1b[1m", "trainable weights"},
		"unknown field": {"secret", 1, "secret"},
		"no layers":     {"layers", 0, "layer"},
	} {
		dir := filepath.Join(t.TempDir(), "emulator")
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "lamina.json")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		m[spoil.key] = spoil.to
		if data, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		ckpt, err := transformer.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		if _, _, err := crash.OpenEmulator(ckpt, be); err == nil {
			t.Errorf("%s: accepted", what)
		} else if text := err.Error(); !strings.Contains(text, dir) || !strings.Contains(text, spoil.want) || strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%s: %q does not name %q", what, text, spoil.want)
		}
	}
	if _, err := crash.Export(c, full, plan(t, "0* 7"), filepath.Join(t.TempDir(), "x"), false); err == nil || !strings.Contains(err.Error(), "layer 7") {
		t.Errorf("a plan beyond the model: %v", err)
	}
}

func TestEmulatorPlans(t *testing.T) {
	full := small(ref.New(), "llama") // six layers
	for text, want := range map[string]string{
		"6": "layer 6 out of range", "0* 0*": "star", "": "no places",
	} {
		p, err := crash.ParsePlan(text)
		if err == nil {
			_, err = crash.NewEmulator(full, p)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, held := range map[string]int{ // blocks
		"0 1 2 3 4 5": 6, "0* 1 2 2 5*": 4, "3* 3 3": 2, "2 2 2 2": 1, "5* 0*": 2,
	} {
		e, err := crash.NewEmulator(full, plan(t, text))
		if err != nil {
			t.Fatal(err)
		}
		c := full.Config
		if got, want := e.HeldParams(), c.Params()-(c.Layers-held)*c.BlockParams(); got != want || len(e.Decoder.Blocks) != len(e.Plan) {
			t.Errorf("%q: holds %d weights, want %d; %d blocks", text, got, want, len(e.Decoder.Blocks))
		}
		n := 0
		for range e.Params() {
			n++
		}
		if want := 9 * len(e.Plan.Trainable()); n != want {
			t.Errorf("%q: trains %d tensors, want %d", text, n, want)
		}
		if d := e.Plug(full); len(d.Blocks) != 6 || d == full {
			t.Errorf("%q: plugged into %d blocks", text, len(d.Blocks))
		}
	}
	e, err := crash.NewEmulator(full, plan(t, "5* 0*"))
	if err != nil {
		t.Fatal(err)
	}
	first := ""
	for w := range e.Params() {
		first = w.Name
		break
	}
	if !strings.HasPrefix(first, "model.layers.0.") {
		t.Errorf("parameters start with %s, want layer 0: they are in order of layers, not places", first)
	}
}

func ExampleExport() {
	c, err := transformer.Open(tiny + "/opt-prenorm")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	full, _ := c.Decoder(ref.New())
	plan, _ := crash.ParsePlan("0* 2 2")
	root, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(root)
	m, err := crash.Export(c, full, plan, filepath.Join(root, "emulator"), false)
	fmt.Println(m.Plan, m.Layers, err)
	fmt.Printf("%.2f of the weights stand there as they are\n", m.ExactShare)

	sent, _ := transformer.Open(filepath.Join(root, "emulator"))
	defer sent.Close()
	e, _, err := crash.OpenEmulator(sent, ref.New())
	fmt.Println(len(e.Decoder.Blocks), e.Decoder.Blocks[1] == e.Decoder.Blocks[2], err)
	// Output:
	// 0* 2 2 3 <nil>
	// 0.72 of the weights stand there as they are
	// 3 true <nil>
}

// TestWholeAdapterReplacesTheHeadsSecondName: some tied checkpoints store the
// embedding again as the head; both follow the adapter.
func TestWholeAdapterReplacesTheHeadsSecondName(t *testing.T) {
	be := ref.New()
	c, full := openModel(t, filepath.Join(tiny, "opt-prenorm"))
	if _, ok := c.Entry("lm_head.weight"); !ok || !c.Config.Tied {
		t.Fatal("the checkpoint has no second name: the test wants one")
	}
	trained := full.Clone()
	base := crash.Fingerprint(trained.Params())
	values := nn.Train(be, trained.Params()).Values
	kernels.AddScaled(be, values, values, 0.25)
	sent := filepath.Join(t.TempDir(), "adapter")
	if err := crash.SaveAdapter(sent, crash.AdapterManifest{Whole: true, Base: base}, trained.Params()); err != nil {
		t.Fatal(err)
	}
	a, err := crash.OpenAdapter(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	out := filepath.Join(t.TempDir(), "plugged")
	if err := crash.ExportPlugged(c, full, a, tensor.Invalid, out, false); err != nil {
		t.Fatal(err)
	}
	p, d := openModel(t, out)
	same(t, "plugged", logits(be, d), logits(be, trained))
	head, err := p.Data("lm_head.weight")
	if err != nil {
		t.Fatal(err)
	}
	if embed, err := p.Data(full.Head.Name); err != nil || !bytes.Equal(head, embed) {
		t.Errorf("head and %s differ in the plugged model (%v)", full.Head.Name, err)
	}
}
