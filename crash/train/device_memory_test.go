package train_test

import (
	"context"
	"testing"

	"lamina/crash/crashtest"
	"lamina/internal/cases"
	"lamina/kernels/cuda/cudatest"
	"lamina/tensor"
	"lamina/transformer"
)

// workspace is what is foreseen of cuBLASLt on the GPU that is simulated; the simulated
// library wants some KiB.
const workspace = 32 << 20

// counted opens a device to count on: nothing lies behind what is asked for.
func counted(t *testing.T, none bool) *cudatest.Device {
	t.Helper()
	return cudatest.Open(t, cudatest.Options{Clean: true, Workers: 2, Products: cudatest.Products{None: none}})
}

// foreseen holds what was said to be taken of a device, of it scratch for the backend
// itself, against what was. They differ by no more than what the comments at [train.Memory],
// [cuda.Backend.Scratch] and [cuda.Backend.Peak] leave out: a few scalars and partial sums,
// and the device's word for faults; with the library, by its workspace too.
func foreseen(t *testing.T, what string, be *cudatest.Device, none bool, said, scratch int) {
	t.Helper()
	const leftOut = 256 // bytes
	taken, own := int(be.Peak()), int(be.Overhead())
	if taken > said+leftOut || taken-own > said-scratch+leftOut {
		t.Errorf("%s took %d bytes, %d of them scratch; foreseen were %d and %d", what, taken, own, said, scratch)
	}
	if !none {
		said -= workspace
	}
	if said > taken+leftOut {
		t.Errorf("%s took %d bytes, %d of them scratch; foreseen were %d beside a workspace", what, taken, own, said)
	}
}

// TestMemoryOfADeviceIsForeseen: training and generation take of a GPU what is said before
// they begin, by our products and by the library's.
func TestMemoryOfADeviceIsForeseen(t *testing.T) {
	for _, family := range []string{"opt", "llama"} {
		if cases.Few() && family != "llama" {
			continue
		}
		for _, none := range []bool{true, false} {
			trainingIsForeseen(t, family, none)
			generationIsForeseen(t, family, none)
		}
	}
}

func trainingIsForeseen(t *testing.T, family string, none bool) {
	t.Helper()
	be := counted(t, none)
	tr, e := trainer(t, be, crashtest.Small(be, family), "0 1* 2 3 4 5*")
	tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.EvalEvery = 0, 3, 3
	files := map[string]tensor.Tensor{}
	for w := range e.Params() {
		files[w.Name] = w.Value
	}
	tr.Release = func(name string) { files[name].Free() }
	m, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	foreseen(t, family+": training", be, none, m.Total(), m.Scratch)
}

func generationIsForeseen(t *testing.T, family string, none bool) {
	t.Helper()
	be := counted(t, none)
	d := crashtest.Small(be, family)
	m := d.InferenceMemory(be)
	const tokens = 4 // a prompt that leaves them room
	err := d.Generate(context.Background(), be, make([]int32, m.Positions-tokens), tokens, transformer.Sampling{}, func(int32) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	foreseen(t, family+": generation", be, none, m.Total(), m.Scratch)
}
