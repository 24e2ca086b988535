package peft_test

import (
	"fmt"

	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// LoRA on two kinds of layers of a decoder: what trains, and beside how much.
func Example() {
	be := ref.New()
	c, _ := transformer.ParseConfig([]byte(`{"model_type":"llama","vocab_size":50,"hidden_size":32,"num_hidden_layers":2,
		"num_attention_heads":4,"intermediate_size":64}`))
	d := transformer.New(c, nn.Init{Device: be, Seed: 1, Std: 0.02})
	all := nn.Count(d.Params())
	a, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, d.Blocks, peft.Config{
		Kind: "lora", Rank: 4, Alpha: 8, Targets: []string{"q_proj", "gate_proj"},
	})
	fmt.Println(a.Layers(), err)
	fmt.Println(nn.Count(a.Params()), "beside", all)
	// Output:
	// [model.layers.0.self_attn.q_proj model.layers.0.mlp.gate_proj model.layers.1.self_attn.q_proj model.layers.1.mlp.gate_proj] <nil>
	// 1280 beside 23840
}
