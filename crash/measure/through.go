package measure

import (
	"context"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// through carries the streams of rows through a decoder place by place, and lets other
// blocks stand at a place: what lies below it runs once for all of them.
type through struct {
	decoder *transformer.Decoder
	pass    *autograd.Pass
	batches []*transformer.Batch
	streams [][]float32 // that enter place, of each batch
	place   int
}

// newThrough runs the embedding.
func newThrough(ctx context.Context, be kernels.Backend, d *transformer.Decoder, batches []*transformer.Batch) (*through, error) {
	t := &through{decoder: d, pass: autograd.NewPass(be), batches: batches, streams: make([][]float32, len(batches))}
	for k, b := range batches {
		t.streams[k] = d.ForwardBlocks(t.pass, b, autograd.Var{}, 0, 0).T.Float32s()
		if err := t.end(ctx); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

func (t *through) close() { t.pass.Close() }

// end ends the use of a batch.
func (t *through) end(ctx context.Context) error {
	err := t.pass.Sync()
	t.pass.Reset()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// stream returns what enters the place, of a batch.
func (t *through) stream(k int) autograd.Var {
	x := t.pass.New(tensor.F32, len(t.batches[k].Tokens), t.decoder.Config.Width)
	x.SetFloat32s(t.streams[k])
	return t.pass.Input(x)
}

// step goes on to the next place.
func (t *through) step(ctx context.Context) error {
	for k, b := range t.batches {
		t.streams[k] = t.decoder.ForwardBlocks(t.pass, b, t.stream(k), t.place, t.place+1).T.Float32s()
		if err := t.end(ctx); err != nil {
			return err
		}
	}
	t.place++
	return nil
}

// with runs the decoder from the place on with another block there, nil for none, and
// hands the last stream of each batch, before the final norm, to see.
func (t *through) with(ctx context.Context, block transformer.Block, see func(k int, b *transformer.Batch, x autograd.Var)) error {
	d := *t.decoder
	from := t.place + 1
	if block != nil {
		from = t.place
		d.Blocks = append([]transformer.Block(nil), d.Blocks...)
		d.Blocks[from] = block
	}
	for k, b := range t.batches {
		see(k, b, d.ForwardBlocks(t.pass, b, t.stream(k), from, len(d.Blocks)))
		if err := t.end(ctx); err != nil {
			return err
		}
	}
	return nil
}
