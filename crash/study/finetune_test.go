package study_test

import (
	"slices"
	"strings"
	"testing"

	"lamina/crash/study"
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
		if err := study.CheckMemory(run, c.ProcessMemory(), available); err != nil {
			t.Errorf("%d bytes available, %d needed: %v", available, need, err)
		}
	}
	for available, want := range map[int]string{need - 1: "--micro-batch 1 --recompute takes", 1 << 20: "too much as well"} {
		if err := study.CheckMemory(run, c.ProcessMemory(), available); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--overcommit") {
			t.Errorf("%d bytes available, %d needed: %v", available, need, err)
		}
	}
	if run.Recompute || run.Settings.MicroBatch != 0 {
		t.Error("the check changes the run")
	}
}
