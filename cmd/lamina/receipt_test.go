package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/exchange"
	"lamina/internal/files"
)

// TestReceiptFromHouseToHouse: emulate keeps one, plug and eval hold what comes back
// against it, and what another emulator was trained to is refused in one line.
func TestReceiptFromHouseToHouse(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	data, result := write(t, dir, "d.jsonl", questions), path("r.json")
	said, _ := succeed(t, "emulate", "--model", model, "--plan", "0* 5*", "--out", path("emu"), "--json", result)
	if want := "keep this file: " + path("emu.receipt.json"); !strings.Contains(said, want) || read[exchange.HandedOut](t, result).Receipt != path("emu.receipt.json") {
		t.Errorf("%q does not say %q", said, want)
	}
	must(t, "emulate", "--model", model, "--plan", "0* 3", "--out", path("other"), "--receipt", path("named.json"))
	fails(t, exitError, "--overwrite", "emulate", "--model", model, "--plan", "0* 3", "--out", path("third"), "--receipt", path("named.json"))
	fails(t, exitError, "is sent", "emulate", "--model", model, "--plan", "0* 3", "--out", path("third"), "--receipt", path("third/receipt.json"))
	for _, emulator := range []string{"emu", "other"} {
		must(t, "finetune", "--model", path(emulator), "--data", data, "--lr", "1e-3", "--steps", "1", "--out", path(emulator+"-run"))
	}
	plug := []string{"plug", "--model", model, "--adapter", path("emu-run"), "--out"}
	said, stderr := succeed(t, append(plug, path("tuned"), "--json", result)...)
	r := read[plugResult](t, result)
	if !strings.Contains(said, "held against the receipt "+path("emu.receipt.json")) || !strings.Contains(said, "‖Δ‖/‖T₀‖ layer 0 0.0") || stderr != "" ||
		r.Receipt != path("emu.receipt.json") || len(r.Changes) != 2 || r.Changes[1].Layer != 5 || !(r.Changes[1].Relative > 0) {
		t.Errorf("%q, %q, %+v", said, stderr, r)
	}
	if _, stderr = succeed(t, append(plug, path("again"))...); !strings.Contains(stderr, "plugged in before") {
		t.Errorf("plugged in twice: %q", stderr)
	}
	if said, stderr = succeed(t, append(plug, path("own"), "--receipt", "none")...); strings.Contains(said, "receipt") || !strings.Contains(stderr, path("emu-run/adapter")+": no receipt was held") {
		t.Errorf("without: %q, %q", said, stderr)
	}
	must(t, "eval", "--model", model, "--adapter", path("emu-run"), "--data", data, "--receipt", path("emu.receipt.json"))
	for _, args := range [][]string{append(plug, path("x"), "--receipt", path("named.json")),
		{"eval", "--model", model, "--adapter", path("emu-run"), "--data", data, "--receipt", path("named.json")}} {
		fails(t, exitError, "was trained in another emulator", args...)
	}
	fails(t, exitError, "needs the full model", "eval", "--model", path("emu"), "--adapter", path("emu-run"), "--data", data, "--receipt", path("emu.receipt.json"))

	// The other one's adapter for a frozen layer, its manifest made to fit.
	manifest := path("other-run/adapter/adapter.json")
	text := strings.ReplaceAll(string(contents(t, manifest)), `"0* 3"`, `"0 3*"`)
	if err := os.WriteFile(manifest, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := files.Seal(filepath.Dir(manifest)); err != nil {
		t.Fatal(err)
	}
	fails(t, exitError, `its plan is "0 3*", and 0* 3 was sent`, "plug", "--model", model, "--adapter", path("other-run"), "--receipt", path("named.json"), "--out", path("x"))
	if _, err := os.Stat(path("x")); err == nil || len(read[exchange.Receipt](t, path("emu.receipt.json")).PluggedIn) != 1 {
		t.Error("something refused was written or noted")
	}
}
