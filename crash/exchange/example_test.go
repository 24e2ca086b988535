package exchange_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// What training made of an emulator's starred layers goes back into the full model, and
// only into that.
func Example() {
	dir, err := os.MkdirTemp("", "exchange")
	check(err)
	defer os.RemoveAll(dir)
	be := ref.New()
	full := crashtest.Small(be, "opt")
	layers, err := plan.Parse("0* 2 5*")
	check(err)
	e, err := emulate.New(full, layers)
	check(err)

	base := transformer.Fingerprint(e.Params())
	trained, err := nn.Trainable(be, e.Params()) // copies of the starred layers' weights
	check(err)
	values := trained.Values.Floats()
	for i := range values { // instead of training
		values[i] += 0.001
	}
	trained.Values.SetFloats(values)
	trained.Freeze()
	run := filepath.Join(dir, "run")
	check(exchange.SaveAdapter(filepath.Join(run, "adapter"), exchange.Manifest{Plan: e.Plan, Base: base}, e.Params()))

	a, err := exchange.OpenAdapter(run)
	check(err)
	defer a.Close()
	tuned, params, err := a.Plugged(full)
	check(err)
	fmt.Println(len(tuned.Blocks), "layers,", len(slices.Collect(params)), "tensors came back")

	other := crashtest.Small(be, "gpt2")
	_, _, err = a.Plugged(other)
	fmt.Println("into another model:", err != nil)
	// Output:
	// 6 layers, 32 tensors came back
	// into another model: true
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
