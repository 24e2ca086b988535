package emulate

import (
	"cmp"
	"fmt"
	"slices"

	"lamina/crash/compress"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/transformer"
)

// Forms returns the form of each place of a plan's emulator, of a model that is configured
// so: from the plan alone, without weights and texts. It is nil if all places are the
// model's layers. A scale that is to be fitted stands there as 1; where the numbers of
// heads count that are chosen by their weights, the first ones stand there.
func Forms(c transformer.Config, p plan.Plan) ([]transformer.Form, error) {
	if err := p.Validate(c.Layers); err != nil {
		return nil, err
	}
	if err := wantChanged(c, p); err != nil {
		return nil, err
	}
	forms := make([]transformer.Form, len(p))
	for place, s := range p {
		var err error
		if forms[place], err = formOf(c, s); err != nil {
			return nil, fmt.Errorf("place %d, %s: %w", place, s, err)
		}
	}
	if !slices.ContainsFunc(forms, func(f transformer.Form) bool { return !f.Plain() }) {
		return nil, nil
	}
	return forms, nil
}

// WantLayers returns an error that names the first place of a plan whose layer the model
// itself has in a form of its own, as one has that was an emulator: a plan says nothing of
// that, and no emulator of it can be written.
func WantLayers(c transformer.Config, p plan.Plan) error {
	return wantLayers(c, p, func(plan.Slot) bool { return true })
}

// wantChanged is [WantLayers] of the places that are not the model's layers as they are.
func wantChanged(c transformer.Config, p plan.Plan) error {
	return wantLayers(c, p, func(s plan.Slot) bool { return !s.Plain() })
}

func wantLayers(c transformer.Config, p plan.Plan, which func(plan.Slot) bool) error {
	for place, s := range p {
		if s.IsMap() || !which(s) {
			continue
		}
		if f := c.FormOf(s.Layer); !f.Plain() {
			return fmt.Errorf("plan: place %d, %s: layer %d of the model is no layer as %s has it (%s), and no emulator has it: leave it out, or take the model that this one was made of",
				place, s, s.Layer, c.Family, f)
		}
	}
	return nil
}

// Outline returns the decoder of a plan's emulator without its weights, places that repeat a
// layer as one object: for counting, and for passes on [dry.Backend].
func Outline(c transformer.Config, p plan.Plan) (*transformer.Decoder, error) {
	forms, err := Forms(c, p)
	if err != nil {
		return nil, err
	}
	c.Layers, c.Forms = len(p), forms
	d := c.Outline()
	join(d, p, false)
	return d, nil
}

// wantForms returns an error that names the first place whose form is not what the plan
// says: of a folded emulator, that is a layer as the family has it. Which heads are left is
// no matter of a plan.
func wantForms(c transformer.Config, p plan.Plan, forms []transformer.Form, folded bool) error {
	want, err := Forms(c, p)
	if err != nil {
		return err
	}
	if folded {
		want = nil
	}
	for place, s := range p {
		var is, should transformer.Form
		if forms != nil {
			is = forms[place]
		}
		if want != nil {
			should = want[place]
		}
		if is.HeadNumbers, should.HeadNumbers = nil, nil; !is.Equal(should) {
			return fmt.Errorf("place %d, %s: what stands there is %s, and the plan says %s", place, s, formText(is), formText(should))
		}
	}
	return nil
}

func formText(f transformer.Form) string { return cmp.Or(f.String(), "a layer as it is") }

// formOf returns the form of a place.
func formOf(c transformer.Config, s plan.Slot) (f transformer.Form, err error) {
	if s.IsMap() {
		return mapForms[s.Map](c.Width), nil
	}
	if form := transforms[s.Transform.Name].form; form != nil {
		if f, err = form(c, s.Transform.Amount); err != nil {
			return f, err
		}
	}
	if f.Heads > 0 && c.CountsHeads() {
		for i := range f.Heads {
			f.HeadNumbers = append(f.HeadNumbers, i)
		}
	}
	if f.Scale = s.Scale; s.Scale == plan.FitScale {
		f.Scale = 1
	}
	return f, nil
}

// mapForms are the forms of the maps of plans, of a stream so wide.
var mapForms = map[plan.Map]func(width int) transformer.Form{
	plan.Ghost:    mapForm("linear"),
	plan.Patch:    mapForm("diagonal"),
	plan.Hadamard: mapForm("linear"),
	plan.Scalar:   mapForm("diagonal"),
	plan.Harmonizer: func(width int) transformer.Form {
		return transformer.Form{Map: "harmonizer", Rank: min(HarmonizerRank, width)}
	},
}

func mapForm(name string) func(int) transformer.Form {
	return func(int) transformer.Form { return transformer.Form{Map: name} }
}

// factoredForm is the form of a block whose linear layers are all factors with a share of
// the weights.
func factoredForm(c transformer.Config, share float64) (f transformer.Form, err error) {
	return factored(c, share, func(transformer.Sublayers, *nn.Projection) bool { return true })
}

// gradotForm is that of factors in attention, and a share of the MLP's channels.
func gradotForm(c transformer.Config, share float64) (transformer.Form, error) {
	f, err := narrowForm(c, share)
	if err != nil {
		return f, err
	}
	attention, err := factored(c, share, func(s transformer.Sublayers, field *nn.Projection) bool {
		return slices.Contains(s.Attend, field) || field == s.Output
	})
	f.Ranks = attention.Ranks
	return f, err
}

// factored is the form of a block some of whose linear layers are factors.
func factored(c transformer.Config, share float64, which func(transformer.Sublayers, *nn.Projection) bool) (f transformer.Form, err error) {
	if share == 1 {
		return f, nil
	}
	f.Ranks = map[string]int{}
	c.Layers, c.Forms = 1, nil
	block := c.Outline().Blocks[0]
	s, _ := transformer.SublayersOf(block)
	for name, field := range nn.ProjectionsOf(block) {
		if !which(s, field) {
			continue
		}
		_, own, _ := c.SplitLayerName(name)
		in, out, _ := nn.Sizes(*field)
		if f.Ranks[own], err = compress.RankFor(share, out, in); err != nil {
			return f, fmt.Errorf("%s: %w", own, err)
		}
	}
	return f, nil
}

// narrowForm is the form of a block with a share of the channels of its MLP.
func narrowForm(c transformer.Config, share float64) (f transformer.Form, err error) {
	n, err := compress.CountFor(share, c.FeedForward)
	if n != c.FeedForward {
		f.FeedForward = n
	}
	return f, err
}

// headsForm is the form of a block with a share of the key/value heads, each with all its
// query heads.
func headsForm(c transformer.Config, share float64) (f transformer.Form, err error) {
	n, err := compress.CountFor(share, c.KVHeads)
	if n == c.KVHeads || err != nil {
		return f, err
	}
	f.Heads = n * c.Heads / c.KVHeads
	if c.KVHeads != c.Heads {
		f.KVHeads = n
	}
	return f, nil
}
