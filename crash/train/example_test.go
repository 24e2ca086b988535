package train_test

import (
	"context"
	"fmt"
	"log"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn/optim"
)

// A small decoder learns two rows by heart.
func Example() {
	be := ref.New()
	decoder := crashtest.Small(be, "opt")
	rows, err := train.NewNextToken(decoder, crashtest.Pairs(2))
	if err != nil {
		log.Fatal(err)
	}
	t := &train.Trainer{Backend: be, Params: decoder.Params(), Train: rows,
		Settings: train.Settings{LR: 1e-2, Steps: 20, Batch: 2, Schedule: optim.Constant, Clip: 1, Seed: 42}}
	defer t.Close()
	t.Report = func(m train.Metrics) {
		if m.Step == 1 || m.Step == 20 {
			fmt.Printf("step %d: %.1f nats a token\n", m.Step, m.Loss)
		}
	}
	outcome, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(outcome.Steps, "steps")
	// Output:
	// step 1: 3.7 nats a token
	// step 20: 0.0 nats a token
	// 20 steps
}
