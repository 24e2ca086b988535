package main

import (
	"os"
	"path/filepath"
	"testing"

	"lamina/internal/heaptest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// TestLensStreamsTwiceItsMemory: of a model streamed block by block the process never holds
// as much as half of its weights, its lens's and its own bytes included.
func TestLensStreamsTwiceItsMemory(t *testing.T) {
	if !heaptest.Counts {
		t.Skip("memory is counted without the race detector")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skipf("nobody says what a process held at most: %v", err)
	}
	dir := t.TempDir()
	c, err := transformer.ParseConfig([]byte(`{"model_type": "llama", "vocab_size": 420, "hidden_size": 256, "intermediate_size": 3072, "num_hidden_layers": 16,
		"num_attention_heads": 4, "max_position_embeddings": 64, "tie_word_embeddings": true}`))
	if err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(dir, "model")
	if err := transformer.New(c, nn.Init{Device: ref.New(), Seed: 1, Std: 0.02}).Save(model); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(model, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	data := write(t, dir, "d.jsonl", `{"context_ids":[5,6,7],"target_ids":[8,9,10]}`+"\n"+`{"context_ids":[15],"target_ids":[18,9]}`+"\n")
	p := begin(t, "lens", "distances", "--model", model, "--data", data, "--stream", "--threads", "1", "--json", filepath.Join(dir, "r.json"))
	peak := peakOf(p)
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("exit %d: %s", code, p.stderr.String())
	}
	t.Logf("weights of %d MiB, %d MiB at the peak", info.Size()>>20, peak>>20)
	if peak == 0 || int64(peak) > info.Size()/2 {
		t.Errorf("%d bytes at the peak of a model of %d", peak, info.Size())
	}
}
