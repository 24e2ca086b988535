package emulate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// Folded says what a fold cost: which places stand as what.
type Folded struct {
	Pairs    []int // low-rank pairs, as their products
	Channels []int // MLPs of fewer channels, filled up with zeros
	Heads    []int // attention of fewer heads, filled up with zeros
	Scaled   []int // scaled layers, by their output projections: not the same function
	Blocks   []int // weights quantised in blocks, as F32
}

// Fold returns the emulator in the nearest form that a standard decoder has, each place a
// layer as the family has it: low-rank pairs W = U·V become their product, computed in
// float64; channels and heads that are not there become zeros, which give what nothing
// gives; a scale s of what a block adds multiplies the weights and biases that attention and
// MLP end with. All but the last is exact up to rounding. With the scale the MLP reads
// x + s·attention(x), where the scaled block's reads x + attention(x).
//
// A map of the stream has no such form: a normalisation stands between it and every weight
// it could be multiplied into. That, and a scale of a block that normalises behind the sum,
// is an error that names the places. What is new is the returned emulator's until it is
// closed, before e; e stays as it is.
func (e *Emulator) Fold(be kernels.Backend, c transformer.Config) (*Emulator, Folded, error) {
	var report Folded
	if err := WantFoldable(c, e.Plan); err != nil {
		return nil, report, err
	}
	forms, err := e.Decoder.Forms()
	if err != nil {
		return nil, report, err
	}
	d := *e.Decoder
	d.Blocks = slices.Clone(d.Blocks)
	folded := &Emulator{Plan: e.Plan, Decoder: &d, Origin: e.Origin, Fits: e.Fits, FittedOn: e.FittedOn, Folded: true}
	f := newFolder(be, c, folded)
	made := map[plan.Slot]transformer.Block{}
	for place := range d.Blocks {
		if hasBlocks(d.Blocks[place]) && e.Plan[place].Transform.Name != "" {
			report.Blocks = append(report.Blocks, place)
		}
		if forms == nil || forms[place].Plain() {
			continue
		}
		form := forms[place]
		report.note(place, form)
		block, ok := made[e.Plan[place]]
		if !ok {
			if block, err = f.block(d.Blocks[place], form); err != nil {
				folded.Close()
				return nil, report, fmt.Errorf("place %d, %s: %w", place, e.Plan[place], err)
			}
			made[e.Plan[place]] = block
		}
		d.Blocks[place] = block
	}
	folded.collect()
	return folded, report, nil
}

// WantFoldable returns an error that names the places of a plan without a standard form.
func WantFoldable(c transformer.Config, p plan.Plan) error {
	var maps, scales []string
	for place, s := range p {
		what := fmt.Sprintf("place %d, %s", place, s)
		switch {
		case s.IsMap():
			maps = append(maps, what)
		case s.Scale != 0 && c.PostNorm:
			scales = append(scales, what)
		}
	}
	switch {
	case maps != nil:
		return fmt.Errorf("--fold: %s: a map of the stream has no standard form: leave --fold out, or repair with replaceme, which has one", strings.Join(maps, "; "))
	case scales != nil:
		return fmt.Errorf("--fold: %s: a layer that normalises behind its sum has no standard form scaled: leave --fold out, or the scale", strings.Join(scales, "; "))
	}
	return nil
}

// hasBlocks reports whether weights of a block are quantised in blocks.
func hasBlocks(b transformer.Block) bool {
	for w := range nn.ParamsOf(b) {
		if w.Value.DType().IsBlock() {
			return true
		}
	}
	return false
}

func (r *Folded) note(place int, form transformer.Form) {
	if len(form.Ranks) > 0 {
		r.Pairs = append(r.Pairs, place)
	}
	if form.FeedForward > 0 {
		r.Channels = append(r.Channels, place)
	}
	if form.Heads > 0 || form.KVHeads > 0 {
		r.Heads = append(r.Heads, place)
	}
	if form.Scale != 0 {
		r.Scaled = append(r.Scaled, place)
	}
}

// Text says what is lost, in lines; apart is the relative difference of hidden states on
// some text, see [Apart], below 0 where there was none.
func (r Folded) Text(apart float64) string {
	var text strings.Builder
	say := func(places []int, format string) {
		if len(places) > 0 {
			list := strings.Trim(fmt.Sprint(places), "[]")
			fmt.Fprintf(&text, "folded: "+format+" (places %s)\n", list)
		}
	}
	say(r.Pairs, "low-rank pairs are their products, of the full size and speed again")
	say(r.Channels, "MLPs of fewer channels are filled up with zeros: nothing is saved")
	say(r.Heads, "attention of fewer heads is filled up with zeros: nothing is saved")
	say(r.Blocks, "quantised weights are F32: nothing is saved")
	if say(r.Scaled, "a layer's scale is in its output projections, which is another function: the MLP sees attention scaled"); text.Len() > 0 && apart >= 0 {
		fmt.Fprintf(&text, "folded: the last hidden states are %.2g from the emulator's, relative, on the checked text\n", apart)
	}
	return text.String()
}

// Apart returns ‖Y-X‖/‖X‖ of what leaves the last places of two decoders, X of the first, on
// rows of tokens.
func Apart(be kernels.Backend, a, b *transformer.Decoder, rows [][]int32) (float64, error) {
	p := autograd.NewPass(be)
	defer p.Close()
	var apart, size float64
	for _, row := range rows {
		batch := transformer.NewBatch(row)
		x := a.Forward(p, batch, nil).T.Float32s()
		y := b.Forward(p, batch, nil).T.Float32s()
		if err := p.Sync(); err != nil {
			return 0, err
		}
		p.Reset()
		for i, v := range x {
			difference := float64(y[i]) - float64(v)
			apart, size = apart+difference*difference, size+float64(v)*float64(v)
		}
	}
	if size == 0 {
		return 0, nil
	}
	return math.Sqrt(apart / size), nil
}
