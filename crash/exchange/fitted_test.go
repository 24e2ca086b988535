package exchange_test

import (
	"path/filepath"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// TestAdapterOfAFittedEmulatorPlugsIn: what the owner put between the trained blocks, maps
// and blocks made smaller, is no part of what comes back.
func TestAdapterOfAFittedEmulatorPlugsIn(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	p := crashtest.Plan(t, "0* ~ 3:svd0.5 5*")
	e, err := emulate.New(full, crashtest.Plan(t, "0* 5*"))
	if err != nil {
		t.Fatal(err)
	}
	base := transformer.Fingerprint(e.Params())
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := exchange.SaveAdapter(dir, exchange.Manifest{Plan: p, Base: base}, e.Params()); err != nil {
		t.Fatal(err)
	}
	a, err := exchange.OpenAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	d, _, err := a.Plugged(full)
	if err != nil {
		t.Fatal(err)
	}
	crashtest.Same(t, "plugged", crashtest.Logits(be, d), crashtest.Logits(be, full))
}
