package optim

import (
	"fmt"
	"math"
	"path"
	"slices"

	"lamina/autograd"
	"lamina/tensor"
)

// Group is a rule for some of the trained parameters. The first of a list that a
// parameter fits holds for it; a parameter that fits none has the values of [Config].
type Group struct {
	// Match is a pattern of names as [path.Match] has it, where * crosses dots:
	// "model.layers.*.bias". "" fits every name.
	Match string `json:"match,omitempty"`
	// Vectors makes the rule one for parameters of a single axis: biases, and gains of
	// norms.
	Vectors bool `json:"vectors,omitempty"`

	LR          float64 `json:"lr,omitempty"` // times the learning rate of all; 0: as it is
	WeightDecay float64 `json:"weight_decay"` // instead of that of all
}

// NoDecayOfVectors takes biases and gains out of weight decay, as the training scripts
// of transformers, fairseq and the authors of CRaSh do: pulling a gain to 0 is no
// regularisation.
var NoDecayOfVectors = []Group{{Vectors: true}}

// Validate returns an error for a pattern or a number that cannot be used.
func (g Group) Validate() error {
	if _, err := path.Match(g.Match, ""); err != nil {
		return fmt.Errorf("group %q: the pattern is not one: %w", g.Match, err)
	}
	if !(g.LR >= 0) || math.IsInf(g.LR, 0) || !(g.WeightDecay >= 0) || math.IsInf(g.WeightDecay, 0) {
		return fmt.Errorf("group %q: learning rate times %v and weight decay %v: want 0 or more", g.Match, g.LR, g.WeightDecay)
	}
	return nil
}

// fits reports whether the rule is for a parameter.
func (g Group) fits(w *autograd.Parameter) bool {
	named, _ := path.Match(g.Match, w.Name)
	return (named || g.Match == "") && (!g.Vectors || w.Value.Rank() == 1)
}

// stretch is a run of neighbouring parameters that one rule holds for: parts of the flat
// buffers, and one call of the kernel.
type stretch struct {
	w, grad, m, v tensor.Tensor // F32
	lr            float64       // times the learning rate of all
	weightDecay   float64
}

// stretches cuts the flat buffers where the rule changes. It is an error if a group
// cannot be used, or names what is not there.
func (o *AdamW) stretches() ([]stretch, error) {
	rules, err := o.rules()
	if err != nil {
		return nil, err
	}
	times, err := o.times()
	if err != nil {
		return nil, err
	}
	for i := range rules {
		rules[i].LR *= times[i]
	}
	t := o.trained
	var list []stretch
	from, at := 0, 0
	for i, w := range t.Params {
		at += w.Value.Len()
		if i+1 < len(rules) && rules[i+1] == rules[i] {
			continue
		}
		list = append(list, stretch{
			w: t.Values.Slice(from, at), grad: t.Grads.Slice(from, at), m: o.M.Slice(from, at), v: o.V.Slice(from, at),
			lr: rules[i].LR, weightDecay: rules[i].WeightDecay,
		})
		from = at
	}
	return list, nil
}

// rules returns the numbers that hold for each trained parameter.
func (o *AdamW) rules() ([]Group, error) {
	for _, g := range o.Groups {
		if err := g.Validate(); err != nil {
			return nil, err
		}
	}
	fitted := make([]bool, len(o.Groups))
	rules := make([]Group, len(o.trained.Params))
	for i, w := range o.trained.Params {
		rules[i] = Group{LR: 1, WeightDecay: o.WeightDecay}
		at := slices.IndexFunc(o.Groups, func(g Group) bool { return g.fits(w) })
		if at < 0 {
			continue
		}
		fitted[at] = true
		rules[i].WeightDecay = o.Groups[at].WeightDecay
		if lr := o.Groups[at].LR; lr != 0 {
			rules[i].LR = lr
		}
	}
	for i, g := range o.Groups {
		if g.Match != "" && !fitted[i] {
			return nil, fmt.Errorf("group %q: fits no trained parameter that is left by the groups before it", g.Match)
		}
	}
	return rules, nil
}
