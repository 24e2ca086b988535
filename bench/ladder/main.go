// Command ladder trains language models of growing size on one text, all in the same way, so
// that their layers can be compared: does a larger model fall into blocks more clearly, as
// the paper says of models it did not train?
//
//	go run ./bench/ladder -train wikitext-2/valid.txt -held wikitext-2/test.txt -out ladder
//	lamina similarity --model ladder/6x48 --model … --data ladder/held.jsonl --metric cka-debiased --plot ladder.png
//
// The models are small LLaMAs of bytes, L layers of width D, called LxD; beside each stands
// LxD-untrained, the same before its first step, which is the control. Rows are windows of
// 128 bytes. What is there is not made again. The last line is the command that compares
// them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/internal/progress"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer"
)

// sizes are the rungs: layers and width.
var sizes = [][2]int{{6, 48}, {8, 64}, {10, 96}, {12, 128}}

const (
	window    = 128 // bytes of a row
	heldRows  = 256
	validRows = 32 // of them, whose loss is told
	headWidth = 16
)

// ladder is what is asked for.
type ladder struct {
	train, held, out string
	steps, threads   int
	lr               float64
}

func main() {
	var l ladder
	flag.StringVar(&l.train, "train", "", "text that the models learn")
	flag.StringVar(&l.held, "held", "", "text that their layers are compared on")
	flag.StringVar(&l.out, "out", "out/ladder", "folder of the models; what is there is not made again")
	flag.IntVar(&l.steps, "steps", 120, "steps of 16 rows each")
	flag.IntVar(&l.threads, "threads", 1, "goroutines that compute at once")
	flag.Float64Var(&l.lr, "lr", 3e-3, "largest learning rate")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := l.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ladder:", err)
		os.Exit(1)
	}
}

func (l ladder) run(ctx context.Context) error {
	rows, err := windows(l.train, 0)
	if err != nil {
		return err
	}
	held, err := windows(l.held, heldRows)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.out, 0o777); err != nil {
		return err
	}
	if err := l.write(held); err != nil {
		return err
	}
	command := "lamina similarity"
	for _, size := range sizes {
		if err := l.rung(ctx, size[0], size[1], rows, held); err != nil {
			return err
		}
		command += " --model " + l.path(size, "")
	}
	fmt.Printf("%s --data %s --metric cka-debiased --json %s\n", command, filepath.Join(l.out, "held.jsonl"), filepath.Join(l.out, "ladder.json"))
	return nil
}

func (l ladder) path(size [2]int, more string) string {
	return filepath.Join(l.out, fmt.Sprintf("%dx%d%s", size[0], size[1], more))
}

// windows cuts a text into rows of window bytes, spread over it: most of them, 0 for all.
func windows(path string, most int) (pairs []task.Pair, err error) {
	text, err := files.Read(path, 64<<20)
	if err != nil {
		return nil, err
	}
	all := len(text) / window
	if all == 0 {
		return nil, fmt.Errorf("%s: %d bytes: want %d or more", path, len(text), window)
	}
	n := all
	if most > 0 {
		n = min(most, all)
	}
	for i := range n {
		row := text[i*all/n*window:][:window]
		ids := make([]int32, window)
		for k, b := range row {
			ids[k] = int32(b)
		}
		pairs = append(pairs, task.Pair{Context: ids[:1], Target: ids[1:]})
	}
	return pairs, nil
}

// write writes the held rows as documents of token ids.
func (l ladder) write(held []task.Pair) error {
	var b strings.Builder
	ids := func(tokens []int32) string { return strings.ReplaceAll(fmt.Sprint(tokens), " ", ",") }
	for _, p := range held {
		fmt.Fprintf(&b, `{"context_ids":%s,"target_ids":%s}`+"\n", ids(p.Context), ids(p.Target))
	}
	return files.WriteBytes(filepath.Join(l.out, "held.jsonl"), []byte(b.String()))
}

// rung makes one model, and the same before it is trained.
func (l ladder) rung(ctx context.Context, layers, width int, rows, held []task.Pair) error {
	size := [2]int{layers, width}
	if _, err := os.Stat(l.path(size, "")); err == nil {
		return nil
	}
	be := cpu.New(cpu.Options{Threads: l.threads})
	defer be.Close()
	c, err := transformer.ParseConfig(fmt.Appendf(nil, `{"model_type":"llama","architectures":["LlamaForCausalLM"],"vocab_size":256,"hidden_size":%d,"num_hidden_layers":%d,
		"num_attention_heads":%d,"intermediate_size":%d,"max_position_embeddings":%d,"tie_word_embeddings":true}`, width, layers, width/headWidth, 4*width, window))
	if err != nil {
		return err
	}
	d := transformer.New(c, nn.Init{Device: be, Seed: 42, Std: 0.05})
	if _, err := os.Stat(l.path(size, "-untrained")); errors.Is(err, os.ErrNotExist) {
		if err := d.Save(l.path(size, "-untrained")); err != nil {
			return err
		}
	}
	next, err := train.NewNextToken(d, rows)
	if err != nil {
		return err
	}
	valid, err := train.NewNextToken(d, held[:min(len(held), validRows)])
	if err != nil {
		return err
	}
	bar := progress.New(os.Stderr, fmt.Sprintf("%d layers of width %d", layers, width), l.steps)
	defer bar.Done()
	t := &train.Trainer{Backend: be, Params: d.Params(), Train: next, Valid: valid,
		Settings: train.Settings{LR: l.lr, Steps: l.steps, Batch: 16, Schedule: optim.Cosine, Warmup: l.steps / 10, Clip: 1, EvalEvery: l.steps, Seed: 42},
		Report:   func(m train.Metrics) { bar.Set(m.Step) }}
	defer t.Close()
	outcome, err := t.Run(ctx)
	if err != nil {
		return err
	}
	if outcome.Stopped {
		return context.Cause(ctx)
	}
	fmt.Printf("%dx%d: loss %.4f nats a byte on the held rows after %d steps, %.0f s\n", layers, width, outcome.BestLoss, outcome.Steps, outcome.Seconds)
	return d.Save(l.path(size, ""))
}
