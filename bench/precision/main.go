// Command precision holds the arithmetics of matrix products against float64, on layers of a
// real model: forward with the activations of a text, backward with the gradients of its loss.
//
//	go run ./bench/precision -model SmolLM2-135M-Instruct.Q4_1.gguf -text README.md
//
// It prints a table: of every product the largest and the root mean square of
//
//	|c - Σ a·b| / Σ |a||b|    in units of 2⁻²⁴
//
// over some elements of C, with the exact sums in float64. The layers are q_proj and down_proj of
// a block and the head. Weights are trained, hence F32: what the file says, exactly. Precisions
// stand there as this machine computes them, and as AMX does, by plain Go where there is none.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// precision is what is asked for.
type precision struct {
	model, text             string
	tokens, layer, elements int
	threads                 int
}

func main() {
	var o precision
	flag.StringVar(&o.model, "model", "", "a model's file or folder")
	flag.StringVar(&o.text, "text", "", "a file whose first tokens are read and learnt")
	flag.IntVar(&o.tokens, "tokens", 256, "how many tokens of it")
	flag.IntVar(&o.layer, "layer", -1, "the block whose layers are measured, from 0 on; -1: the middle one")
	flag.IntVar(&o.elements, "products", 1<<26, "elements of C times inner indices that are computed of each product")
	flag.IntVar(&o.threads, "threads", 1, "goroutines that compute at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "precision:", err)
		os.Exit(1)
	}
}

func (o precision) run(ctx context.Context) error {
	if o.model == "" || o.text == "" || o.tokens < 2 || o.elements < 1 {
		return errors.New("-model and -text are wanted, two -tokens and one of -products at least")
	}
	c, err := transformer.Open(o.model)
	if err != nil {
		return err
	}
	defer c.Close()
	ids, err := o.read(c)
	if err != nil {
		return err
	}
	be := cpu.New(cpu.Options{Threads: o.threads})
	defer be.Close()
	d, err := c.Decoder(be)
	if err != nil {
		return err
	}
	if o.layer < 0 {
		o.layer = len(d.Blocks) / 2
	}
	if o.layer >= len(d.Blocks) {
		return fmt.Errorf("-layer %d: %s has blocks 0 to %d", o.layer, o.model, len(d.Blocks)-1)
	}
	layers, err := layersOf(d, o.layer)
	if err != nil {
		return err
	}
	trained, err := nn.Trainable(be, func(yield func(*autograd.Parameter) bool) {
		for _, l := range layers {
			if !yield(l.weight) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	defer trained.Close()
	w := newWatch(ctx, be, layers, o)
	defer w.close()
	w.header(os.Stdout, len(ids))
	if err := learn(w, be, d, ids); err != nil {
		return err
	}
	return w.missing()
}

// read returns the first tokens of the text.
func (o precision) read(c *transformer.Checkpoint) ([]int32, error) {
	t, err := c.Tokenizer()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(o.text)
	if err != nil {
		return nil, err
	}
	ids, err := c.PromptIDs(t, string(text))
	if err != nil {
		return nil, err
	}
	if len(ids) < o.tokens {
		return nil, fmt.Errorf("%s: has %d tokens, want %d: give a longer text or fewer -tokens", o.text, len(ids), o.tokens)
	}
	return ids[:o.tokens], nil
}

// learn goes forward and backward through the decoder, each token to predict the next.
func learn(w *watch, be kernels.Backend, d *transformer.Decoder, ids []int32) error {
	p := autograd.NewTrainingPass(w)
	defer p.Close()
	n := len(ids) - 1
	b := &transformer.Batch{}
	b.Add(ids[:n], nil)
	next := p.New(tensor.I32, n)
	next.SetInts(ids[1:])
	x := d.Forward(p, b, nil)
	if err := p.Backward(d.Loss(p, x, next), 1/float64(n)); err != nil {
		return err
	}
	return errors.Join(p.Sync(), w.err)
}
