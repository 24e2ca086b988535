package train

import (
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/dry"
	"lamina/kernels/replay"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// below is an objective's part of it.
type below struct {
	prefix *Prefix
	place  int
	drops  bool   // blocks below place drop in training: nothing is the same twice
	print  string // fingerprint, once it was asked for
}

// Keep has the streams that enter the lowest place which trains kept in c, and returns that
// place: 0, and nothing is kept, where the embedding or the first place has a trained
// weight. Training with dropout below the place keeps nothing either, measuring does. What
// trains is the decoder's own.
func (o *NextToken) Keep(c *Prefix, trained nn.Params) (place int, err error) {
	if place, err = o.decoder.Below(trained); err != nil || place == 0 {
		return 0, err
	}
	o.kept = &below{prefix: c, place: place, drops: o.decoder.DropsBelow(place)}
	return place, nil
}

// Unkept returns an objective that keeps no streams, for asking what a run takes without.
func Unkept(o Objective) Objective {
	if n, ok := o.(*NextToken); ok && n != nil && n.kept != nil {
		plain := *n
		plain.kept = nil
		return &plain
	}
	return o
}

// stream returns the last stream of a batch in the decoder of a pass. What is kept is of
// the objective's own as it is: no other and no disturbed one enters there.
func (o *NextToken) stream(p *autograd.Pass, d *transformer.Decoder, b *transformer.Batch) autograd.Var {
	k := o.kept
	if k == nil || d != o.decoder || k.drops && p.Dropout.P > 0 {
		return d.Forward(p, b, nil)
	}
	x := k.enter(p, d, b)
	return d.ForwardBlocks(p, b, x, k.place, len(d.Blocks))
}

// enter returns the stream of a batch that enters the place: rows that are not there are
// run, and kept. A pass on nothing, whose memory or time is asked for, runs them all and
// keeps none.
func (k *below) enter(p *autograd.Pass, d *transformer.Decoder, b *transformer.Batch) autograd.Var {
	x := p.New(tensor.F32, len(b.Tokens), d.Config.Width)
	real := k.begin(p, d)
	if p.Err() != nil {
		return p.Input(x)
	}
	missing := &transformer.Batch{}
	var absent []kernels.Segment
	for _, s := range b.Segments {
		tokens := b.Tokens[s.Start : s.Start+s.Len]
		if !real || !k.prefix.load(keyOf(tokens), x.Slice(s.Start, s.Start+s.Len)) {
			missing.Add(tokens, nil)
			absent = append(absent, s)
		}
	}
	if len(absent) == 0 {
		return p.Input(x)
	}
	mark := p.Begin()
	y := d.ForwardBlocks(p, missing, autograd.Var{}, 0, k.place)
	if y.Tracked() {
		panic(fmt.Sprintf("train: Prefix: something below place %d trains", k.place))
	}
	for i, s := range absent {
		kernels.CopyAxis(p.Backend, x, y.T, 0, s.Start, missing.Segments[i].Start, s.Len, false)
	}
	p.End(mark, autograd.Var{})
	if real && p.Sync() == nil {
		for i, s := range absent {
			m := missing.Segments[i]
			k.prefix.store(keyOf(missing.Tokens[m.Start:m.Start+m.Len]), x.Slice(s.Start, s.Start+s.Len))
		}
	}
	return p.Input(x)
}

// begin makes the prefix ready for the decoder's rows, and reports whether a pass is one
// that computes.
func (k *below) begin(p *autograd.Pass, d *transformer.Decoder) bool {
	switch p.Backend.(type) {
	case *dry.Backend, *replay.Recorder:
		return false
	}
	if k.print == "" {
		print, err := d.FingerprintBelow(k.place)
		if err != nil {
			p.Fail(err)
			return false
		}
		k.print = print
	}
	k.prefix.begin(k.print, k.place)
	return true
}

// streams returns how many bytes of memory the streams take that its objectives keep.
func (t *Trainer) streams() (memory int) {
	var of []*NextToken
	for _, o := range []Objective{t.Train, t.Valid} {
		if o, ok := o.(*NextToken); ok && o != nil && o.kept != nil {
			of = append(of, o)
		}
	}
	if len(of) == 0 {
		return 0
	}
	memory, _ = of[0].kept.prefix.need(of...)
	return memory
}
