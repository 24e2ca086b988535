package exchange_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// saveAdapter trains a plan's layers by adding delta to every weight (0: leaves
// them alone) and saves the adapter.
func saveAdapter(t *testing.T, be kernels.Backend, full *transformer.Decoder, text, dir string, delta float64) *emulate.Emulator {
	t.Helper()
	e, err := emulate.New(full, crashtest.Plan(t, text))
	if err != nil {
		t.Fatal(err)
	}
	base := transformer.Fingerprint(e.Params())
	trained := tensor.Must(nn.Trainable(be, e.Params()))
	values := trained.Values.Floats()
	for i := range values {
		values[i] += delta * float64(1+i%7)
	}
	trained.Values.SetFloats(values)
	trained.Freeze()
	if err := exchange.SaveAdapter(dir, exchange.Manifest{Plan: e.Plan, Base: base}, e.Params()); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAdapterPlugsIn(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		before := crashtest.Logits(be, full)
		for _, run := range []string{"", "adapter"} { // its own directory, or that of a run
			dir := filepath.Join(t.TempDir(), "run")
			e := saveAdapter(t, be, full, "0* 2 5* 3", filepath.Join(dir, run), 1e-3)
			a, err := exchange.OpenAdapter(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			d, params, err := a.Plugged(full)
			if err != nil {
				t.Fatal(err)
			}
			crashtest.Same(t, family+": plugged", crashtest.Logits(be, d), crashtest.Logits(be, e.Plug(full)))
			crashtest.Same(t, family+": parameters", crashtest.Bits(params), crashtest.Bits(e.Params()))
			crashtest.Same(t, family+": the full model", crashtest.Logits(be, full), before)
			if bytes.Equal(tensor.Bytes(crashtest.Logits(be, d)), tensor.Bytes(before)) {
				t.Errorf("%s: the adapter changes nothing", family)
			}
		}
	}
}

// TestUntrainedAdapterGivesTheSameBits: zero steps, saved, read and plugged in.
func TestUntrainedAdapterGivesTheSameBits(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		dir := filepath.Join(t.TempDir(), "a")
		saveAdapter(t, be, full, "1* 1 4*", dir, 0)
		a, err := exchange.OpenAdapter(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		d, _, err := a.Plugged(full)
		if err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, family, crashtest.Logits(be, d), crashtest.Logits(be, full))
	}
}

// parts is an adapter, taken apart.
type parts struct {
	manifest map[string]any
	values   map[string]tensor.Tensor
}

func takeApart(t *testing.T, dir string) parts {
	t.Helper()
	p := parts{values: map[string]tensor.Tensor{}}
	data, err := os.ReadFile(filepath.Join(dir, "adapter.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &p.manifest); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(filepath.Join(dir, "adapter.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range f.Names() {
		e, _ := f.Entry(name)
		raw, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		p.values[name] = tensor.MustWrap(ref.New(), e.DType, bytes.Clone(raw), e.Shape...)
	}
	return p
}

func (p parts) write(t *testing.T, dir string) {
	t.Helper()
	var entries []formats.Entry
	for name, x := range p.values {
		entries = append(entries, formats.Entry{Name: name, DType: x.DType(), Shape: x.Shape()})
	}
	err := safetensors.Write(filepath.Join(dir, "adapter.safetensors"), entries, nil, func(name string, w io.Writer) error {
		_, err := w.Write(p.values[name].Raw())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p.manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "adapter.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := files.Seal(dir); err != nil { // whoever changed it made the manifest fit
		t.Fatal(err)
	}
}

// wrong is a way to spoil an adapter: its parts before they are written, or the
// files after. The error names want.
type wrong struct {
	what, want string
	spoil      func(p parts)
	damage     func(dir string)
}

// spoiled is a tensor of the adapter that the tests spoil.
const spoiled = "model.decoder.layers.5.fc1.weight"

func wrongManifests() []wrong {
	set := func(what, want, key string, v any) wrong {
		return wrong{what: what, want: want, spoil: func(p parts) { p.manifest[key] = v }}
	}
	return []wrong{
		set("another base", "other weights", "base", "sha256:"+strings.Repeat("0", 64)),
		set("a base that writes to the terminal", "other weights", "base", "\x1b[2Jsha256\n"),
		set("other trained weights", "weights have fingerprint", "weights", "sha256:"+strings.Repeat("0", 64)),
		set("another plan", "other weights", "plan", "0* 2 4*"),
		set("a plan beyond the model", "layer 6 out of range", "plan", "0* 2 6*"),
		set("a plan that cannot be", "star", "plan", "0* 0*"),
		{what: "no plan", want: "no places", spoil: func(p parts) { delete(p.manifest, "plan") }},
		set("said to be whole", "other weights", "whole", true),
		set("format 3", "format 3", "format", 3),
		set("an emulator's manifest", `"emulator"`, "kind", "emulator"),
		set("an unknown field", "merge", "merge", true),
		set("a field of another type", "tensors", "tensors", 7),
		set("other tensors listed", "lists 1 tensors", "tensors", []string{spoiled}),
	}
}

func wrongTensors() []wrong {
	be := ref.New()
	set := func(what, want string, change func(x tensor.Tensor) tensor.Tensor) wrong {
		return wrong{what: what, want: want, spoil: func(p parts) { p.values[spoiled] = change(p.values[spoiled]) }}
	}
	with := func(v float64) func(x tensor.Tensor) tensor.Tensor {
		return func(x tensor.Tensor) tensor.Tensor {
			values := x.Floats()
			values[17] = v
			return tensor.MustFromFloats(be, tensor.F32, values, x.Shape()...)
		}
	}
	return []wrong{
		{what: "a missing tensor", want: spoiled, spoil: func(p parts) { delete(p.values, spoiled) }},
		{what: "an extra tensor", want: "lm_head.weight", spoil: func(p parts) { p.values["lm_head.weight"] = p.values[spoiled] }},
		{what: "a renamed tensor", want: "layers.4.fc1", spoil: func(p parts) {
			p.values["model.decoder.layers.4.fc1.weight"] = p.values[spoiled]
			delete(p.values, spoiled)
		}},
		set("a wrong shape", "[24 40]", func(x tensor.Tensor) tensor.Tensor { return x.Reshape(24, 40) }),
		set("another type", "F16", func(x tensor.Tensor) tensor.Tensor { return tensor.MustNew(be, tensor.F16, x.Shape()...) }),
		set("NaN", "NaN", with(math.NaN())),
		set("infinity", "-Inf", with(math.Inf(-1))),
	}
}

func damagedFiles(t *testing.T) []wrong {
	const manifest, weights = "adapter.json", "adapter.safetensors"
	damage := func(what, file string, do func(path string) error) wrong {
		return wrong{what: what, want: file, damage: func(dir string) {
			if err := do(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}}
	}
	cut := func(n int64) func(string) error { return func(path string) error { return os.Truncate(path, n) } }
	extend := func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, append(data, "{}"...), 0o644)
	}
	return []wrong{
		damage("no manifest", manifest, os.Remove),
		damage("no weights", weights, os.Remove),
		damage("truncated weights", weights, cut(5000)),
		damage("a truncated manifest", manifest, cut(20)),
		damage("bytes after the weights", weights, extend),
		damage("text after the manifest", manifest, extend),
		{what: "no such directory", want: manifest, damage: func(dir string) { os.RemoveAll(dir) }},
	}
}

// TestWrongAdaptersAreRefused spoils an adapter in every way that matters: each
// is one line that names the path, and the model keeps its bits.
func TestWrongAdaptersAreRefused(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	good := filepath.Join(t.TempDir(), "good")
	saveAdapter(t, be, full, "0* 2 5*", good, 1e-3)
	before := crashtest.Logits(be, full)
	for _, w := range slices.Concat(wrongManifests(), wrongTensors(), damagedFiles(t)) {
		w.refused(t, good, full)
	}
	crashtest.Same(t, "the full model afterwards", crashtest.Logits(be, full), before)

	other := crashtest.Small(be, "opt")
	for w := range nn.ParamsOf(other.Blocks[5]) {
		if w.Name == spoiled {
			x := w.Value.Floats()
			x[0] = float64(math.Nextafter32(float32(x[0]), 9))
			w.Value.SetFloats(x)
		}
	}
	wrong{what: "a model that differs in the last bit of one weight", want: "other weights"}.refused(t, good, other)
	wrong{what: "another family", want: "other weights"}.refused(t, good, crashtest.Small(be, "llama"))
}

func (w wrong) refused(t *testing.T, good string, full *transformer.Decoder) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	if w.spoil != nil {
		p := takeApart(t, good)
		w.spoil(p)
		p.write(t, dir)
	}
	if w.damage != nil {
		w.damage(dir)
	}
	a, err := exchange.OpenAdapter(dir)
	if err == nil {
		defer a.Close()
		_, _, err = a.Plugged(full)
	}
	if err == nil {
		t.Errorf("%s: accepted", w.what)
		return
	}
	text := err.Error()
	if !strings.Contains(text, dir) || !strings.Contains(text, w.want) || strings.ContainsAny(text, "\n\x1b") || len(text) > 1200 {
		t.Errorf("%s: %q: want one line that names %s and %q", w.what, text, dir, w.want)
	}
}

// TestAdapterThatWasPutAsideIsFound where its writer was killed between the two renames
// that some systems need, and nothing of an adapter's own directory is touched.
func TestAdapterThatWasPutAsideIsFound(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	for _, named := range []string{"", "adapter"} {
		run := filepath.Join(t.TempDir(), "run")
		adapter := filepath.Join(run, "adapter")
		saveAdapter(t, be, full, "0* 2 5* 3", adapter, 1e-3)
		if err := os.Rename(adapter, filepath.Join(run, ".adapter.tmp-1.old")); err != nil {
			t.Fatal(err)
		}
		a, err := exchange.OpenAdapter(filepath.Join(run, named))
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		left := filepath.Join(adapter, ".adapter.tmp-1.old")
		if err := os.Mkdir(left, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := exchange.OpenAdapter(adapter); err == nil || !strings.Contains(err.Error(), left) {
			t.Errorf("something added: %v", err)
		}
	}
}
