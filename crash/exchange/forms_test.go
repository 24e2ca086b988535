package exchange_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// odd are values of F32 that sums of it lose: signs, subnormals, and sizes far apart.
var odd = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-45, -1e-45, 1.1754942e-38, 1e-30, -1e-20, 1e10, -1e10, 1e30, -3e37, 1.0000001, 0.99999994, 1 << 24, 1<<24 + 2}

// oddly gives the weights T of a plan odd values and returns what they become, likewise.
// Where not odd, they move a little either way.
func oddly(t *testing.T, be kernels.Backend, full *transformer.Decoder, text string, oddly bool) (e *emulate.Emulator, before []tensor.Tensor) {
	t.Helper()
	var err error
	p := crashtest.Plan(t, text)
	stream := uint64(0)
	strew := func(params nn.Params) {
		rng := philox.New(7, stream).Sequence()
		stream++
		for w := range params {
			values := w.Value.Float32s()
			for i := range values {
				switch pick := rng.Intn(4); {
				case !oddly:
					values[i] += float32(rng.Intn(200)-100) / 1e4
				case pick == 0:
					values[i] = odd[rng.Intn(len(odd))]
				case pick == 1:
					values[i] = -values[i]
				case pick == 2:
					values[i] *= 1 + float32(rng.Intn(1000))/1e4
				}
			}
			w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F32, values, w.Value.Shape()...))
		}
	}
	for _, layer := range p.Trainable() {
		strew(nn.ParamsOf(full.Blocks[layer]))
	}
	if e, err = emulate.New(full, p); err != nil {
		t.Fatal(err)
	}
	for w := range e.Params() {
		before = append(before, w.Value)
	}
	strew(e.Params())
	return e, before
}

// saved writes an adapter of a form, opens it and plugs it into a model.
func saved(t *testing.T, form exchange.Form, m exchange.Manifest, r exchange.Returned, full *transformer.Decoder) (*exchange.Adapter, nn.Params) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := exchange.Save(dir, form, m, r); err != nil {
		t.Fatal(err)
	}
	a, err := exchange.OpenAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	_, params, err := a.Plugged(full)
	if err != nil {
		t.Fatal(err)
	}
	return a, params
}

// TestDeltaIsThePlainPlugIn to the bit, where T was not repaired, whatever its values.
func TestDeltaIsThePlainPlugIn(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, before := oddly(t, be, full, "0* 2 5* 3", true)
		base := transformer.Fingerprint(nn.Join(nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Blocks[5])))
		for _, form := range []exchange.Form{exchange.Weights, exchange.DeltaForm} {
			a, params := saved(t, form, exchange.Manifest{Plan: e.Plan, Base: base}, exchange.Returned{After: e.Params(), Before: before}, full)
			crashtest.Same(t, family+" as "+form.Name, crashtest.Bits(params), crashtest.Bits(e.Params()))
			if (a.Manifest.Form == "") != (form.Name == "weights") {
				t.Errorf("%s: adapter.json calls it %q", form.Name, a.Manifest.Form)
			}
		}
	}
}

// deltaOf is an adapter of odd values as a delta.
func deltaOf(t *testing.T, full *transformer.Decoder) string {
	t.Helper()
	e, before := oddly(t, ref.New(), full, "0* 2 5*", true)
	dir := filepath.Join(t.TempDir(), "good")
	base := transformer.Fingerprint(nn.Join(nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Blocks[5])))
	if err := exchange.Save(dir, exchange.DeltaForm, exchange.Manifest{Plan: e.Plan, Base: base}, exchange.Returned{After: e.Params(), Before: before}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWrongDeltasAreRefused(t *testing.T) {
	full := crashtest.Small(ref.New(), "opt")
	good := deltaOf(t, full)
	before := crashtest.Logits(ref.New(), full)
	places := func(p parts, change func(raw []byte)) {
		x := p.values["rest.index"]
		raw := append([]byte(nil), x.Raw()...)
		change(raw)
		p.values["rest.index"] = tensor.MustWrap(ref.New(), tensor.I64, raw, x.Shape()...)
	}
	floats := func(name string, at int, v float64) func(p parts) {
		return func(p parts) {
			x := p.values[name]
			values := x.Floats()
			values[at] = v
			p.values[name] = tensor.MustFromFloats(ref.New(), tensor.F32, values, x.Shape()...)
		}
	}
	without := func(name string) func(p parts) { return func(p parts) { delete(p.values, name); relist(p) } }
	for _, w := range []wrong{
		{what: "a form that is none", want: `form "gradient"`, spoil: func(p parts) { p.manifest["form"] = "gradient" }},
		{what: "format 2 with a form", want: "format 2", spoil: func(p parts) { p.manifest["format"] = 2 }},
		{what: "said to be weights", want: `"weights"`, spoil: func(p parts) { p.manifest["form"] = "weights" }},
		{what: "no form", want: "format 3", spoil: func(p parts) { delete(p.manifest, "form") }},
		{what: "no index", want: "rest.index", spoil: without("rest.index")},
		{what: "no rest", want: "rest.value", spoil: without("rest.value")},
		{what: "a missing tensor", want: spoiled, spoil: without(spoiled)},
		{what: "NaN", want: "NaN at element 17", spoil: floats(spoiled, 17, math.NaN())},
		{what: "an infinite rest", want: "rest.value", spoil: floats("rest.value", 1, math.Inf(1))},
		{what: "places in no order", want: "ascending", spoil: func(p parts) {
			places(p, func(raw []byte) { binary.LittleEndian.PutUint64(raw[8:], binary.LittleEndian.Uint64(raw)) })
		}},
		{what: "a place before all", want: "ascending", spoil: func(p parts) {
			places(p, func(raw []byte) { binary.LittleEndian.PutUint64(raw, math.MaxUint64) })
		}},
		{what: "a place behind all", want: "ascending", spoil: func(p parts) {
			places(p, func(raw []byte) { binary.LittleEndian.PutUint64(raw[len(raw)-8:], 1<<40) })
		}},
		{what: "changed values", want: "fingerprint", spoil: floats(spoiled, 3, 7)},
		{what: "another base", want: "other weights", spoil: func(p parts) { p.manifest["base"] = "sha256:" + strings.Repeat("0", 64) }},
	} {
		w.refused(t, good, full)
	}
	crashtest.Same(t, "the full model afterwards", crashtest.Logits(ref.New(), full), before)
}

// relist makes adapter.json list the tensors that are there.
func relist(p parts) {
	var names []string
	for name := range p.values {
		names = append(names, name)
	}
	p.manifest["tensors"] = sorted(names)
}

// TestDeltaThatIsInfinite is refused where it is written, by name.
func TestDeltaThatIsInfinite(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	e, before := oddly(t, be, full, "0* 5", true)
	for w := range e.Params() {
		values := before[0].Float32s()
		values[1] = -3e38
		before[0] = tensor.MustFromFloat32s(be, tensor.F32, values, w.Value.Shape()...)
		values[1] = 3e38
		w.Value = tensor.MustFromFloat32s(be, tensor.F32, values, w.Value.Shape()...)
		err := exchange.Save(filepath.Join(t.TempDir(), "a"), exchange.DeltaForm, exchange.Manifest{Plan: e.Plan}, exchange.Returned{After: e.Params(), Before: before})
		if want := fmt.Sprintf("tensor %s: the change of element 1 is +Inf", w.Name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		return
	}
}
