package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamina/crash/study"
	"lamina/internal/cases"
	"lamina/internal/heaptest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// TestPlannedMemoryIsThePeak: what a training is said to hold, before it begins, is within a
// tenth of the most that its process ever held, which the kernel counts.
func TestPlannedMemoryIsThePeak(t *testing.T) {
	if !heaptest.Counts {
		t.Skip("memory is counted without the race detector")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skipf("nobody says what a process held at most: %v", err)
	}
	dir := t.TempDir()
	llama, opt, small := filepath.Join(dir, "llama"), filepath.Join(dir, "opt"), filepath.Join(dir, "small")
	for path, config := range map[string]string{
		llama: `{"model_type": "llama", "vocab_size": 2000, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 8, "num_attention_heads": 4,
			"max_position_embeddings": 512, "rope_theta": 10000, "tie_word_embeddings": true}`,
		opt: `{"model_type": "opt", "vocab_size": 2000, "hidden_size": 256, "ffn_dim": 1024, "num_hidden_layers": 8, "num_attention_heads": 4,
			"max_position_embeddings": 512, "dropout": 0.1}`,
	} {
		c, err := transformer.ParseConfig([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		if err := transformer.New(c, nn.Init{Device: ref.New(), Seed: 1, Std: 0.02}).Save(path); err != nil {
			t.Fatal(err)
		}
	}
	succeed(t, "convert", "--model", llama, "--dtype", "bf16", "--out", small)
	var rows strings.Builder
	for i := range 16 { // of as many tokens, no two alike
		fmt.Fprintf(&rows, `{"context_ids":[%d%s],"target_ids":[%s7]}`+"\n", 5+i, strings.Repeat(",9", 180), strings.Repeat("8,", 59))
	}
	data, out := write(t, dir, "d.jsonl", rows.String()), filepath.Join(dir, "r.json")
	const last = " --plan 0+1+2+3+4+5*+6*+7*"
	runs := []string{
		"finetune --model " + opt + " --batch 2",
		"finetune --model " + llama + " --batch 8 --micro-batch 2 --recompute",
		"finetune --model " + llama + " --batch 4 --cache-prefix off" + last,
		"finetune --model " + llama + " --batch 4 --steps 6 --cache-prefix 64MiB" + last,
		"finetune --model " + llama + " --batch 4 --peft lora",
		"finetune --model " + small + " --batch 8 --peft lora --steps 6 --cache-prefix 64MiB" + last,
		"distill --model " + llama + " --batch 4 --plan 0*+1+3+5+7* --train norms",
	}
	if models := os.Getenv("LAMINA_MODELS"); models != "" { // of quantised weights
		runs = append(runs, "finetune --model "+filepath.Join(models, "SmolLM2-135M-Instruct.Q4_1.gguf")+" --batch 4 --peft lora")
	}
	for i, flags := range runs {
		if i%cases.Each(3) != 0 {
			continue
		}
		args := strings.Fields(flags)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "+", " ")
		}
		if !strings.Contains(flags, "--steps") {
			args = append(args, "--steps", "2")
		}
		p := begin(t, append(args, "--data", data, "--lr", "1e-4", "--threads", "2", "--out", filepath.Join(dir, fmt.Sprint("run", i)), "--json", out)...)
		peak := peakOf(p)
		if code := p.ProcessState.ExitCode(); code != 0 {
			t.Fatalf("%s: exit %d: %s", flags, code, p.stderr.String())
		}
		planned := read[struct {
			Planned study.Planned `json:"planned_memory"`
		}](t, out).Planned
		off := float64(planned.Total)/float64(peak) - 1
		t.Logf("%s: %d MiB planned, %d MiB at the peak, %+.1f%%", strings.ReplaceAll(flags, dir+"/", ""), planned.Total>>20, peak>>20, 100*off)
		if off < -0.1 || off > 0.1 {
			t.Errorf("%s: %+v planned, %d bytes at the peak: %+.1f%%", flags, planned, peak, 100*off)
		}
	}
}

// peakOf waits for a process and returns the most that it held, looked at every two
// milliseconds: the number never falls.
func peakOf(p *process) (peak int) {
	ended := make(chan struct{})
	go func() { p.end(); close(ended) }()
	for {
		select {
		case <-ended:
			return peak
		case <-time.After(2 * time.Millisecond):
			peak = max(peak, highWater(p.Process.Pid))
		}
	}
}

// highWater reads VmHWM of a process, in bytes; 0 if it is gone.
func highWater(pid int) int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")))
			return kib << 10
		}
	}
	return 0
}
