package study_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn/optim"
	"lamina/transformer"
)

// distillation opens a model and loads a distillation of it.
func distillation(t *testing.T, be kernels.Backend, model, plan string, kind distill.Kind, lr float64) (*study.Distillation, error) {
	t.Helper()
	c, err := transformer.Open(filepath.Join(crashtest.Models, model))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	m, err := exchange.OpenModel(c, be)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "texts.jsonl")
	rows := strings.Repeat(`{"context_ids":[5,6,7],"target_ids":[8,9,10]}`+"\n"+`{"context_ids":[15,4],"target_ids":[8,9,10,11]}`+"\n", 3)
	if err := os.WriteFile(path, []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	d := &study.Distillation{
		Finetuning: study.Finetuning{
			Model: m, Name: model, Data: study.Data{Train: eval.Data{Path: path}, MaxLength: 32},
			Trainer: &train.Trainer{Backend: be, Settings: train.Settings{LR: lr, Steps: 3, Batch: 4, Schedule: optim.Constant, Clip: 1, Seed: 2}},
		},
		Plan: crashtest.Plan(t, plan), Share: "none", Kind: kind, Weights: kind.Weights(),
	}
	t.Cleanup(d.Close)
	return d, d.Load(t.Context())
}

// TestCheckedRowsWereNotFittedTo: losses before and after are told of rows behind those that maps
// were fitted to, if there are any.
func TestCheckedRowsWereNotFittedTo(t *testing.T) {
	rows := make([][]int32, 300)
	for i := range rows {
		rows[i] = []int32{int32(i)}
	}
	for _, c := range []struct{ rows, fitted, first, n int }{{300, 128, 128, 64}, {130, 128, 128, 2}, {128, 128, 0, 64}, {5, 5, 0, 5}} {
		got := study.CheckedRows(rows[:c.rows], c.fitted)
		if len(got) != c.n || got[0][0] != int32(c.first) {
			t.Errorf("of %d rows, %d of them fitted to: %d from %d, want %d from %d", c.rows, c.fitted, len(got), got[0][0], c.n, c.first)
		}
	}
}

// TestDistilledIsWhatIsWritten: the emulator that is opened again computes, to the bit, what
// the one that was trained does, of every family and kind, and the model what it did.
func TestDistilledIsWhatIsWritten(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	plans := map[string]string{"norms": "0* 1 1", "frozen": "0* 1 1", "harmonizers": "0*", "fit": "0* 0", "trained": "0* 1 1", "trained-norms": "0* 1 1"}
	for _, model := range []string{"llama-gqa-tied", "opt-f16", "gpt2-f16", "bloom-bf16", "opt-350m-like"} {
		for _, kind := range distill.Kinds {
			name := model + ", " + kind.Name
			d, err := distillation(t, be, model, plans[kind.Name], kind, 1e-2)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			full := crashtest.Logits(be, d.Model.Decoder)
			before, err := d.Health(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "run")
			dir, err := d.Open(out, false)
			if err != nil {
				t.Fatal(err)
			}
			outcome, err := d.Run(context.Background(), &study.Watcher{Out: &strings.Builder{}})
			dir.Close()
			if err != nil {
				t.Fatal(err)
			}
			emulator := filepath.Join(out, "emulator")
			r, err := d.Finish(t.Context(), out, outcome, before, emulator, exchange.ReceiptFile(emulator), emulate.Options{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := crashtest.Logits(be, d.Part.Decoder)
			c, err := transformer.Open(emulator)
			if err != nil {
				t.Fatal(err)
			}
			e, _, err := emulate.Open(c, be)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			crashtest.Same(t, name, crashtest.Logits(be, e.Decoder), want)
			crashtest.Same(t, name+": the model", crashtest.Logits(be, d.Model.Decoder), full)
			said := r.Emulator.Distilled
			if kind.Repairs {
				said = r.Emulator.Repaired
			}
			if e.HeldParams() != r.Emulator.HeldParams || said == nil || r.Trained != said.Params || r.Trained == 0 {
				t.Errorf("%s: %d weights held, %d said; %d trained, %+v said", name, e.HeldParams(), r.Emulator.HeldParams, r.Trained, said)
			}
			c.Close()
		}
	}
}

// TestDistillationWarns of weights that a fit to gaps does not have.
func TestDistillationWarns(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for plan, kind := range map[string]distill.Kind{"0* 0": distill.Fit, "0* 1 1": distill.Norms} {
		d, err := distillation(t, be, "llama-gqa-tied", plan, kind, 1e-2)
		if err != nil {
			t.Fatal(err)
		}
		const says = "--lm, --kd, --ppd and --sigma change nothing"
		if text := strings.Join(d.Warnings(), " "); strings.Contains(text, says) {
			t.Errorf("%s by default: %q", kind.Name, text)
		}
		d.Weights.KD = 3
		if text := strings.Join(d.Warnings(), " "); strings.Contains(text, says) != kind.Local {
			t.Errorf("%s: %q", kind.Name, text)
		}
	}
}
