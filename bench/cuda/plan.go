package main

import (
	"fmt"

	"lamina/bench/workload"
)

// plan is what is measured, by us and by PyTorch.
type plan struct {
	Model sizes  `json:"model"`
	Works []work `json:"works"`
}

// sizes are those of an OPT.
type sizes struct {
	Name      string `json:"name"`
	Layers    int    `json:"layers"`
	Width     int    `json:"width"`
	Heads     int    `json:"heads"`
	Inner     int    `json:"inner"`
	Vocab     int    `json:"vocab"`
	Positions int    `json:"positions"`
}

// work is one row of the table.
type work struct {
	Work      string `json:"work"`
	Shape     string `json:"shape"`
	Sequences int    `json:"sequences,omitempty"`
	Length    int    `json:"length,omitempty"` // tokens of a sequence; of decode, those before the first that is decoded
	Count     int    `json:"count,omitempty"`  // tokens that are decoded of each sequence
	Places    []int  `json:"places,omitempty"` // what trains; none: everything
	Size      int    `json:"size,omitempty"`   // of a product: its sides; of a copy: bytes
}

// planOf returns the plan: the shape of OPT-1.3B, or one that rehearses.
func planOf(tiny bool) plan {
	p := plan{Model: sizes{"opt-1.3b", 24, 2048, 32, 8192, 50272, 2048}}
	side, bytes, sequences, length, before, count, prompts := 8192, 1<<30, 4, 2048, 512, 64, []int{512, 1024, 2048}
	if tiny {
		p.Model = sizes{"tiny", 4, 64, 4, 256, 512, 128}
		side, bytes, sequences, length, before, count, prompts = 256, 1<<20, 2, 32, 16, 4, []int{32, 64}
	}
	l, name := p.Model.Layers, p.Model.Name
	p.Works = []work{
		{Work: "copy", Shape: fmt.Sprintf("%d MiB", bytes>>20), Size: bytes},
		{Work: "gemm", Shape: fmt.Sprintf("%d×%d×%d", side, side, side), Size: side},
		{Work: "train", Shape: fmt.Sprintf("%s %d×%d", name, sequences, length), Sequences: sequences, Length: length},
		{Work: "finetune", Shape: fmt.Sprintf("%s %d×%d, 2+2 blocks", name, sequences, length), Sequences: sequences, Length: length, Places: []int{0, 1, l - 2, l - 1}},
	}
	for _, b := range []int{1, 32} {
		p.Works = append(p.Works, work{Work: "decode", Shape: fmt.Sprintf("%s b=%d after %d", name, b, before), Sequences: b, Length: before, Count: count})
	}
	for _, n := range prompts {
		p.Works = append(p.Works, work{Work: "prefill", Shape: fmt.Sprintf("%s %d", name, n), Sequences: 1, Length: n})
	}
	return p
}

// of returns the works of a kind.
func (p plan) of(kind string) (some []work) {
	for _, w := range p.Works {
		if w.Work == kind {
			some = append(some, w)
		}
	}
	return some
}

// shape is the model with a work's batch.
func (p plan) shape(w work) workload.Shape {
	m := p.Model
	return workload.Shape{Name: m.Name, Sequences: w.Sequences, Length: w.Length, Config: fmt.Sprintf(
		`{"model_type": "opt", "vocab_size": %d, "hidden_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "ffn_dim": %d, "max_position_embeddings": %d, "dropout": 0}`,
		m.Vocab, m.Width, m.Layers, m.Heads, m.Inner, m.Positions)}
}
