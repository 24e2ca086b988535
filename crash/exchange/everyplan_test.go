package exchange_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/eval"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// TestEveryEmulatorGoesThereAndBack: whatever stands between the starred layers, what comes
// back of an emulator that took no step holds against its receipt and gives the full
// model, with the names and the fingerprint of a plain plan's; nothing else of the emulator
// comes back.
func TestEveryEmulatorGoesThereAndBack(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range []string{"llama", "bloom"} {
		for i, b := range crashtest.EveryPlan(t, be, family) {
			what := family + ", " + b.Plan
			model := &exchange.Model{Model: eval.Model{Checkpoint: b.Checkpoint, Decoder: b.Full, Backend: be}}
			dir := filepath.Join(t.TempDir(), "emulator")
			receipt := exchange.ReceiptFile(dir)
			handed, err := model.HandOut(b.Emulator, "none", dir, receipt, emulate.Options{Compact: i%2 == 1})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			forms, err := b.Emulator.Decoder.Forms()
			if said := strings.Contains(handed.Text(), "lamina alone reads it"); err != nil || said != (forms != nil) {
				t.Errorf("%s: who reads it is said: %t: %s", what, said, handed.Text())
			}
			a := zeroSteps(t, dir)
			if _, err := a.HoldAgainst(receipt, "", b.Full); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			plain, err := emulate.New(b.Full, crashtest.Plan(t, "0* 5*"))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for w := range plain.Params() {
				names = append(names, w.Name)
			}
			slices.Sort(names)
			if !slices.Equal(a.Manifest.Tensors, names) || a.Manifest.Base != transformer.Fingerprint(plain.Params()) || a.Manifest.Plan.String() != b.Emulator.Plan.String() {
				t.Errorf("%s: comes back as %+v", what, a.Manifest)
			}
			d, _, err := a.Plugged(b.Full)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			crashtest.Same(t, what+": plugged", crashtest.Logits(be, d), crashtest.Logits(be, b.Full))
			a.Close()
		}
	}
}

// zeroSteps is what comes back of an emulator that nobody trained.
func zeroSteps(t *testing.T, emulator string) *exchange.Adapter {
	t.Helper()
	c, err := transformer.Open(emulator)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	be := cpu.New(cpu.Options{})
	defer be.Close()
	m, err := exchange.OpenModel(c, be)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "adapter")
	if err := exchange.SaveAdapter(dir, exchange.Manifest{Plan: m.Emulator.Plan, Base: m.Manifest.Base, Origin: m.Emulator.Origin}, m.Emulator.Params()); err != nil {
		t.Fatal(err)
	}
	a, err := exchange.OpenAdapter(dir)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", dir, err))
	}
	return a
}
