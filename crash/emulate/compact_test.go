package emulate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/internal/files"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// export writes an emulator and opens it.
func export(t *testing.T, c *transformer.Checkpoint, full *transformer.Decoder, text string, opt emulate.Options) (string, *transformer.Checkpoint, *emulate.Emulator) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "emulator")
	if _, err := emulate.Export(c, full, crashtest.Plan(t, text), dir, opt); err != nil {
		t.Fatal(err)
	}
	ckpt, _ := crashtest.OpenModel(t, dir)
	e, _, err := emulate.Open(ckpt, ref.New())
	if err != nil {
		t.Fatal(err)
	}
	return dir, ckpt, e
}

func weights(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestCompactEmulatorIsTheEmulator: the same bits in fewer bytes, blocks of a quantised
// model as they are, and no other program takes it for what it is not.
func TestCompactEmulatorIsTheEmulator(t *testing.T) {
	be := ref.New()
	for _, model := range []string{"opt-prenorm", "llama-bf16", "gguf/mixed.gguf", "gpt2-f16", "bloom-six"} {
		c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, model))
		const text = "1 1 0 0* 1 1"
		own, err := emulate.New(full, crashtest.Plan(t, text))
		if err != nil {
			t.Fatal(err)
		}
		plain, _, _ := export(t, c, full, text, emulate.Options{})
		dir, ckpt, e := export(t, c, full, text, emulate.Options{Compact: true})
		once, _, _ := export(t, c, full, "0* 1", emulate.Options{Compact: true})
		crashtest.Same(t, model, crashtest.Logits(be, e.Decoder), crashtest.Logits(be, own.Decoder))
		if a, b := e.HeldParams(), own.HeldParams(); a != b {
			t.Errorf("%s: %d weights held, want %d", model, a, b)
		}
		const names = 64 // bytes by which the headers may differ
		if a, b := weights(t, dir), weights(t, once); a > b+names {
			t.Errorf("%s: %d bytes for six places, %d for the two layers", model, a, b)
		}
		if a, b := weights(t, dir), weights(t, plain); a >= b {
			t.Errorf("%s: %d bytes compact, %d as copies", model, a, b)
		}
		for name, n := range c.Stored() { // every type is still there
			if ckpt.Stored()[name] == 0 {
				t.Errorf("%s: nothing is %s any more, of %d weights", model, name, n)
			}
		}
		text0, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil || !strings.Contains(string(text0), `"model_type": "lamina_compact"`) {
			t.Errorf("%s: config.json is another program's: %v", model, err)
		}
		if got, want := ckpt.Config.Raw["model_type"], c.Config.Raw["model_type"]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: opened as %v, want %v", model, got, want)
		}
		// What lamina reads it can write for others again.
		whole := filepath.Join(t.TempDir(), "whole")
		if err := ckpt.WriteDir(whole, ckpt.Whole()); err != nil {
			t.Fatal(err)
		}
		_, again := crashtest.OpenModel(t, whole)
		crashtest.Same(t, model+": converted", crashtest.Logits(be, again), crashtest.Logits(be, e.Decoder))
	}
}

// TestTypeOfAnEmulator: starred blocks keep their values, so that the adapter fits;
// all else is rounded.
func TestTypeOfAnEmulator(t *testing.T) {
	for _, model := range []string{"opt-prenorm", "gguf/mixed.gguf", "llama-bf16"} {
		c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, model))
		for _, opt := range []emulate.Options{{DType: tensor.F16}, {DType: tensor.BF16}, {DType: tensor.F32}, {DType: tensor.F16, Compact: true}, {DType: tensor.BF16, Compact: true}} {
			const text = "0* 1 0 1"
			_, ckpt, e := export(t, c, full, text, opt)
			own, err := emulate.New(full, crashtest.Plan(t, text))
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprint(model, opt)
			crashtest.Same(t, what+": trained weights", crashtest.Bits(e.Params()), crashtest.Bits(own.Params()))
			for _, name := range ckpt.Names() {
				layer, _, inLayer := ckpt.Config.SplitLayerName(name)
				if got, _ := ckpt.Entry(name); (!inLayer || layer > 0) && got.DType != opt.DType {
					t.Errorf("%s: %s is %s", what, name, got.DType)
				}
			}
		}
	}
}

// TestBadCompactDirectories: what a compact directory says of its layers and blocks is
// checked like all else in a file.
func TestBadCompactDirectories(t *testing.T) {
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "gguf/mixed.gguf"))
	good, _, _ := export(t, c, full, "0* 1 1", emulate.Options{Compact: true})
	block := "model.layers.0.mlp.down_proj.weight"
	for what, spoil := range map[string]func(k map[string]any) string{
		"too few places":         func(k map[string]any) string { k["places"] = []int{0, 1}; return "places" },
		"a place of none":        func(k map[string]any) string { k["places"] = []int{0, 1, 7}; return "layer 2" },
		"a place of a copy":      func(k map[string]any) string { k["places"] = []int{0, 0, 1}; return "layer 2" },
		"a negative place":       func(k map[string]any) string { k["places"] = []int{0, 1, -1}; return "layer 2" },
		"a family that is none":  func(k map[string]any) string { k["model_type"] = "x"; return `"x"` },
		"itself":                 func(k map[string]any) string { k["model_type"] = "lamina_compact"; return "lamina_compact" },
		"places in another case": func(k map[string]any) string { k["Places"] = []int{0, 1, 1}; return "spelled" },
		"a type that is none": func(k map[string]any) string {
			k["blocks"].(map[string]any)[block] = map[string]any{"dtype": "Q9", "shape": []int{1}}
			return block
		},
		"a type without blocks": func(k map[string]any) string {
			k["blocks"].(map[string]any)[block] = map[string]any{"dtype": "F32", "shape": []int{1}}
			return block
		},
		"another shape": func(k map[string]any) string {
			k["blocks"].(map[string]any)[block] = map[string]any{"dtype": "Q4_0", "shape": []int{1 << 40, 1 << 40}}
			return block
		},
		"no shape": func(k map[string]any) string {
			k["blocks"].(map[string]any)[block] = map[string]any{"dtype": "Q4_0"}
			return block
		},
		"blocks that are floats": func(k map[string]any) string { delete(k["blocks"].(map[string]any), block); return block },
	} {
		dir := filepath.Join(t.TempDir(), "emulator")
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		var raw map[string]any
		data, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &raw); err != nil {
			t.Fatal(err)
		}
		want := spoil(raw["lamina_compact"].(map[string]any))
		if err := files.WriteJSON(filepath.Join(dir, "config.json"), raw); err != nil {
			t.Fatal(err)
		}
		if c, err := transformer.Open(dir); err == nil {
			c.Close()
			t.Errorf("%s: accepted", what)
		} else if text := err.Error(); !strings.Contains(text, dir) || !strings.Contains(text, want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q does not name %q", what, text, want)
		}
	}
}
