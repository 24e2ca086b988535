package parcel_test

import (
	"context"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/parcel"
	"lamina/eval"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer/peft"
)

// formHouses is an exchange up to the point where training may begin. Where repaired, the
// owner trained T before he sent it.
func formHouses(t *testing.T, repaired bool) *houses {
	t.Helper()
	dir := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	copyDir(t, at("owner", "model"), filepath.Join(crashtest.Models, "opt-prenorm"))
	h := &houses{t: t, dir: dir, receipt: at("owner", "emulator.receipt.json"), emulator: at("to-trainer")}
	h.full = h.open(at("owner", "model"))
	plan := crashtest.Plan(t, "0* 1 1 2")
	if repaired {
		e, err := emulate.New(h.open(at("owner", "model")).Decoder, plan)
		must(t, err)
		move(t, e.Params(), 3e-3)
		must(t, ignore(h.full.HandOut(e, "none", at("owner", "emulator"), h.receipt, emulate.Options{Repaired: &emulate.Distilled{Train: "trained"}})))
	} else {
		must(t, ignore(h.full.Emulate(plan, "none", at("owner", "emulator"), h.receipt, emulate.Options{})))
	}
	must(t, ignore(parcel.PackEmulator(h.open(at("owner", "emulator")), h.emulator, parcel.PackOptions{Date: onDate, Version: "v0"})))
	p, err := parcel.Open(h.emulator, parcel.Trusting{})
	must(t, err)
	must(t, ignore(p.Unpack(ref.New(), at("trainer", "emulator"), parcel.UnpackOptions{})))
	return h
}

// move adds up to seven steps to each value, either way.
func move(t *testing.T, params nn.Params, step float32) {
	t.Helper()
	for w := range params {
		values := w.Value.Float32s()
		for i := range values {
			values[i] += step * float32(i%7-3)
		}
		var err error
		w.Value, err = tensor.FromFloat32s(ref.New(), tensor.F32, values, w.Value.Shape()...)
		must(t, err)
	}
}

// peftSettings are those that each kind is trained with.
var peftSettings = map[string]peft.Config{
	"lora": {Kind: "lora", Rank: 2, Alpha: 4}, "adapter": {Kind: "adapter", Width: 3}, "bitfit": {Kind: "bitfit"}, "ia3": {Kind: "ia3"},
}

// trainAs writes the run and the package of an adapter of a form.
func (h *houses) trainAs(t *testing.T, form exchange.Form) (run, pkg string) {
	t.Helper()
	emulator := filepath.Join(h.dir, "trainer", "emulator")
	m := h.open(emulator)
	r := exchange.Returned{}
	for w := range m.Emulator.Params() {
		r.Before = append(r.Before, w.Value)
	}
	r.After = m.Emulator.Params()
	if form.Kind == "" {
		move(t, r.After, 1e-3)
	} else {
		var err error
		r.Attached, err = peft.Attach(nn.Init{Device: ref.New(), Seed: 1}, m.Decoder, m.Emulator.Trained(), peftSettings[form.Kind])
		must(t, err)
		move(t, r.Attached.Params(), 1e-2)
	}
	run, pkg = filepath.Join(h.dir, "trainer", form.Name), filepath.Join(h.dir, form.Name+" to-owner")
	origin := exchange.Manifest{Plan: m.Manifest.Plan, Base: m.Manifest.Base, Origin: m.Emulator.Origin}
	must(t, exchange.Save(filepath.Join(run, "adapter"), form, origin, r))
	must(t, ignore(parcel.PackAdapter(run, h.open(emulator), pkg, parcel.PackOptions{Date: onDate, Version: "v0"})))
	return run, pkg
}

// pluggedIn is what is to come of a run at its owner's: the model that plug writes of it, or
// the adapter itself where it cannot be merged.
func (h *houses) pluggedIn(t *testing.T, run string) map[string]string {
	t.Helper()
	a, err := exchange.OpenAdapter(run)
	must(t, err)
	defer a.Close()
	if a.Form.Delta == nil {
		return contents(t, a.Path)
	}
	must(t, ignore(a.HoldAgainst(h.receipt, h.full.Path, h.full.Decoder)))
	out := filepath.Join(t.TempDir(), "reference")
	must(t, ignore(exchange.ExportPlugged(h.full.Checkpoint, h.full.Decoder, a, out, exchange.PlugOptions{})))
	return contents(t, out)
}

// TestEveryFormIsAccepted: of T as it was and as its owner repaired it, packed, looked at,
// scored before and after, and plugged in to the bit as without a package.
func TestEveryFormIsAccepted(t *testing.T) {
	for name, repaired := range map[string]bool{"T": false, "repaired T": true} {
		h := formHouses(t, repaired)
		row := filepath.Join(h.dir, "row.jsonl")
		must(t, os.WriteFile(row, []byte(`{"context_ids":[5,6,7],"target_ids":[8,9]}`+"\n"), 0o644))
		var before float64
		for _, form := range exchange.Forms {
			t.Run(name+"/"+form.Name, func(t *testing.T) {
				run, pkg := h.trainAs(t, form)
				r, err := parcel.Inspect(pkg, parcel.Trusting{})
				if text := r.Text(); err != nil || !strings.Contains(text, "adapter, "+form.Name+", of the emulator ") || !strings.Contains(text, "  layer 0 ‖Δ‖ ") {
					t.Errorf("%v: %s", err, text)
				}
				p, err := parcel.Open(pkg, parcel.Trusting{})
				must(t, err)
				out := filepath.Join(t.TempDir(), "out")
				done, err := p.PlugIn(context.Background(), h.full, out, parcel.PlugInOptions{Receipt: h.receipt, Gate: parcel.Gate{Valid: eval.Data{Path: row}}})
				must(t, err)
				if !maps.Equal(contents(t, out), h.pluggedIn(t, run)) {
					t.Error("other bytes than without a package")
				}
				far := 0.0
				for _, c := range done.Tensors {
					far += c.Delta
				}
				if len(done.Tensors) == 0 || !(far > 0) {
					t.Errorf("changes %v", done.Tensors)
				}
				loss := done.Scores.Loss
				if before == 0 {
					before = loss.Before
				}
				if loss.Before != before || loss.After == before {
					t.Errorf("loss %v before and %v after, the model's is %v", loss.Before, loss.After, before)
				}
				if done.Kept != (form.Delta == nil) {
					t.Errorf("kept: %v", done.Kept)
				}
				if warns := len(done.Warnings) > 0; warns != (repaired && form.Replaces) {
					t.Errorf("warnings %q", done.Warnings)
				}
				out += " again"
				_, err = p.PlugIn(context.Background(), h.full, out, parcel.PlugInOptions{Receipt: h.receipt})
				refused(t, "again", err, pkg, "was accepted before")
			})
		}
	}
}

// Of layer 0's fc1, what two kinds have.
const (
	lora = "base_model.model.model.decoder.layers.0.fc1.lora_"
	ia3  = "base_model.model.model.decoder.layers.0.fc2.ia3_l"
	down = "model.decoder.layers.0.fc2.adapter.down.weight"
)

// config edits the configuration of the library's files.
func config(from, to string) func(p *parcelled) {
	return func(p *parcelled) {
		p.replace(p.payload("adapter_config.json"), from, to)
		p.refit()
	}
}

// values edits the tensors of a file.
func values(file string, change func(v map[string]value)) func(p *parcelled) {
	return func(p *parcelled) { p.weights(file, change) }
}

// times multiplies all values of a file, and lets the manifest say how far that is.
func times(file string, by float32) func(p *parcelled) {
	return func(p *parcelled) {
		p.weights(file, func(v map[string]value) {
			for _, t := range v {
				for i := range t.values {
					t.values[i] *= by
				}
			}
		})
		p.stateChanges()
	}
}

// rename gives tensors another name.
func rename(file, from, to string) func(p *parcelled) {
	return values(file, func(v map[string]value) {
		for name, t := range maps.Clone(v) {
			if strings.Contains(name, from) {
				delete(v, name)
				v[strings.Replace(name, from, to, 1)] = t
			}
		}
	})
}

func inOne(name string, number float32) func(v map[string]value) {
	return func(v map[string]value) { v[name].values[1] = number }
}

// hostileForms are wrong for the model owner, by the form of what came.
var hostileForms = map[string][]hostile{
	"lora": {
		{"a tensor too many", values("adapter_model.safetensors", func(v map[string]value) { v["base_model.model.lm_head.lora_A.weight"] = value{[]int{1}, []float32{1}} }), `is for no weight that was to be trained`},
		{"a tensor of the layer that it does not change", values("adapter_model.safetensors", func(v map[string]value) {
			v["base_model.model.model.decoder.layers.0.fc3.lora_A.weight"] = value{[]int{1}, []float32{1}}
		}), `is for no weight that was to be trained`},
		{"a tensor less", values("adapter_model.safetensors", func(v map[string]value) { delete(v, lora+"B.weight") }), `fc1.lora_B.weight" is missing`},
		{"a renamed tensor", rename("adapter_model.safetensors", "fc1.lora_A.weight", "fc1.lora_C.weight"), `is for no weight that was to be trained`},
		{"a frozen layer's tensors", rename("adapter_model.safetensors", "layers.0.", "layers.1."), `is for no weight that was to be trained`},
		{"a tensor without the library's prefix", rename("adapter_model.safetensors", "base_model.model.model.decoder.layers.0.fc1.lora_A", "model.decoder.layers.0.fc1.lora_A"), `is for no weight that was to be trained`},
		{"factors of another rank", values("adapter_model.safetensors", func(v map[string]value) {
			a := v[lora+"A.weight"]
			v[lora+"A.weight"] = value{[]int{3, a.shape[1]}, append(a.values, make([]float32, a.shape[1])...)}
		}), `fc1.lora_A.weight" is F32[3 24], want F32[2 24]`},
		{"another rank", config(`"r": 2`, `"r": 3`), `lora_A.weight" is F32[2 24], want F32[3 24]`},
		{"no rank", config(`"r": 2`, `"r": 0`), `rank 0`},
		{"a rank that nothing has", config(`"r": 2`, `"r": 1099511627776`), `rank 1099511627776`},
		{"a rank that is no number", config(`"r": 2`, `"r": "2"`), `r is "2"`},
		{"a rank pattern of one layer", config(`"rank_pattern": {}`, `"rank_pattern": {"fc1": 5}`), `want F32[5 24]`},
		{"a large alpha", config(`"lora_alpha": 4`, `"lora_alpha": 40000`), `adapter: changes is`},
		{"a large alpha, and norms that say so", func(p *parcelled) { config(`"lora_alpha": 4`, `"lora_alpha": 40000`)(p); p.stateChanges() }, `is more than 1: more of that block is new`},
		{"an alpha that no sum holds", config(`"lora_alpha": 4`, `"lora_alpha": 3e38`), `payload`},
		{"an alpha beyond numbers", config(`"lora_alpha": 4`, `"lora_alpha": 1e39`), `alpha 1e+39`},
		{"no alpha", config(`"lora_alpha": 4`, `"lora_alpha": 0`), `alpha 0`},
		{"an alpha below zero", config(`"lora_alpha": 4`, `"lora_alpha": -4`), `alpha -4`},
		{"not a number", values("adapter_model.safetensors", inOne(lora+"A.weight", float32(math.NaN()))), `1 NaN and 0 infinite values`},
		{"infinity", values("adapter_model.safetensors", inOne(lora+"B.weight", float32(math.Inf(1)))), `0 NaN and 1 infinite values`},
		{"factors that went far", times("adapter_model.safetensors", 1e4), `is more than 1: more of that block is new`},
		{"a key that nobody knows", config(`"r": 2`, `"r": 2, "surprise": true`), `"surprise" is true: it may change what the adapter computes`},
		{"DoRA", config(`"use_dora": false`, `"use_dora": true`), `"use_dora" is true`},
		{"a bias", config(`"bias": "none"`, `"bias": "all"`), `bias is "all"`},
		{"whole modules", config(`"modules_to_save": null`, `"modules_to_save": ["lm_head"]`), `"modules_to_save" is`},
		{"code", config(`"r": 2`, `"r": 2, "auto_map": {"AutoModel": "x.Y"}`), `adapter_config.json: "auto_map" makes other programs run code`},
		{"a module to import", config(`"auto_mapping": null`, `"auto_mapping": {"parent_library": "os", "base_model_class": "system"}`), `"auto_mapping" is not null`},
		{"another module to import", config(`"r": 2`, `"r": 2, "megatron_core": "os"`), `"megatron_core" is not null`},
		{"a model of the hub", config(`"base_model_name_or_path": null`, `"base_model_name_or_path": "north/model"`), `"base_model_name_or_path" is not null`},
		{"a model of a path", config(`"base_model_name_or_path": null`, `"base_model_name_or_path": "/home/ada/secret"`), `"base_model_name_or_path" is not null`},
		{"a key twice", config(`"r": 2`, `"r": 2, "r": 3`), `adapter_config.json: `},
		{"another kind", config(`"peft_type": "LORA"`, `"peft_type": "IA3"`), `adapter_config.json: `},
		{"a kind that nobody knows", config(`"peft_type": "LORA"`, `"peft_type": "VERA"`), `peft_type is "VERA"`},
		{"a frozen layer among its targets", config(`layers.0.fc1"`, `layers.1.fc1"`), `payload`},
		{"a target that is a pattern", func(p *parcelled) {
			text := p.read(p.payload("adapter_config.json"))
			from := strings.Index(text, `"target_modules": [`)
			to := from + strings.IndexByte(text[from:], ']') + 1
			p.write(p.payload("adapter_config.json"), text[:from]+`"target_modules": ".*"`+text[to:])
			p.refit()
		}, `regular expressions are not supported`},
		{"no configuration", func(p *parcelled) { p.remove(p.payload("adapter_config.json")); p.refit() }, `adapter_config.json`},
		{"a configuration that is no object", func(p *parcelled) { p.write(p.payload("adapter_config.json"), `[]`); p.refit() }, `adapter_config.json: `},
		{"another form's configuration beside", func(p *parcelled) { p.write(p.payload("peft.json"), `{}`); p.refit() }, `peft.json: an adapter has no such file`},
		{"weights under another form's name", func(p *parcelled) {
			must(p.t, os.Rename(p.payload("adapter_model.safetensors"), p.payload("adapter.safetensors")))
			p.refit()
		}, `adapter.safetensors: an adapter has no such file`},
		{"another form, in both", func(p *parcelled) {
			p.adapterManifest(func(m *exchange.Manifest) { m.Form = "ia3" })
			p.refit()
			p.edit(func(m *parcel.Manifest) { m.Adapter.Form = "ia3" })
		}, `is for no weight that was to be trained`},
		{"Python", func(p *parcelled) { p.write(p.payload("lora.py"), "x"); p.refit() }, `files that end in .py can run code`},
	},
	"ia3": {
		{"a tensor less", values("adapter_model.safetensors", func(v map[string]value) { delete(v, ia3) }), `fc2.ia3_l" is missing`},
		{"a tensor of another shape", values("adapter_model.safetensors", func(v map[string]value) { v[ia3] = value{[]int{48, 1}, v[ia3].values} }), `fc2.ia3_l" is F32[48 1], want F32[1 48]`},
		{"a frozen layer's tensors", rename("adapter_model.safetensors", "layers.0.", "layers.2."), `is for no weight that was to be trained`},
		{"not a number", values("adapter_model.safetensors", inOne(ia3, float32(math.NaN()))), `1 NaN and 0 infinite values`},
		{"factors that went far", times("adapter_model.safetensors", 30), `is more than 1: more of that block is new`},
		{"factors that are too large", times("adapter_model.safetensors", 3e38), `payload`},
		{"another start of the factors", config(`"init_ia3_weights": true`, `"init_ia3_weights": "os"`), `init_ia3_weights is "os"`},
		{"a key of LoRA", config(`"peft_type"`, `"lora_alpha": 3, "peft_type"`), `"lora_alpha" is 3`},
	},
	"bitfit": {
		{"a matrix too", values("peft.safetensors", func(v map[string]value) {
			v["model.decoder.layers.0.fc1.weight"] = value{[]int{48, 24}, make([]float32, 48*24)}
		}), `fc1.weight" is of no layer that it says it changes`},
		{"a tensor less", values("peft.safetensors", func(v map[string]value) { delete(v, fc1) }), `fc1.bias" is missing`},
		{"a renamed tensor", rename("peft.safetensors", "fc1.bias", "fc1.bas"), `is for no weight that was to be trained`},
		{"a tensor of another shape", values("peft.safetensors", func(v map[string]value) { v[fc1] = value{[]int{1, 48}, v[fc1].values} }), `fc1.bias" is F32[1 48], want F32[48]`},
		{"infinity", values("peft.safetensors", inOne(fc1, float32(math.Inf(-1)))), `0 NaN and 1 infinite values`},
		{"values that went far", times("peft.safetensors", 1e4), `is more than 1: more of that block is new`},
		{"another kind", func(p *parcelled) { p.replace(p.payload("peft.json"), `"kind": "bitfit"`, `"kind": "ia3"`); p.refit() }, `payload`},
		{"a kind that nobody knows", func(p *parcelled) { p.replace(p.payload("peft.json"), `"kind": "bitfit"`, `"kind": "x"`); p.refit() }, `peft.json: "x"`},
		{"a layer that is frozen", func(p *parcelled) {
			p.replace(p.payload("peft.json"), `"kind": "bitfit"`, `"kind": "bitfit", "layers": [2]`)
			p.refit()
		}, `layer 2 is none that is trained`},
		{"a format of the future", func(p *parcelled) { p.replace(p.payload("peft.json"), `"format": 1`, `"format": 2`); p.refit() }, `peft.json: is "peft" of format 2`},
	},
	"adapter": {
		{"a tensor less", values("peft.safetensors", func(v map[string]value) { delete(v, down) }), `fc2.adapter.down.weight" is missing`},
		{"another width", func(p *parcelled) { p.replace(p.payload("peft.json"), `"width": 3`, `"width": 4`); p.refit() }, `want F32[4 24]`},
		{"no width", func(p *parcelled) { p.replace(p.payload("peft.json"), `"width": 3`, `"width": 0`); p.refit() }, `width 0`},
		{"a key that nobody knows", func(p *parcelled) {
			p.replace(p.payload("peft.json"), `"width": 3`, `"width": 3, "surprise": 1`)
			p.refit()
		}, `peft.json: `},
		{"not a number", values("peft.safetensors", inOne(down, float32(math.NaN()))), `1 NaN and 0 infinite values`},
		{"weights that went far", times("peft.safetensors", 100), `is more than 1: more of that block is new`},
		{"weights that went far, and norms that do not say so", values("peft.safetensors", far), `adapter: changes is`},
	},
	"delta": {
		{"a tensor less", values("adapter.safetensors", func(v map[string]value) { delete(v, fc1) }), `fc1.bias" is missing`},
		{"a tensor too many", values("adapter.safetensors", func(v map[string]value) { v["lm_head.weight"] = value{[]int{1}, []float32{1}} }), `was not to be trained`},
		{"half of a rest", values("adapter.safetensors", func(v map[string]value) { v["rest.value"] = value{[]int{1}, []float32{1}} }), `rest.value`},
		{"not a number", values("adapter.safetensors", inOne(fc1, float32(math.NaN()))), `1 NaN and 0 infinite values`},
		{"a change that went far", times("adapter.safetensors", 1e4), `is more than 1: more of that block is new`},
		{"a change that is said to be weights", func(p *parcelled) {
			p.adapterManifest(func(m *exchange.Manifest) { m.Form, m.Format = "", 2 })
			p.refit()
			p.edit(func(m *parcel.Manifest) { m.Adapter.Form = "weights" })
		}, `adapter: changes is`},
	},
}

// TestHostileFormsAreRefused as packages of weights are.
func TestHostileFormsAreRefused(t *testing.T) {
	h := formHouses(t, false)
	for name, list := range hostileForms {
		form, err := exchange.FormNamed(name)
		must(t, err)
		run, pkg := h.trainAs(t, form)
		good := h.pluggedIn(t, run)
		for _, bad := range list {
			t.Run(name+"/"+bad.name, func(t *testing.T) { h.refuses(t, pkg, bad, good) })
		}
	}
}
