package exchange_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/internal/files"
)

func TestReceiptStays(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	for path, want := range map[string]string{
		filepath.Join(o.emulator, "receipt.json"):                  "is sent",
		filepath.Join(o.emulator, "..", "emulator", "x", "r.json"): "is sent",
		o.emulator: "is sent",
		o.receipt:  "--overwrite",
		filepath.Join(crashtest.Models, "opt-prenorm", "config.json"): "not overwritten",
		filepath.Join(filepath.Dir(o.emulator), "new.json"):           "",
	} {
		if _, err := exchange.CheckReceipt(path, o.emulator, false); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := exchange.CheckReceipt(o.receipt, o.emulator, true); err != nil {
		t.Error(err)
	}
}

// TestEmulateCutShort: a call that was killed is done again by the same call, wherever it
// was, and what is done is not done over.
func TestEmulateCutShort(t *testing.T) {
	o, other := hand(t, "opt-prenorm", "0* 1"), hand(t, "opt-prenorm", "0* 2")
	adapter := trainedIn(t, o.emulator, 1)
	done, err := os.ReadFile(o.receipt)
	if err != nil {
		t.Fatal(err)
	}
	r, err := exchange.ReadReceipt(o.receipt)
	if err != nil || r.Unfinished {
		t.Fatal(r, err)
	}
	r.Unfinished = true
	if err := files.WriteSealed(o.receipt, r); err != nil {
		t.Fatal(err)
	}
	if cut, err := exchange.CheckReceipt(o.receipt, o.emulator, false); err != nil || !cut {
		t.Errorf("killed when the emulator was there: %t, %v", cut, err)
	}
	if _, err := o.held(t, adapter, o.receipt); err != nil {
		t.Errorf("what was sent all the same: %v", err)
	}
	if cut, err := exchange.CheckReceipt(o.receipt, other.emulator, false); err != nil || cut {
		t.Errorf("where another emulator is: %t, %v", cut, err)
	}
	if err := os.RemoveAll(o.emulator); err != nil {
		t.Fatal(err)
	}
	if cut, err := exchange.CheckReceipt(o.receipt, o.emulator, false); err != nil || cut {
		t.Errorf("killed before the emulator was there: %t, %v", cut, err)
	}
	if _, err := o.model.Emulate(crashtest.Plan(t, "0* 1"), "none", o.emulator, o.receipt, emulate.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.held(t, trainedIn(t, o.emulator, 1), o.receipt); err != nil {
		t.Errorf("done again: %v", err)
	}
	// Sent, and removed here: it is still out there.
	if err := errors.Join(os.RemoveAll(o.emulator), os.WriteFile(o.receipt, done, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := exchange.CheckReceipt(o.receipt, o.emulator, false); err == nil || !strings.Contains(err.Error(), "plan 0* 1 that was handed out") {
		t.Errorf("handed out: %v", err)
	}
}

// TestReceiptIsThereFirst, as is the note of what is plugged in: neither directory is there
// when it is written.
func TestReceiptIsThereFirst(t *testing.T) {
	o := hand(t, "opt-prenorm", "0* 1")
	first := 0
	missing := func(dir string) {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is there already", dir)
		}
		first++
	}
	out := filepath.Join(t.TempDir(), "emulator")
	digest := ""
	_, err := emulate.Export(o.model.Checkpoint, o.model.Decoder, crashtest.Plan(t, "0* 1"), out, emulate.Options{
		Ready: func(_ emulate.Manifest, of string) error { missing(out); digest = of; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := files.SHA256(filepath.Join(out, files.Manifest)); got != digest {
		t.Errorf("digest %s, %s when it was ready, %v", got, digest, err)
	}
	never := filepath.Join(t.TempDir(), "never")
	if _, err := emulate.Export(o.model.Checkpoint, o.model.Decoder, crashtest.Plan(t, "0* 1"), never, emulate.Options{
		Ready: func(emulate.Manifest, string) error { return errors.New("no room") }}); err == nil || len(names(t, filepath.Dir(never))) > 0 {
		t.Errorf("without a receipt: %v, %v", err, names(t, filepath.Dir(never)))
	}
	a, err := exchange.OpenAdapter(trainedIn(t, o.emulator, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	tuned := filepath.Join(t.TempDir(), "tuned")
	if _, err := exchange.ExportPlugged(o.model.Checkpoint, o.model.Decoder, a, tuned, exchange.PlugOptions{Ready: func() { missing(tuned) }}); err != nil || first != 2 {
		t.Errorf("%d, %v", first, err)
	}
}
