package outside_test

import (
	"fmt"
	"strings"

	"lamina/autograd"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// scaled is a layer of our own: another one's result times a learned vector, as IA³
// has it (Liu et al. 2022, arXiv 2205.05638).
type scaled struct {
	Base  nn.Projection
	Scale *autograd.Parameter // [out]
}

func (l *scaled) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return p.Mul(l.Base.Forward(p, x), p.Param(l.Scale))
}

func (l *scaled) Params() nn.Params { return nn.Join(l.Base.Params(), nn.List(l.Scale)) }

func (l *scaled) Clone() nn.Projection { return &scaled{l.Base.Clone(), nn.Clone(l.Scale)} }

// Example_layer puts a layer of our own around every key and value projection of a
// LLaMA and trains only what is ours: no file of the model knows of it.
func Example_layer() {
	checkpoint, err := transformer.Open("../../transformer/testdata/llama-gqa-tied")
	if err != nil {
		panic(err)
	}
	defer checkpoint.Close()
	be := cpu.New(cpu.Options{})
	defer be.Close()
	decoder, err := checkpoint.Decoder(be)
	if err != nil {
		panic(err)
	}
	var ours []*autograd.Parameter
	initial := nn.From(nn.Init{Device: be})
	for name, field := range decoder.Linears() {
		if strings.HasSuffix(name, "k_proj") || strings.HasSuffix(name, "v_proj") {
			_, out := (*field).(*nn.Linear).Sizes()
			l := &scaled{*field, initial.At(name).Get("scale", nn.Ones, out)}
			*field, ours = l, append(ours, l.Scale)
		}
	}
	trained := tensor.Must(nn.Trainable(be, nn.List(ours...)))
	defer trained.Close()
	p := autograd.NewTrainingPass(be)
	defer p.Close()
	tokens := []int32{5, 31, 23, 7, 60}
	x := decoder.Forward(p, transformer.NewBatch(tokens[:4]), nil)
	loss := p.Mean(p.CrossEntropy(decoder.Logits(p, x), tensor.MustFromInts(be, tokens[1:], 4)))
	if err := p.Backward(loss, 1); err != nil {
		panic(err)
	}
	fmt.Println(len(ours), "vectors,", trained.Values.Len(), "of", nn.Count(decoder.Params()), "weights trained")
	// Output: 6 vectors, 48 of 15072 weights trained
}
