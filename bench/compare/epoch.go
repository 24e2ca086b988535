package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/nn/optim"
	"lamina/transformer"
)

// row is a training example in the file that all workers read.
type row struct {
	Context []int32 `json:"context"`
	Target  []int32 `json:"target"`
}

// gate runs a trainer step by step: between two requests its goroutine waits in
// the callback of the last step.
type gate struct {
	ask    chan int
	done   chan train.Metrics
	failed chan error
	cancel context.CancelFunc

	tokens int
}

// epoch takes steps of fine-tuning: directory, data, "part" or "all", steps.
func (o *ours) epoch(f []string) (answer, error) {
	steps, err := strconv.Atoi(f[3])
	if err != nil {
		return answer{}, err
	}
	if key := strings.Join(f[:3], "\t"); key != o.key {
		o.forget()
		if o.gate, err = o.openGate(f[0], f[1], f[2] == "all"); err != nil {
			return answer{}, err
		}
		o.key = key
		if _, err := o.gate.steps(2); err != nil {
			return answer{}, err
		}
	}
	begin := time.Now()
	tokens, err := o.gate.steps(steps)
	return answer{Seconds: time.Since(begin).Seconds(), Tokens: tokens}, err
}

func (o *ours) openGate(dir, data string, all bool) (*gate, error) {
	c, err := transformer.Open(dir)
	if err != nil {
		return nil, err
	}
	o.file = c
	t := &train.Trainer{Backend: o.be, Settings: train.Settings{
		LR: learningRate, Epochs: 1000, Batch: batchSize, Schedule: optim.Constant, Clip: 1, Seed: 1, EvalEvery: 1 << 30,
	}}
	var d *transformer.Decoder
	if all {
		if d, err = c.Decoder(o.be); err != nil {
			return nil, err
		}
		t.Params = d.Params()
	} else {
		e, _, err := emulate.Open(c, o.be)
		if err != nil {
			return nil, err
		}
		d, t.Params = e.Decoder, e.Params()
	}
	rows, err := readFile[[]row](data)
	if err != nil {
		return nil, err
	}
	pairs := make([]task.Pair, len(rows))
	for i, r := range rows {
		pairs[i] = task.Pair{Context: r.Context, Target: r.Target}
	}
	if t.Train, err = train.NewNextToken(d, pairs); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &gate{ask: make(chan int), done: make(chan train.Metrics), failed: make(chan error, 1), cancel: cancel}
	left := 0
	t.Report = func(m train.Metrics) {
		if m.Loss == 0 {
			return
		}
		g.tokens += m.Tokens
		if left--; left == 0 {
			g.done <- m
			left = <-g.ask
		}
	}
	go func() {
		left = <-g.ask
		_, err := t.Run(ctx)
		if err == nil {
			err = fmt.Errorf("training ended")
		}
		g.failed <- err
	}()
	return g, nil
}

// steps lets the trainer take n steps and returns the tokens they read.
func (g *gate) steps(n int) (tokens int, err error) {
	before := g.tokens
	g.ask <- n
	select {
	case <-g.done:
		return g.tokens - before, nil
	case err := <-g.failed:
		return 0, err
	}
}

// stop ends the trainer, which waits for a request.
func (g *gate) stop() {
	g.cancel()
	g.ask <- 1
	select {
	case <-g.done:
		g.ask <- 1
		<-g.failed
	case <-g.failed:
	}
}
