package emulate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/internal/files"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

func named(params nn.Params) (names []string) {
	for w := range params {
		names = append(names, fmt.Sprint(w.Name, w.Value.Shape()))
	}
	return names
}

func linears(d *transformer.Decoder) (names []string) {
	for name := range d.Linears() {
		names = append(names, name)
	}
	return names
}

// TestExportedEmulatorIsTheEmulator: the same logits bit by bit, repeated places
// one object, names of the full model, the same number of held weights.
func TestExportedEmulatorIsTheEmulator(t *testing.T) {
	be := ref.New()
	for _, model := range []string{"opt-prenorm", "opt-350m-like", "opt-f16", "llama-gqa-tied", "llama-bf16", "gguf/mixed.gguf",
		"gpt2-tied", "gpt2-unscaled", "gpt2-f16", "bloom-tied", "bloom-six", "bloom-bf16"} {
		c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, model))
		last := c.Config.Layers - 1
		for _, text := range []string{fmt.Sprint("1 1 0 0* 1 ", last), fmt.Sprintf("%d* 0 %d 0", last, last)} {
			dir, m := crashtest.Export(t, c, full, text)
			own, err := emulate.New(full, crashtest.Plan(t, text))
			if err != nil {
				t.Fatal(err)
			}
			ckpt, plain := crashtest.OpenModel(t, dir)
			e, back, err := emulate.Open(ckpt, be)
			if err != nil {
				t.Fatal(err)
			}
			what := model + ": " + text
			if back.Plan.String() != text || fmt.Sprint(back) != fmt.Sprint(m) || !emulate.IsEmulator(dir) || emulate.IsEmulator(crashtest.Models) {
				t.Errorf("%s: manifest %+v, written %+v", what, back, m)
			}
			if c.GGUF == nil { // which F32 copies of quantised weights do not give
				crashtest.Same(t, what, crashtest.Logits(be, e.Decoder), crashtest.Logits(be, own.Decoder))
			}
			crashtest.Same(t, what+": as a plain model", crashtest.Logits(be, e.Decoder), crashtest.Logits(be, plain))
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
			if a, b := linears(e.Decoder), linears(own.Decoder); !slices.Equal(a, b) || len(a) == 0 {
				t.Errorf("%s: linear layers %v, want %v", what, a, b)
			}
			crashtest.Same(t, what+": trainable weights", crashtest.Bits(e.Params()), crashtest.Bits(own.Params()))
		}
	}
}

// TestExportKeepsStorage: a place's tensors are the bytes of its layer.
func TestExportKeepsStorage(t *testing.T) {
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "llama-bf16"))
	dir, m := crashtest.Export(t, c, full, "1* 0 0")
	ckpt, _ := crashtest.OpenModel(t, dir)
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
	_, less := crashtest.Export(t, c, full, "1*")
	if want := 1 - float64(c.Config.BlockParams())/float64(c.Config.Params()); less.ExactShare != want {
		t.Errorf("one of two layers gives away %v of the model, want %v", less.ExactShare, want)
	}
}

func TestBadEmulators(t *testing.T) {
	be := ref.New()
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-prenorm"))
	good, _ := crashtest.Export(t, c, full, "0* 1 2")
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
		if err := files.Seal(dir); err != nil { // whoever changed it made the manifest fit
			t.Fatal(err)
		}
		ckpt, err := transformer.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		if _, _, err := emulate.Open(ckpt, be); err == nil {
			t.Errorf("%s: accepted", what)
		} else if text := err.Error(); !strings.Contains(text, dir) || !strings.Contains(text, spoil.want) || strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%s: %q does not name %q", what, text, spoil.want)
		}
	}
	if _, err := emulate.Export(c, full, crashtest.Plan(t, "0* 7"), filepath.Join(t.TempDir(), "x"), emulate.Options{}); err == nil || !strings.Contains(err.Error(), "layer 7") {
		t.Errorf("a plan beyond the model: %v", err)
	}
}

func TestEmulatorPlans(t *testing.T) {
	full := crashtest.Small(ref.New(), "llama") // six layers
	for text, want := range map[string]string{
		"6": "layer 6 out of range", "0* 0*": "star", "": "no places",
	} {
		p, err := plan.Parse(text)
		if err == nil {
			_, err = emulate.New(full, p)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, held := range map[string]int{ // blocks
		"0 1 2 3 4 5": 6, "0* 1 2 2 5*": 4, "3* 3 3": 2, "2 2 2 2": 1, "5* 0*": 2,
	} {
		e, err := emulate.New(full, crashtest.Plan(t, text))
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
	e, err := emulate.New(full, crashtest.Plan(t, "5* 0*"))
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
	c, err := transformer.Open(crashtest.Models + "/opt-prenorm")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	full, _ := c.Decoder(ref.New())
	plan, _ := plan.Parse("0* 2 2")
	root, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(root)
	m, err := emulate.Export(c, full, plan, filepath.Join(root, "emulator"), emulate.Options{})
	fmt.Println(m.Plan, m.Layers, err)
	fmt.Printf("%.2f of the weights stand there as they are\n", m.ExactShare)

	sent, _ := transformer.Open(filepath.Join(root, "emulator"))
	defer sent.Close()
	e, _, err := emulate.Open(sent, ref.New())
	fmt.Println(len(e.Decoder.Blocks), e.Decoder.Blocks[1] == e.Decoder.Blocks[2], err)
	// Output:
	// 0* 2 2 3 <nil>
	// 0.72 of the weights stand there as they are
	// 3 true <nil>
}
