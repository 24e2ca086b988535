package exchange_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/eval"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// owner is a model owner's directory: a model, an emulator that was sent, its receipt.
type owner struct {
	model             *exchange.Model
	emulator, receipt string
}

// hand sends the emulator of a plan, from a directory of its own.
func hand(t *testing.T, model, plan string) owner {
	t.Helper()
	c, d := crashtest.OpenModel(t, filepath.Join(crashtest.Models, model))
	o := owner{model: &exchange.Model{Model: eval.Model{Checkpoint: c, Decoder: d, Backend: ref.New()}}}
	o.emulator = filepath.Join(t.TempDir(), "emulator")
	o.receipt = exchange.ReceiptFile(o.emulator)
	if _, err := exchange.CheckReceipt(o.receipt, o.emulator, false); err != nil {
		t.Fatal(err)
	}
	if _, err := o.model.Emulate(crashtest.Plan(t, plan), "none", o.emulator, o.receipt, emulate.Options{}); err != nil {
		t.Fatal(err)
	}
	return o
}

// trainedIn is what an honest data owner sends back of an emulator: every weight times
// grow, and a little more.
func trainedIn(t *testing.T, emulator string, grow float64) string {
	t.Helper()
	be := ref.New()
	c, _ := crashtest.OpenModel(t, emulator)
	e, m, err := emulate.Open(c, be)
	if err != nil {
		t.Fatal(err)
	}
	trained := tensor.Must(nn.Trainable(be, e.Params()))
	values := trained.Values.Floats()
	for i := range values {
		values[i] = values[i]*grow + 1e-3*float64(1+i%7)
	}
	trained.Values.SetFloats(values)
	trained.Freeze()
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := exchange.SaveAdapter(dir, exchange.Manifest{Plan: e.Plan, Base: m.Base, Origin: e.Origin}, e.Params()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// held opens an adapter and holds it against a receipt, or the one that is found.
func (o owner) held(t *testing.T, adapter, receipt string) (*exchange.Receipt, error) {
	t.Helper()
	a, err := exchange.OpenAdapter(adapter)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { a.Close() })
	return a.HoldAgainst(receipt, o.model.Path, o.model.Decoder)
}

// forged is a hostile adapter: an honest one, changed, with a manifest that fits again.
func forged(t *testing.T, good string, change func(p parts)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := takeApart(t, good)
	delete(p.manifest, "weights") // as in one of an earlier version, so that nothing tells of changed values
	change(p)
	p.write(t, dir)
	return dir
}

// claims makes an adapter one for other layers of the full model: whoever has a frozen
// layer can make one that fits it.
func claims(t *testing.T, o owner, plan string) func(p parts) {
	e, err := emulate.New(o.model.Decoder, crashtest.Plan(t, plan))
	if err != nil {
		t.Fatal(err)
	}
	return func(p parts) {
		clear(p.values)
		var names []string
		for w := range e.Params() {
			p.values[w.Name] = tensor.MustFromFloats(ref.New(), tensor.F32, w.Value.Floats(), w.Value.Shape()...)
			names = append(names, w.Name)
		}
		p.manifest["plan"], p.manifest["base"] = plan, transformer.Fingerprint(e.Params())
		p.manifest["tensors"] = sorted(names)
	}
}

func TestReceiptHoldsAnHonestAdapter(t *testing.T) {
	for _, model := range []string{"opt-prenorm", "llama-bf16", "gpt2-f16", "bloom-six"} {
		o := hand(t, model, "0* 1")
		adapter := trainedIn(t, o.emulator, 1)
		if r, err := o.held(t, adapter, o.receipt); err != nil || r.Path() != o.receipt {
			t.Errorf("%s: %v, %v", model, r, err)
		}
		r, err := exchange.ReadReceipt(o.receipt)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Tensors) == 0 || fmt.Sprint(r.Trained) != "[{0 0}]" || r.Share != "none" {
			t.Errorf("%s: receipt %+v", model, r)
		}
		for _, name := range names(t, o.emulator) { // nothing of the receipt travels
			if strings.Contains(name, "receipt") {
				t.Errorf("%s: %s is sent", model, name)
			}
		}
	}
}

// TestTwoEmulatorsAreTwoExchanges, also of the same plan and weights.
func TestTwoEmulatorsAreTwoExchanges(t *testing.T) {
	one, two := hand(t, "opt-prenorm", "0* 1"), hand(t, "opt-prenorm", "0* 1")
	adapter := trainedIn(t, two.emulator, 1)
	if _, err := one.held(t, adapter, one.receipt); err == nil || !strings.Contains(err.Error(), "another emulator") || !strings.Contains(err.Error(), one.receipt) {
		t.Errorf("of another exchange: %v", err)
	}
	if _, err := two.held(t, adapter, two.receipt); err != nil {
		t.Error(err)
	}
	// What was not sent alike is another emulator of the same trained layers.
	if three := hand(t, "opt-prenorm", "0* 2"); three.emulator != "" {
		if _, err := one.held(t, trainedIn(t, three.emulator, 1), one.receipt); err == nil {
			t.Error("one for another emulator of the same trained layers: accepted")
		}
	}
}

// TestOnlyWhatTheReceiptStarredIsReplaced: hostile adapters that fit the model, and all
// checks but the receipt's.
func TestOnlyWhatTheReceiptStarredIsReplaced(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	good := trainedIn(t, o.emulator, 1)
	const fc1 = "model.decoder.layers.0.fc1.weight"
	anyTensor := func(p parts) tensor.Tensor { return p.values[fc1] }
	for what, c := range map[string]struct {
		change func(p parts)
		want   []string
	}{
		"a frozen layer":            {claims(t, o, "0 1*"), []string{`its plan is "0 1*"`, `"model.decoder.layers.1.fc1.weight" was not to be trained`, fc1 + `" is missing`}},
		"a layer more":              {claims(t, o, "0* 1*"), []string{`its plan is "0* 1*"`, `layers.1.fc1.weight" was not`}},
		"a layer that was not sent": {claims(t, o, "0* 2*"), []string{`its plan is "0* 2*"`, `layers.2.fc1.weight" was not`}},
		"another plan, same stars":  {func(p parts) { p.manifest["plan"] = "0* 2" }, []string{`its plan is "0* 2", and 0* 1 was sent`}},
		"everything": {func(p parts) {
			delete(p.manifest, "plan")
			p.manifest["whole"] = true
		}, []string{"everything was trained"}},
		"embeddings": {func(p parts) { p.values["model.decoder.embed_tokens.weight"] = anyTensor(p) }, []string{`embed_tokens.weight" was not to be trained`}},
		"the head":   {func(p parts) { p.values["lm_head.weight"] = anyTensor(p) }, []string{`"lm_head.weight" was not to be trained`}},
		"a renamed tensor": {func(p parts) {
			p.values["model.decoder.layers.1.fc1.weight"] = anyTensor(p)
			delete(p.values, fc1)
		}, []string{`layers.1.fc1.weight" was not`, fc1 + `" is missing`}},
		"another shape":        {func(p parts) { p.values[fc1] = anyTensor(p).Reshape(24, 48) }, []string{"is F32[24 48], want F32[48 24]"}},
		"another type":         {func(p parts) { p.values[fc1] = tensor.MustNew(ref.New(), tensor.F16, 48, 24) }, []string{"is F16[48 24]"}},
		"another emulator":     {func(p parts) { p.manifest["emulator"] = strings.Repeat("0", 64) }, []string{"MANIFEST.json has SHA-256 \"000000000000\"…"}},
		"another start":        {func(p parts) { p.manifest["base"] = "sha256:" + strings.Repeat("0", 64) }, []string{"started from weights"}},
		"another exchange":     {func(p parts) { p.manifest["exchange"] = strings.Repeat("0", 32) }, []string{"another emulator"}},
		"an exchange to print": {func(p parts) { p.manifest["exchange"] = "\x1b[2J\n" }, []string{"another emulator"}},
		"no exchange":          {func(p parts) { delete(p.manifest, "exchange") }, []string{"names no exchange"}},
	} {
		adapter := forged(t, good, c.change)
		_, err := o.held(t, adapter, o.receipt)
		if err == nil {
			t.Errorf("%s: accepted", what)
			continue
		}
		for _, want := range append(c.want, adapter, o.receipt) {
			if text := err.Error(); !strings.Contains(text, want) || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("%s: %q: want one line with %q", what, text, want)
			}
		}
	}
	if _, err := o.held(t, good, o.receipt); err != nil {
		t.Error(err)
	}
	other := hand(t, "llama-gqa-tied", "0* 1")
	if _, err := other.held(t, good, o.receipt); err == nil || !strings.Contains(err.Error(), "the receipt is of the model") {
		t.Errorf("another model: %v", err)
	}
}

// TestReceiptIsFound: beside the adapter, and in the working directory; and an adapter
// that leaves its exchange out gains nothing by it.
func TestReceiptIsFound(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	good := trainedIn(t, o.emulator, 1)
	nameless := forged(t, good, func(p parts) {
		claims(t, o, "0 1*")(p)
		delete(p.manifest, "exchange")
		delete(p.manifest, "emulator")
	})
	other := hand(t, "gpt2-tied", "0* 1")    // its receipt says nothing of this model
	model, err := filepath.Abs(o.model.Path) // the working directory changes
	if err != nil {
		t.Fatal(err)
	}
	o.model.Path = model
	if r, err := o.held(t, good, ""); err != nil || r != nil { // none near: the adapter's word
		t.Errorf("without a receipt: %v, %v", r, err)
	}
	beside := filepath.Join(filepath.Dir(o.emulator), "returned")
	if err := os.CopyFS(beside, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	if r, err := o.held(t, beside, ""); err != nil || r.Path() != o.receipt {
		t.Errorf("beside the adapter: %v, %v", r, err)
	}
	t.Chdir(filepath.Dir(o.emulator))
	if r, err := o.held(t, good, ""); err != nil || r.Path() != o.receipt {
		t.Errorf("in the working directory: %v, %v", r, err)
	}
	if _, err := o.held(t, nameless, ""); err == nil || !strings.Contains(err.Error(), "--receipt none") {
		t.Errorf("without an exchange: %v", err)
	}
	if r, err := o.held(t, nameless, exchange.NoReceipt); err != nil || r != nil {
		t.Errorf("of one's own: %v, %v", r, err)
	}
	data, err := os.ReadFile(other.receipt)
	if err == nil {
		err = os.WriteFile("other.receipt.json", data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.held(t, good, ""); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile("broken.receipt.json", data[:len(data)-9], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := o.held(t, good, ""); err == nil || !strings.Contains(err.Error(), "broken.receipt.json") {
		t.Errorf("a broken receipt: %v", err)
	}
}

// TestPluggedInTwiceIsTold, by the receipt, in which it is noted.
func TestPluggedInTwiceIsTold(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	for i, adapter := range []string{trainedIn(t, o.emulator, 1), trainedIn(t, o.emulator, 1.1)} {
		a, err := exchange.OpenAdapter(adapter)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		for again := range 2 {
			r, err := a.HoldAgainst(o.receipt, "", o.model.Decoder)
			if err != nil {
				t.Fatal(err)
			}
			if told := r.Warnings(a); len(told) != again || again > 0 && !strings.Contains(told[0], "plugged in before") {
				t.Errorf("adapter %d, time %d: %q", i, again, told)
			}
			if trouble := r.Note(a); trouble != nil {
				t.Error(trouble)
			}
		}
	}
	var none *exchange.Receipt
	a, err := exchange.OpenAdapter(trainedIn(t, o.emulator, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if told := none.Warnings(a); len(told) != 1 || !strings.Contains(told[0], "no receipt") || !strings.Contains(told[0], a.Path) {
		t.Errorf("without a receipt: %q", told)
	}
}

// TestEveryBitOfAReceiptCounts: one that is flipped is an error that names the file.
func TestEveryBitOfAReceiptCounts(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	good, err := os.ReadFile(o.receipt)
	if err != nil {
		t.Fatal(err)
	}
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1 << (at % 8)
		if err := os.WriteFile(o.receipt, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := exchange.ReadReceipt(o.receipt); err == nil || !strings.Contains(err.Error(), o.receipt) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
