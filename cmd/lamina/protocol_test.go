package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

func TestPlanFromSimilarity(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, sim, out := write(t, dir, "d.jsonl", questions), filepath.Join(dir, "sim.json"), filepath.Join(dir, "plan.json")
	must(t, "similarity", "--model", model, "--data", data, "--samples", "4", "--json", sim)
	s := read[measure.Similarity](t, sim)
	if len(s.Matrix) != 7 || s.Metric != "cka" || s.Samples != 4 || s.Pooling != measure.PoolMeanWeighted {
		t.Fatalf("%+v", s)
	}
	printed := must(t, "plan", "crash", "--similarity", sim, "--keep", "4", "--trainable", "2", "--json", out)
	p := read[plan.File](t, out)
	if strings.TrimSpace(printed) != p.Plan.String() || len(p.Kept) != 4 || len(p.Trainable) != 2 || len(p.Clusters) != 4 || len(p.Centres) != 4 || p.Layers != 6 {
		t.Errorf("%+v, printed %q", p, printed)
	}
	_, _, stderr := lamina(t, "plan", "crash", "--similarity", sim, "--keep", "4", "--trainable", "2")
	var lines []string
	for i, c := range p.Clusters {
		run := strconv.Itoa(c[0])
		if len(c) > 1 {
			run += "-" + strconv.Itoa(c[len(c)-1])
		}
		lines = append(lines, run)
		if p.Kept[i] != p.Centres[i] {
			t.Errorf("kept %v, centres %v", p.Kept, p.Centres)
		}
	}
	if want := "clusters: " + strings.Join(lines, " | ") + "\ncentres: " + strings.Trim(fmt.Sprint(p.Centres), "[]") + "\n"; !strings.HasSuffix(stderr, want) {
		t.Errorf("standard error %q, want %q", stderr, want)
	}
	for _, c := range []struct{ args, want string }{
		{"uniform --layers 6 --keep 4 --trainable 2", "0* 1 4 5*"},
		{"uniform --layers 12 --keep 6 --trainable 3 --share all", "0* 1* 2 2 6 6 6 6 10 10 10 11*"},
		{"random --layers 6 --keep 6 --trainable 1", "0 1 2 3 4 5*"},
	} {
		if got := strings.TrimSpace(must(t, append([]string{"plan"}, strings.Fields(c.args)...)...)); got != c.want {
			t.Errorf("plan %s: %q, want %q", c.args, got, c.want)
		}
	}
}

// An emulator whose blocks were never trained gives the full model back, bit for
// bit.
func TestUntrainedPlugChangesNothing(t *testing.T) {
	for _, model := range []string{tinyModel(t), golden("opt-f16"), golden("gpt2-f16"), golden("bloom-bf16")} {
		dir := t.TempDir()
		emulator, adapter, plugged := filepath.Join(dir, "emu"), filepath.Join(dir, "adapter"), filepath.Join(dir, "plugged")
		must(t, "emulate", "--model", model, "--plan", "0* 1*", "--share", "all", "--out", emulator)
		be := ref.New()
		c, err := transformer.Open(emulator)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		e, m, err := emulate.Open(c, be)
		if err != nil {
			t.Fatal(err)
		}
		tensor.Must(nn.Trainable(be, e.Params())).Freeze() // widens what is stored in 16 bits, as training does
		if err := exchange.SaveAdapter(adapter, exchange.Manifest{Plan: m.Plan, Base: m.Base, Origin: e.Origin}, e.Params()); err != nil {
			t.Fatal(err)
		}
		must(t, "plug", "--model", model, "--adapter", adapter, "--out", plugged)
		tokens := write(t, dir, "t.json", "[[3,1,4,1,5,9,2,6],[5,3]]")
		if !equalLogits(logits(t, model, tokens), logits(t, plugged, tokens)) {
			t.Errorf("%s: plugging untrained blocks changed the logits", model)
		}
	}
}

func TestFinetuneEmulatorAndPlug(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, out, plugged := filepath.Join(dir, "emu"), filepath.Join(dir, "run"), filepath.Join(dir, "plugged")
	data, tokens := write(t, dir, "d.jsonl", questions), write(t, dir, "t.json", "[[3,1,4,1,5]]")
	result := filepath.Join(dir, "m.json")
	must(t, "emulate", "--model", model, "--plan", "1 2* 4*", "--out", emulator)
	before := logits(t, emulator, tokens)
	must(t, "finetune", "--model", emulator, "--data", data, "--valid", data, "--lr", "1e-2", "--steps", "2", "--batch", "3", "--out", out, "--json", result)
	r := read[study.Finetuned](t, result)
	if r.Step != 2 || !(r.Loss > 0) || r.GradNorm == 0 || !(r.ValidLoss > 0) || r.Examples != 4 || r.Outcome.Steps != 2 {
		t.Errorf("%+v", r)
	}
	must(t, "plug", "--model", model, "--adapter", out, "--out", plugged)
	if equalLogits(logits(t, model, tokens), logits(t, plugged, tokens)) {
		t.Error("training changed no logit of the full model")
	}
	if !equalLogits(before, logits(t, emulator, tokens)) {
		t.Error("finetune changed the emulator's files")
	}
	// The adapter names tensors by their layers in the full model.
	a, err := exchange.OpenAdapter(out)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, name := range a.Manifest.Tensors {
		if layer, ok := layerOf(name); !ok || layer != 2 && layer != 4 {
			t.Errorf("the adapter holds %s", name)
		}
	}
	// Scoring with the adapter is scoring the plugged model.
	with, without := filepath.Join(dir, "with.json"), filepath.Join(dir, "without.json")
	must(t, "eval", "--model", model, "--adapter", out, "--data", data, "--json", with)
	must(t, "eval", "--model", plugged, "--data", data, "--json", without)
	type rows struct{ Rows [][][2]any }
	x, y := read[rows](t, with), read[rows](t, without)
	for i := range x.Rows {
		for j := range x.Rows[i] {
			if x.Rows[i][j] != y.Rows[i][j] {
				t.Errorf("row %d, choice %d: %v with the adapter, %v plugged", i, j, x.Rows[i][j], y.Rows[i][j])
			}
		}
	}
	// A finished run is not trained again.
	must(t, "finetune", "--model", emulator, "--data", data, "--valid", data, "--lr", "1e-2", "--steps", "2", "--batch", "3", "--out", out, "--json", result)
	if again := read[study.Finetuned](t, result); again.Loss != r.Loss || again.Step != 2 {
		t.Errorf("the second run says %+v, the first %+v", again.Metrics, r.Metrics)
	}
}

func TestFinetuneEverything(t *testing.T) {
	dir := t.TempDir()
	out, plugged := filepath.Join(dir, "run"), filepath.Join(dir, "plugged")
	data := write(t, dir, "d.jsonl", `{"context_ids": [5, 6], "target_ids": [7, 8]}`+"\n")
	must(t, "finetune", "--model", golden("opt-prenorm"), "--data", data, "--lr", "1e-2", "--epochs", "2", "--out", out, "--profile")
	must(t, "plug", "--model", golden("opt-prenorm"), "--adapter", out, "--out", plugged)
	score := func(model string) float64 {
		json := filepath.Join(dir, "e.json")
		must(t, "eval", "--model", model, "--data", data, "--json", json)
		return read[struct{ Rows [][][2]any }](t, json).Rows[0][0][0].(float64)
	}
	if before, after := score(golden("opt-prenorm")), score(plugged); !(after > before) {
		t.Errorf("log-probability %v before and %v after training on it", before, after)
	}
}

// countdown is a context that ends at its n-th question, wherever that is.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestInterruptedFinetuneGoesOn(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", questions)
	args := func(out string) []string {
		return []string{"finetune", "--model", model, "--plan", "0 3*", "--data", data, "--lr", "1e-2", "--steps", "6", "--batch", "2", "--dropout", "0.1", "--out", out}
	}
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	must(t, args(whole)...)
	code, stdout, stderr := laminaContext(t, &countdown{context.Background(), 3}, args(cut)...)
	stderr = unwarned(stderr)
	if code != exitInterrupt || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "again") || !strings.Contains(stderr, cut) {
		t.Fatalf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(cut, "adapter")); err == nil {
		t.Error("an unfinished run has an adapter")
	}
	// Other settings are refused with the difference.
	code, _, stderr = lamina(t, append(args(cut), "--seed", "7")...)
	if code != exitError || !strings.Contains(stderr, "seed") {
		t.Errorf("another seed: exit %d, %s", code, stderr)
	}
	must(t, args(cut)...)
	for _, name := range []string{"adapter.safetensors", "adapter.json"} {
		a, errA := os.ReadFile(filepath.Join(whole, "adapter", name))
		b, errB := os.ReadFile(filepath.Join(cut, "adapter", name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs between a whole run and one that was cut (%v, %v)", name, errA, errB)
		}
	}
	must(t, append(args(cut), "--seed", "7", "--overwrite")...)
}

// layerOf returns the block that a tensor belongs to.
func layerOf(name string) (layer int, ok bool) {
	_, after, found := strings.Cut(name, "layers.")
	if !found {
		return 0, false
	}
	digits, _, _ := strings.Cut(after, ".")
	layer, err := strconv.Atoi(digits)
	return layer, err == nil
}
