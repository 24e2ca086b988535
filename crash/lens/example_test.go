package lens_test

import (
	"context"
	"fmt"

	"lamina/crash/lens"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// Distances of two distributions over three tokens.
func Example_distances() {
	p, q := lens.RowOf([]float64{0.5, 0.5, 0}), lens.RowOf([]float64{0.25, 0.25, 0.5})
	for _, d := range lens.Distances {
		fmt.Printf("%s %.4f, likeness %.4f\n", d.Name, d.Of(p, q), d.Likeness(d.Of(p, q)))
	}
	// Output:
	// kl 0.6931, likeness 0.5000
	// js 0.2158, likeness 0.6887
	// hellinger 0.5412, likeness 0.4588
	// l2 0.6124, likeness 0.5670
	// cosine 0.4226, likeness 0.5774
}

// What the layers of a model say of a text, by the logit lens: with random weights nothing
// that means something, but each entry has its line.
func Example() {
	be := ref.New()
	c, err := transformer.ParseConfig([]byte(`{"model_type":"opt","architectures":["OPTForCausalLM"],"vocab_size":61,"hidden_size":16,"word_embed_proj_dim":16,
		"num_hidden_layers":2,"num_attention_heads":2,"ffn_dim":32,"max_position_embeddings":16}`))
	if err != nil {
		panic(err)
	}
	d := transformer.New(c, nn.Init{Device: be, Seed: 3})
	grid, err := lens.Look(context.Background(), be, lens.NewLogit(lens.Logit), []int32{5, 7, 11},
		lens.LookOptions{Top: 2, Text: func(id int32) string { return fmt.Sprint("token ", id) }}, lens.Read{Name: "model", Decoder: d})
	if err != nil {
		panic(err)
	}
	for _, line := range grid.Readings[0].Lines {
		fmt.Printf("entry %d: %d positions, says what the model says: %t\n", line.Entry, len(line.Cells), line.Cells[0].Final < 1e-9)
	}
	// Output:
	// entry 0: 3 positions, says what the model says: false
	// entry 1: 3 positions, says what the model says: false
	// entry 2: 3 positions, says what the model says: true
}
