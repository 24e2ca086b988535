package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
)

// simulated are GPUs of package cudatest, one for each command.
type simulated struct{ t *testing.T }

func (s simulated) open(number int, precision kernels.Precision) (*gpu, error) {
	be := cudatest.Open(s.t, cudatest.Options{Clean: true})
	return &gpu{Backend: be, notes: func() []string { return []string{"a product was refused"} }, overhead: int(be.Overhead())}, nil
}

func (s simulated) choose(precision kernels.Precision) (*gpu, string) {
	g, _ := s.open(0, precision)
	return g, ""
}

func (simulated) describe() cudaDescription { return cudaDescription{Built: true} }

// table is what eval prints, without the line that says how long it took.
func table(text string) string { return text[:strings.LastIndex(text, "arc_easy: ")] }

// TestCommandsOnASimulatedGPU: what commands write is what it is on the CPU, to the bars of
// whole models (docs/numerics.md): nothing of them takes a device's memory for the process's.
func TestCommandsOnASimulatedGPU(t *testing.T) {
	was := cudaGraphics
	cudaGraphics = simulated{t}
	t.Cleanup(func() { cudaGraphics = was })
	model, mixed, dir := tinyModel(t), golden("gguf/mixed.gguf"), t.TempDir()
	data, docs := write(t, dir, "train.jsonl", manyQuestions(8)), write(t, dir, "docs.jsonl", manyQuestions(3))
	tokens := write(t, dir, "tokens.json", "[[1,5,9,40],[3,7]]")
	both := func(command string, args ...string) (gpu, cpu string, texts [2]string) {
		t.Helper()
		gpu, cpu = filepath.Join(dir, command+"-gpu"), filepath.Join(dir, command+"-cpu")
		for i, path := range []string{gpu, cpu} {
			line := append(append([]string{command}, args...), "--device", [...]string{"auto", "cpu"}[i], "--json", path+".json")
			if command == "finetune" {
				line = append(line, "--out", path)
			}
			texts[i] = must(t, line...)
		}
		return gpu + ".json", cpu + ".json", texts
	}

	a, b, _ := both("logits", "--model", model, "--tokens", tokens)
	got, want := read[[][][]float64](t, a), read[[][][]float64](t, b)
	for i := range want {
		for j := range want[i] {
			for k, v := range want[i][j] {
				if d := math.Abs(got[i][j][k] - v); !(d <= 1e-4) {
					t.Fatalf("logit %d of token %d of row %d is %v, on the CPU %v", k, j, i, got[i][j][k], v)
				}
			}
		}
	}
	for _, from := range []string{model, mixed} {
		if _, _, text := both("generate", "--model", from, "--prompt", "a small cat", "--max-tokens", "4"); text[0] != text[1] {
			t.Errorf("%s goes on by %q, on the CPU by %q", from, text[0], text[1])
		}
	}
	if _, _, text := both("eval", "--model", model, "--data", docs, "--task", "arc_easy"); table(text[0]) != table(text[1]) {
		t.Errorf("eval says\n%s\nand on the CPU\n%s", text[0], text[1])
	}
	type alike struct{ Matrix [][]float64 }
	a, b, _ = both("similarity", "--model", model, "--data", docs)
	for i, row := range read[alike](t, b).Matrix {
		for j, v := range row {
			if d := math.Abs(read[alike](t, a).Matrix[i][j] - v); !(d <= 1e-5) {
				t.Errorf("similarity of %d and %d is off by %v", i, j, d)
			}
		}
	}
	for _, args := range [][]string{{"--model", model, "--plan", "0* 2 5*"}, {"--model", mixed, "--peft", "lora", "--rank", "2", "--profile"}} {
		a, b, _ = both("finetune", append(args, "--data", data, "--lr=1e-3", "--steps=2", "--batch=2", "--overwrite")...)
		got, want := read[study.Finetuned](t, a), read[study.Finetuned](t, b)
		if d := math.Abs(got.Outcome.Loss-want.Outcome.Loss) / want.Outcome.Loss; !(d <= 1e-4) || got.Trained != want.Trained {
			t.Errorf("%v: loss %v, on the CPU %v", args, got.Outcome.Loss, want.Outcome.Loss)
		}
	}
	if text := must(t, "info", "--model", model, "--device", "cuda", "--batch", "2"); !strings.Contains(text, "cuda/sm_90/NVIDIA-H200") || !strings.Contains(text, "which fits") {
		t.Errorf("info says %s", text)
	}
}
