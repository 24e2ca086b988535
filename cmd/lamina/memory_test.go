package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer"
)

func TestTrainingThatDoesNotFitIsRefused(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	c, err := transformer.ParseConfig([]byte(`{"model_type":"opt","vocab_size":90,"hidden_size":64,"num_hidden_layers":8,
		"num_attention_heads":4,"ffn_dim":256,"max_position_embeddings":64}`))
	if err != nil {
		t.Fatal(err)
	}
	d := transformer.New(c, nn.Init{Device: be, Seed: 1, Std: 0.02})
	run := &train.Trainer{Params: d.Params(), Held: d.Params(), Settings: train.Settings{LR: 1, Steps: 1, Batch: 4, Schedule: optim.Constant}}
	if run.Train, err = train.NewNextToken(d, slices.Repeat([]task.Pair{{Context: make([]int32, 60), Target: make([]int32, 4)}}, 4)); err != nil {
		t.Fatal(err)
	}
	m, err := run.Memory()
	if err != nil {
		t.Fatal(err)
	}
	need := m.Total() + c.ProcessMemory()
	for _, available := range []int{0, need, need + 1} {
		if err := checkMemory(run, c.ProcessMemory(), available); err != nil {
			t.Errorf("%d bytes available, %d needed: %v", available, need, err)
		}
	}
	for available, want := range map[int]string{need - 1: "--micro-batch 1 --recompute takes", 1 << 20: "too much as well"} {
		if err := checkMemory(run, c.ProcessMemory(), available); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--overcommit") {
			t.Errorf("%d bytes available, %d needed: %v", available, need, err)
		}
	}
	if run.Recompute || run.Settings.MicroBatch != 0 {
		t.Error("the check changes the run")
	}
}

// TestInfoAgreesWithFinetune: what info says of activations is what finetune holds,
// for the same examples.
func TestInfoAgreesWithFinetune(t *testing.T) {
	dir, model := t.TempDir(), tinyModel(t)
	tokens := strings.Repeat(`{"context_ids":[1,2,3,4,5,6,7],"target_ids":[8,9,10]}`+"\n", 4)
	data, out := write(t, dir, "d.jsonl", tokens), filepath.Join(dir, "r.json")
	for _, c := range []struct {
		model string
		flags []string
	}{
		{model, []string{"--plan", "0* 2 5*"}}, {model, []string{"--plan", "0* 2 5*", "--recompute"}}, {model, []string{"--micro-batch", "2"}},
		{golden("gpt2-tied"), []string{"--plan", "0* 1"}}, {golden("bloom-six"), []string{"--plan", "0* 1"}},
	} {
		model, flags := c.model, c.flags
		must(t, append([]string{"info", "--model", model, "--batch", "4", "--max-length", "9", "--targets", "3", "--json", out}, flags...)...)
		want := read[infoResult](t, out).Memory
		must(t, append([]string{"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "2", "--batch", "4", "--overwrite",
			"--out", filepath.Join(dir, "run"), "--json", out}, flags...)...)
		got := read[finetuneResult](t, out)
		if got.Trained != want.Trainable || got.Outcome.PeakBytes > want.Activations || 10*got.Outcome.PeakBytes < 5*want.Activations {
			t.Errorf("%v: %d weights and %d bytes at the peak, info says %+v", flags, got.Trained, got.Outcome.PeakBytes, want)
		}
		if want.Training != want.Held+want.Optimiser+want.Activations+want.Process || want.TokensBatch != 36 {
			t.Errorf("%v: %+v does not add up", flags, want)
		}
	}
	for _, wrong := range [][]string{{"--batch", "0"}, {"--max-length", "4", "--targets", "5"}, {"--targets", "-1"}} {
		if code, _, _ := lamina(t, append([]string{"info", "--model", model}, wrong...)...); code != exitUsage {
			t.Errorf("info %v: exit %d", wrong, code)
		}
	}
}
