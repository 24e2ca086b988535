package outside_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lamina/autograd"
	"lamina/hub"
	"lamina/hub/hubtest"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// Example_hub opens a model by its name on the hub, trains one block of it for some
// steps, saves it with one call and opens what was saved. A server in this process
// stands for the hub; without HF_ENDPOINT it is the real one.
func Example_hub() {
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	server := hubtest.New(&testing.T{}, "tiny/llama", filesOf("../../transformer/testdata/llama-gqa-tied"))
	env := map[string]string{"HF_HOME": home, "HF_ENDPOINT": server.URL}

	// A name becomes a model. In a program of your own: hub.FromEnv(os.Getenv).
	client := tensor.Must(hub.FromEnv(func(name string) string { return env[name] }))
	path := tensor.Must(client.ModelPath(context.Background(), "tiny/llama"))
	checkpoint := tensor.Must(transformer.Open(path))

	defer checkpoint.Close()
	be := cpu.New(cpu.Options{})
	defer be.Close()
	decoder := tensor.Must(checkpoint.Decoder(be))
	trained := tensor.Must(nn.Trainable(be, nn.ParamsOf(decoder.Blocks[1])))
	defer trained.Close()
	adam := tensor.Must(optim.NewAdamW(be, trained, optim.Config{LR: 0.01}))
	defer adam.Close()
	tokens := []int32{5, 31, 23, 7, 60, 2}
	first := lossOf(be, decoder, tokens, adam)
	for range 10 {
		lossOf(be, decoder, tokens, adam)
	}
	saved := filepath.Join(home, "tuned")
	if err := decoder.Save(saved); err != nil {
		panic(err)
	}

	again := tensor.Must(transformer.Open(saved))
	defer again.Close()
	opened := tensor.Must(again.Decoder(be))
	fmt.Println("learned:", lossOf(be, opened, tokens, nil) < first-0.5)
	fmt.Println("the same again:", lossOf(be, opened, tokens, nil) == lossOf(be, decoder, tokens, nil))
	// Output:
	// learned: true
	// the same again: true
}

// lossOf returns the mean loss of a text and, with an optimiser, takes a step.
func lossOf(be kernels.Backend, d *transformer.Decoder, tokens []int32, adam *optim.AdamW) float64 {
	p := autograd.NewTrainingPass(be)
	defer p.Close()
	n := len(tokens) - 1
	x := d.Forward(p, transformer.NewBatch(tokens[:n]), nil)
	targets := p.New(tensor.I32, n)
	targets.SetInts(tokens[1:])
	loss := p.Mean(p.CrossEntropy(d.Logits(p, x), targets))
	if err := p.Err(); err != nil {
		panic(err)
	}
	if adam != nil {
		if err := p.Backward(loss, 1); err != nil {
			panic(err)
		}
		adam.Step(1)
	}
	return loss.T.Floats()[0]
}

// filesOf reads the files of a directory, by their names.
func filesOf(dir string) map[string]string {
	files := map[string]string{}
	for _, entry := range tensor.Must(os.ReadDir(dir)) {
		files[entry.Name()] = string(tensor.Must(os.ReadFile(filepath.Join(dir, entry.Name()))))
	}
	return files
}
