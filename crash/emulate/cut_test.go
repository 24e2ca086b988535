package emulate

import (
	"context"

	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/transformer"
)

// FitInPasses is Fit in passes of about so many tokens.
func FitInPasses(tokens int, be kernels.Backend, full *transformer.Decoder, p plan.Plan, texts [][]int32) (*Emulator, []Fitted, error) {
	f := newFitting(context.Background(), be, full, p, FitOptions{})
	f.tokens = tokens
	return f.fit(texts)
}

// StreamsAt returns the rows that fits of texts read at the gap between a layer and
// another, of a plan that has all layers below: what the emulator has there, what the full
// model has behind the gap, and what the MLP of the layer adds.
func StreamsAt(be kernels.Backend, full *transformer.Decoder, texts [][]int32, layer, goal int) (x, y, mlp []float32, err error) {
	f := newFitting(context.Background(), be, full, plan.Identity(len(full.Blocks), nil), FitOptions{})
	defer f.pass.Close()
	if err := f.start(texts); err != nil {
		return nil, nil, nil, err
	}
	for place := range layer {
		f.e.Decoder.Blocks = append(f.e.Decoder.Blocks, full.Blocks[place])
		if err := f.advance(place); err != nil {
			return nil, nil, nil, err
		}
	}
	block := full.Blocks[layer].Clone()
	all, err := linearsOf(block)
	if err != nil {
		return nil, nil, nil, err
	}
	down := all[len(all)-1]
	at := &spout{Projection: down.Linear}
	*down.field = at
	s := f.streams[0]
	if _, err := f.run(f.with(block), s.batch, s.x, layer); err != nil {
		return nil, nil, nil, err
	}
	f.e.Decoder = f.with(full.Blocks[layer])
	if err := f.advance(layer); err != nil {
		return nil, nil, nil, err
	}
	if err := f.fullTo(goal); err != nil {
		return nil, nil, nil, err
	}
	return f.streams[0].x, f.streams[0].y, at.rows, nil
}
