package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/emulate"
	"lamina/crash/study"
	"lamina/crash/train"
)

// distilling is a distillation of the tiny model on some texts.
func distilling(t *testing.T, model, dir string, more ...string) []string {
	t.Helper()
	texts := write(t, dir, "texts.jsonl", `{"text": "a small cat is white and old"}`+"\n"+`{"text": "they say that the day is long"}`+"\n"+`{"text": "no, it was not"}`+"\n")
	return append([]string{"distill", "--model", model, "--plan", "0* 2 2 5*", "--data", texts, "--lr", "1e-2", "--steps", "5", "--batch", "2"}, more...)
}

// TestDistillFromHouseToHouse: an emulator is distilled, says so, gives away no more than
// what is still the model's, is trained by the other house and comes back. T is the
// model's: what was not trained there changes no logit of the model.
func TestDistillFromHouseToHouse(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	tokens, data := write(t, dir, "t.json", "[[3,1,4,1,5,9,2,6],[5,3]]"), write(t, dir, "d.jsonl", questions)
	valid := write(t, dir, "valid.jsonl", `{"text": "the day is short, they say"}`+"\n")
	must(t, "emulate", "--model", model, "--plan", "0* 2 2 5*", "--out", path("plain"))
	for _, kind := range []string{"norms", "frozen"} {
		out := path(kind)
		said := must(t, distilling(t, model, dir, "--train", kind, "--valid", valid, "--out", out, "--json", path("r.json"))...)
		r := read[study.Distilled](t, path("r.json"))
		e := r.Emulator
		if e.Distilled == nil || e.Distilled.Train != kind || e.Distilled.Steps != 5 || len(e.Distilled.Data) != 64 || r.Terms["lm"] == 0 || e.Health.Emulator == r.Before.Emulator {
			t.Errorf("%s: %+v", kind, r)
		}
		for _, want := range []string{"its frozen part was distilled (" + kind, "before distillation, the emulator's loss is", "lm ", "kept the weights of step",
			"of the layers left out and of the texts it has what training made of its frozen part, and nothing else"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q does not say %q", kind, said, want)
			}
		}
		plain := read[emulate.Manifest](t, path("plain/lamina.json"))
		if !(e.ExactShare < plain.ExactShare) || e.HeldParams != plain.HeldParams || e.Base != plain.Base {
			t.Errorf("%s: exact %v of %v, held %d of %d", kind, e.ExactShare, plain.ExactShare, e.HeldParams, plain.HeldParams)
		}
		if equalLogits(logits(t, out+"/emulator", tokens), logits(t, path("plain"), tokens)) {
			t.Errorf("%s: the emulator is the one that was not distilled", kind)
		}
		lines, err := train.ReadMetrics(out)
		if err != nil || len(lines) != 5+4 || // steps, and validations after 0, 2, 4 and 5
			len(lines[0].Terms) != 3 {
			t.Errorf("%s: metrics %v, %v", kind, lines, err)
		}
		for i, lr := range []string{"1e-30", "1e-2"} { // the first changes no weight
			run, tuned := path(kind+"-run"+lr), path(kind+"-tuned"+lr)
			must(t, "finetune", "--model", out+"/emulator", "--data", data, "--lr", lr, "--steps", "1", "--out", run)
			must(t, "plug", "--model", model, "--adapter", run, "--receipt", out+"/emulator.receipt.json", "--out", tuned)
			if same := equalLogits(logits(t, model, tokens), logits(t, tuned, tokens)); same != (i == 0) {
				t.Errorf("%s, rate %s: the model's logits are the same: %t", kind, lr, same)
			}
		}
	}
}

// TestDistillWhatIsNoLayer: emulators with maps in their gaps and layers made smaller are
// distilled, written, trained by the other house and plugged in; T that was not trained
// changes no logit of the model.
func TestDistillWhatIsNoLayer(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	tokens, data := write(t, dir, "t.json", "[[3,1,4,1,5,9,2,6],[5,3]]"), write(t, dir, "d.jsonl", questions)
	for kind, c := range map[string]struct {
		more []string
		plan string
	}{
		"harmonizers": {nil, "0* ~harmonizer 2 2 ~harmonizer 5*"},
		"norms":       {[]string{"--repair", "patch"}, "0* ~patch 2 2 ~patch 5*"},
		"frozen":      {[]string{"--compress", "svd0.5"}, "0* 2:svd0.5 2:svd0.5 5*"},
		"fit":         {[]string{"--plan", "0* 1 5*"}, "0* 1 5*"},
	} {
		out := filepath.Join(dir, kind)
		said := must(t, distilling(t, model, dir, append([]string{"--train", kind, "--out", out}, c.more...)...)...)
		if fitted := strings.Contains(said, "it has what fits and training made of its frozen part"); fitted != (kind == "norms") || strings.Contains(said, "nothing in it is of data") {
			t.Errorf("%s: %q", kind, said)
		}
		m := read[emulate.Manifest](t, out+"/emulator/lamina.json")
		if m.Plan.String() != c.plan || m.Distilled.Train != kind || (m.Distilled.KD > 0) != (kind != "fit") {
			t.Errorf("%s: plan %s, want %s, %+v", kind, m.Plan, c.plan, m.Distilled)
		}
		lines, err := train.ReadMetrics(out)
		if first, last := lines[0].Loss, lines[len(lines)-1].Loss; err != nil || !(last < first) {
			t.Errorf("%s: loss %v, then %v (%v)", kind, first, last, err)
		}
		run, tuned := out+"-run", out+"-tuned"
		must(t, "finetune", "--model", out+"/emulator", "--data", data, "--lr", "1e-30", "--steps", "1", "--out", run)
		must(t, "plug", "--model", model, "--adapter", run, "--receipt", out+"/emulator.receipt.json", "--out", tuned)
		if !equalLogits(logits(t, model, tokens), logits(t, tuned, tokens)) {
			t.Errorf("%s: plugging untrained blocks changed the logits", kind)
		}
	}
}

// TestInterruptedDistillGoesOn: stopped wherever it looks, it saves or says that nothing
// was, writes no emulator, and goes on to the same bytes; another setting is refused.
func TestInterruptedDistillGoesOn(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	whole := filepath.Join(dir, "whole")
	must(t, distilling(t, model, dir, "--out", whole)...)
	want := contents(t, filepath.Join(whole, "emulator", "model.safetensors"))
	saved := 0
	for left := 0; ; left++ {
		cut := filepath.Join(t.TempDir(), "cut")
		args := distilling(t, model, dir, "--out", cut)
		code, stdout, stderr := laminaContext(t, &countdown{context.Background(), left}, args...)
		stderr = errorOf(stderr)
		if code == 0 {
			break
		}
		if code != exitInterrupt || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Fatalf("look %d: exit %d, stdout %q, stderr %q", left, code, stdout, stderr)
		}
		if _, err := os.Stat(filepath.Join(cut, "emulator")); err == nil {
			t.Errorf("look %d: a distillation that was stopped has an emulator", left)
		}
		if strings.Contains(stderr, "saved in") {
			saved++
			fails(t, exitError, "sigma", append(args, "--sigma", "0.5")...)
		}
		must(t, args...)
		if got := contents(t, filepath.Join(cut, "emulator", "model.safetensors")); !bytes.Equal(got, want) {
			t.Errorf("look %d: the emulator is another", left)
		}
	}
	if saved < 5+2 { // steps, and the losses behind them
		t.Errorf("%d stops saved a run of five steps", saved)
	}
}

// TestBadDistill: one line, and nothing is written.
func TestBadDistill(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	out := filepath.Join(dir, "out")
	ids := write(t, dir, "ids.jsonl", `{"context_ids": [1], "target_ids": [420]}`+"\n")
	blank := write(t, dir, "blank.jsonl", `{"text": ""}`+"\n")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", filepath.Join(dir, "emu"))
	there := filepath.Join(dir, "there")
	if err := os.Mkdir(there, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, there, "a file", "of somebody")
	for want, more := range map[string][]string{
		"--sigma -1":              {"--sigma", "-1"},
		"--kd -0.5":               {"--kd", "-0.5"},
		"nothing is left":         {"--lm", "0", "--kd", "0", "--ppd", "0"},
		"--dropout 0.1":           {"--dropout", "0.1"},
		"must be one of":          {"--train", "everything"},
		"star a layer":            {"--plan", "0 2 5"},
		"nothing in it trains":    {"--plan", "0* 5*"},
		"no gap for a harmonizer": {"--plan", "0* 1 2 3 4 5*", "--train", "harmonizers"},
		"no frozen place stands":  {"--plan", "0* 5*", "--train", "fit"},
		"420":                     {"--data", ids},
		"\"text\": empty":         {"--data", blank},
		"is an emulator":          {"--model", filepath.Join(dir, "emu")},
		"lower --lr":              {"--lr", "1e30", "--clip", "0"},
		"there: exists":           {"--emulator", there},
		"that it is an emulator":  {"--emulator", there, "--overwrite"},
		"the receipt is kept":     {"--receipt", filepath.Join(out, "emulator", "r.json")},
	} {
		args := distilling(t, model, dir, append([]string{"--out", out}, more...)...)
		code, stdout, stderr := lamina(t, args...)
		if stderr = errorOf(stderr); code == 0 || stdout != "" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q, %q, want %q", more, code, stdout, stderr, want)
		}
		if _, err := os.Stat(filepath.Join(out, "emulator")); err == nil {
			t.Errorf("%v: an emulator was written", more)
		}
		os.RemoveAll(out)
	}
}
