package emulate

import (
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/tensor"
	"lamina/transformer"
)

// fitTokens is about how many tokens one pass of a fit takes. It changes no number: a
// token's row does not depend on the texts beside it, and sums run over rows in order.
const fitTokens = 2048

// fitStream is some texts on their way through both models.
type fitStream struct {
	first int // of the texts
	batch *transformer.Batch
	x     []float32 // [N D] as the emulator has it, entering the place that is built next
	y     []float32 // [N D] as the full model has it, entering layer depth
}

// pack lays texts end to end, in as many batches as it takes.
func pack(texts [][]int32, tokens int) (streams []fitStream) {
	for from := 0; from < len(texts); {
		s := fitStream{first: from, batch: &transformer.Batch{}}
		for from < len(texts) && (from == s.first || len(s.batch.Tokens)+len(texts[from]) <= tokens) {
			s.batch.Add(texts[from], nil)
			from++
		}
		streams = append(streams, s)
	}
	return streams
}

// start makes the streams that enter the first place.
func (f *fitting) start(texts [][]int32) error {
	if len(texts) == 0 {
		return WantText(f.e.Plan)
	}
	for i, text := range texts {
		if len(text) == 0 {
			return fmt.Errorf("text %d has no tokens", i)
		}
	}
	if err := transformer.NewBatch(texts...).Validate(f.full.Config); err != nil {
		return err
	}
	f.streams = pack(texts, f.tokens)
	for i := range f.streams {
		s := &f.streams[i]
		x := f.full.ForwardBlocks(f.pass, s.batch, autograd.Var{}, 0, 0).T
		s.x = x.Float32s()
		s.y = s.x // neither is written to
		err := f.pass.Sync()
		f.pass.Reset()
		if err == nil {
			err = f.ctx.Err()
		}
		if err == nil {
			err = s.finite(s.x, "the embedding makes")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finite returns an error that names the first text and token whose row of x is none.
func (s *fitStream) finite(x []float32, who string) error {
	width := len(x) / len(s.batch.Tokens)
	for i, v := range x {
		if v64 := float64(v); !math.IsNaN(v64) && !math.IsInf(v64, 0) {
			continue
		}
		token, text := i/width, s.first
		for _, seg := range s.batch.Segments {
			if token < seg.Start+seg.Len {
				token -= seg.Start
				break
			}
			text++
		}
		return fmt.Errorf("%s %v of token %d of text %d: there is nothing to fit to: look at the model's weights and the texts", who, v, token, text)
	}
	return nil
}

// run returns what a block makes of a stream x [N D] at a place of d.
func (f *fitting) run(d *transformer.Decoder, b *transformer.Batch, x []float32, place int) ([]float32, error) {
	t := f.pass.New(tensor.F32, len(b.Tokens), d.Config.Width)
	t.SetFloat32s(x)
	y := d.ForwardBlocks(f.pass, b, f.pass.Input(t), place, place+1).T.Float32s()
	err := f.pass.Sync()
	f.pass.Reset()
	if err == nil {
		err = f.ctx.Err()
	}
	return y, err
}

// with returns the emulator so far with a block at the next place.
func (f *fitting) with(block transformer.Block) *transformer.Decoder {
	d := *f.e.Decoder
	d.Blocks = append(append([]transformer.Block(nil), d.Blocks...), block)
	return &d
}

// advance takes the emulator's streams through the place that was just built.
func (f *fitting) advance(place int) (err error) {
	for i := range f.streams {
		s := &f.streams[i]
		if s.x, err = f.run(f.e.Decoder, s.batch, s.x, place); err != nil {
			return err
		}
		if err = s.finite(s.x, "the emulator makes"); err != nil {
			return err
		}
	}
	return nil
}

// fullTo takes the full model's streams to where they enter a layer, which is not below
// the last one asked for; the model's depth stands for what leaves it.
func (f *fitting) fullTo(layer int) (err error) {
	for ; f.depth < layer; f.depth++ {
		for i := range f.streams {
			s := &f.streams[i]
			if s.y, err = f.run(f.full, s.batch, s.y, f.depth); err != nil {
				return err
			}
			if err = s.finite(s.y, fmt.Sprintf("layer %d of the model makes", f.depth)); err != nil {
				return err
			}
		}
	}
	return nil
}

// weights returns how much each token of a stream counts, by what the emulator has of it.
func (f *fitting) weights(s fitStream) ([]float64, error) { return f.weightsOf(s, s.x) }

// weightsOf returns how much each token of a stream counts by its row of x [N D].
func (f *fitting) weightsOf(s fitStream, x []float32) ([]float64, error) {
	positions := make([]int, 0, len(s.batch.Tokens))
	for _, seg := range s.batch.Segments {
		for j := range seg.Len {
			positions = append(positions, j)
		}
	}
	weights, err := f.opt.Tokens.Of(x, f.full.Config.Width, positions)
	if err != nil { // of weights by size
		return nil, fmt.Errorf("texts %d and on: %w (--tokens drop-first or plain)", s.first, err)
	}
	return weights, nil
}
