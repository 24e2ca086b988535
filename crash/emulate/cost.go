package emulate

import (
	"fmt"
	"slices"

	"lamina/crash/plan"
	"lamina/internal/units"
	"lamina/nn"
	"lamina/transformer"
)

// Load is what a decoder takes to hold and to run.
type Load struct {
	Weights int `json:"weights"` // distinct ones, embeddings and head included
	Blocks  int `json:"blocks"`  // those of the blocks alone
	Bytes   int `json:"bytes"`   // of all, as they are stored
	// Forward and Training are operations of matrix products and attention a token, 2 a
	// multiply-add, in sequences of so many tokens each of which is a target: of the forward
	// pass, and of that and the backward pass of a training step.
	Forward  float64 `json:"forward_flop"`
	Training float64 `json:"training_flop"`
}

// Cost sets an emulator beside its full model. The model's Training is that of all its
// weights, the emulator's that of its starred places.
type Cost struct {
	Emulator Load `json:"emulator"`
	Full     Load `json:"full"`
	Length   int  `json:"length"` // tokens of a sequence
}

// CostOf returns what the emulator of a plan costs, from the sizes of the full model or its
// outline alone, on sequences of length tokens.
func CostOf(full *transformer.Decoder, p plan.Plan, length int) (Cost, error) {
	e, err := OutlineOf(full, p)
	if err != nil {
		return Cost{}, err
	}
	return Cost{loadOf(e.Decoder, p.TrainablePlaces(), length), loadOf(full, nil, length), length}, nil
}

// loadOf returns what a decoder takes of which some places are trained; nil: all of it.
func loadOf(d *transformer.Decoder, trained []int, length int) Load {
	l := Load{Weights: nn.Count(d.Params()), Bytes: nn.Bytes(d.Params())}
	counted := map[transformer.Block]bool{}
	head := 2 * float64(d.Head.Value.Len())
	l.Forward = head
	lowest, all := 0, trained == nil
	if !all {
		lowest = len(d.Blocks)
		if len(trained) > 0 {
			lowest = slices.Min(trained)
		}
	}
	backward := head // to the stream
	if all {
		backward += head
	}
	for place, b := range d.Blocks {
		if s, ok := b.(*transformer.Scaled); ok {
			b = s.Block
		}
		if !counted[b] {
			counted[b] = true
			l.Blocks += nn.Count(nn.ParamsOf(b))
		}
		products, attention := 2*float64(multiplied(b)), 2*attended(d.Config, b)*float64(length+1)
		l.Forward += products + attention
		if place < lowest {
			continue
		}
		backward += products + 2*attention
		if all || slices.Contains(trained, place) {
			backward += products
		}
	}
	if l.Training = l.Forward; all || len(trained) > 0 {
		l.Training += backward
	}
	return l
}

// multiplied returns the weights of a block's matrix products.
func multiplied(b transformer.Block) (n int) {
	for _, field := range nn.ProjectionsOf(b) {
		for w := range (*field).Params() {
			if w.Value.Rank() == 2 {
				n += w.Value.Len()
			}
		}
	}
	return n
}

// attended returns how wide the queries of all heads are: what a pair of tokens costs
// twice, in scores and in sums of values.
func attended(c transformer.Config, b transformer.Block) float64 {
	s, ok := transformer.SublayersOf(b)
	if !ok {
		return 0
	}
	if width, _, ok := nn.Sizes(*s.Output); ok {
		return float64(width)
	}
	return float64(c.Heads * c.HeadDim)
}

// Lines show the cost to people, each as a word and what it says.
func (c Cost) Lines() [][2]string {
	e, f := c.Emulator, c.Full
	return [][2]string{
		{"holds", fmt.Sprintf("%s of the model's %s weights (%s), in blocks %s of %s (%s); %s of %s (%s)",
			units.Count(e.Weights), units.Count(f.Weights), share(e.Weights, f.Weights), units.Count(e.Blocks), units.Count(f.Blocks), share(e.Blocks, f.Blocks),
			units.Bytes(e.Bytes), units.Bytes(f.Bytes), share(e.Bytes, f.Bytes))},
		{"computes", fmt.Sprintf("%s a token forward (%s of the model's), %s in a training step (%s of training all of the model), in sequences of %d tokens, each a target",
			megaflop(e.Forward), share(e.Forward, f.Forward), megaflop(e.Training), share(e.Training, f.Training), c.Length)},
	}
}

func megaflop(v float64) string { return fmt.Sprintf("%.1f MFLOP", v/1e6) }

func share[N int | float64](part, of N) string {
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(of))
}
