package distill_test

import (
	"context"
	"fmt"
	"log"

	"lamina/crash/crashtest"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	layerplan "lamina/crash/plan"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn/optim"
)

// The owner trains the norms of an emulator's frozen blocks, so that it answers more as the
// full model does.
func Example() {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	layers, err := layerplan.Parse("0* 2 4 5*")
	check(err)
	e, err := emulate.New(full, layers)
	check(err)
	params, err := distill.Norms.Prepare(e, full)
	check(err)
	o, err := distill.New(e, full, crashtest.Texts(4), distill.Defaults)
	check(err)
	defer o.Close()
	var first, last float64
	t := &train.Trainer{Backend: be, Params: params, Held: o.Held(params), Train: o,
		Settings: train.Settings{LR: 1e-2, Steps: 10, Batch: 4, Schedule: optim.Constant, Clip: 1, Seed: 42},
		Report: func(m train.Metrics) {
			if m.Step == 1 {
				first = m.Loss
			}
			last = m.Loss
		}}
	defer t.Close()
	_, err = t.Run(context.Background())
	check(err)
	fmt.Println("closer to the model:", last < first)
	// Output: closer to the model: true
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
