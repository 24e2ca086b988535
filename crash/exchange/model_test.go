package exchange_test

import (
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/kernels/ref"
)

// Both sides open what they have by one function, and an adapter goes into either:
// into the owner's full model as Plugged puts it there, into the emulator as it was
// trained.
func TestOpenModel(t *testing.T) {
	be := ref.New()
	c, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-prenorm"))
	m, err := exchange.OpenModel(c, be)
	if err != nil || m.Emulator != nil || m.Full("plug") != nil {
		t.Fatalf("a full model: %v, emulator %v, %v", err, m.Emulator, m.Full("plug"))
	}
	crashtest.Same(t, "the full model", crashtest.Logits(be, m.Decoder), crashtest.Logits(be, full))

	dir, _ := crashtest.Export(t, c, full, "0* 1 2*")
	ckpt, _ := crashtest.OpenModel(t, dir)
	small, err := exchange.OpenModel(ckpt, be)
	if err != nil || small.Emulator == nil || small.Emulator.Plan.String() != "0* 1 2*" {
		t.Fatalf("an emulator: %v, %+v", err, small)
	}
	if err := small.Full("plug"); err == nil || !strings.Contains(err.Error(), "plug needs the full model") {
		t.Errorf("%v", err)
	}

	other, _ := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-f16"))
	if strange, err := exchange.OpenModel(other, be); err != nil {
		t.Fatal(err)
	} else if err := small.WantOf(strange); err == nil || small.WantOf(m) != nil {
		t.Errorf("of another model: %v, of its own: %v", err, small.WantOf(m))
	}

	sent := filepath.Join(t.TempDir(), "adapter")
	trained := saveAdapter(t, be, full, "0* 1 2*", sent, 1e-2)
	strange := filepath.Join(t.TempDir(), "strange")
	saveAdapter(t, be, crashtest.Small(be, "opt"), "0* 1 2*", strange, 1e-2)
	if err := m.Fits(strange, ""); err == nil || !strings.Contains(err.Error(), "made for other weights") {
		t.Errorf("an adapter of another model: %v", err)
	}
	for name, one := range map[string]*exchange.Model{"full": m, "emulator": small} {
		want := crashtest.Logits(be, trained.Decoder)
		if name == "full" {
			want = crashtest.Logits(be, trained.Plug(full))
		}
		before := crashtest.Logits(be, one.Decoder)
		if err := one.Fits(sent, ""); err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, name+" after the look", crashtest.Logits(be, one.Decoder), before)
		if err := one.Plug(sent, ""); err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, name+" with the adapter", crashtest.Logits(be, one.Decoder), want)
		one.Unplug()
	}
	if err := m.Plug(filepath.Join(sent, "none"), ""); err == nil {
		t.Error("an adapter that is not there is plugged in")
	}
}
