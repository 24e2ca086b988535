package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Need is a measurement of the full model that a method reads, or something it is
// told. Its text is how messages call it.
type Need string

// What methods read. Matrices are numbers made beforehand; the others are questions that
// a method asks while it chooses, each of which runs the model.
const (
	NeedSimilarity Need = "similarity"         // [Request.Similarity]
	NeedDirections Need = "directions"         // [Request.Cosine], [Request.Angle]
	NeedList       Need = "list"               // [Request.List]
	NeedTextLoss   Need = "loss on text"       // [Request.TextLoss]
	NeedAnswerLoss Need = "loss on answers"    // [Request.AnswerLoss]
	NeedNeighbours Need = "neighbours"         // [Request.Neighbours]
	NeedGradient   Need = "gradient"           // [Request.GradientCosine]
	NeedGram       Need = "gradients of gates" // [Request.Gram]
	NeedGains      Need = "gains"              // [Request.Gains]
)

// Request is what a method chooses from: sizes, what is asked for beside them, and what
// was measured. A measurement is nil where it was not made. Lists of layers are
// ascending; a question's error ends the choosing.
type Request struct {
	Layers    int // of the full model
	Keep      int // of them stay, the trained ones included
	Trainable int // of those train

	AnchorEnds bool               // keep the first and the last layer whatever the rule says
	TrainAt    TrainAt            // where layers train; the zero value: where the method says
	Seed       uint64             // of methods that draw
	Options    map[string]float64 // numbers of the method by name; see [Method.Options]
	List       []int              // the layers that stay, of a method that is told them

	// Similarity is a matrix [L+1 L+1] of the likeness of hidden states, entry 0 the
	// embedding output, entry i the output of layer i-1.
	Similarity [][]float64
	// Cosine [L+1 L+1] is the mean over tokens of the cosine between the stream at two
	// depths, and Angle that over samples of arccos(cosine)/π at the last token, both
	// before the final norm.
	Cosine, Angle [][]float64
	// Gains says of each layer [L] how much training it promises to first order.
	Gains []float64

	// TextLoss and AnswerLoss are those of the decoder that has the kept layers alone, in
	// nats a token: of all tokens of the texts, and of their answers.
	TextLoss, AnswerLoss func(kept []int) (float64, error)
	// Neighbours returns the likeness of the outputs of neighbours in that decoder, one
	// value less than kept layers.
	Neighbours func(kept []int) ([]float64, error)
	// GradientCosine is that between the gradients of the trained layers' weights in that
	// decoder and in the full model.
	GradientCosine func(kept, trained []int) (float64, error)
	// Gram returns how that gradient changes, to first order, as kept layers are removed.
	Gram func(kept, trained []int) (Gram, error)

	trained []int // that TrainAt names; nil: they depend on what is kept
}

// Has reports whether the request brings a measurement.
func (r *Request) Has(n Need) bool {
	switch n {
	case NeedSimilarity:
		return r.Similarity != nil
	case NeedDirections:
		return r.Cosine != nil && r.Angle != nil
	case NeedList:
		return r.List != nil
	case NeedTextLoss:
		return r.TextLoss != nil
	case NeedAnswerLoss:
		return r.AnswerLoss != nil
	case NeedNeighbours:
		return r.Neighbours != nil
	case NeedGradient:
		return r.GradientCosine != nil
	case NeedGram:
		return r.Gram != nil
	case NeedGains:
		return r.Gains != nil
	}
	return false
}

// Needed returns what choosing by m reads: the method's needs, and that of the rule that
// says where layers train.
func (r Request) Needed(m Method) []Need {
	m = m.As(r)
	needs := slices.Clone(m.Needs)
	if at := r.trainAt(m); at.rule().needs != "" && !slices.Contains(needs, at.rule().needs) {
		needs = append(needs, at.rule().needs)
	}
	return needs
}

// Trained returns the layers that will train, where that is known before any is chosen,
// else nil.
func (r Request) Trained() []int { return r.trained }

// Fixed returns the layers that stay whatever the rule says: those that train, where
// [Request.Trained] knows them, and the ends if they are to be kept.
func (r Request) Fixed() []int {
	fixed := slices.Clone(r.trained)
	if r.AnchorEnds {
		fixed = append(fixed, 0, r.Layers-1)
	}
	slices.Sort(fixed)
	return slices.Compact(fixed)
}

// Free returns the other layers, among which a method chooses.
func (r Request) Free() []int {
	fixed := r.Fixed()
	var free []int
	for layer := range r.Layers {
		if !slices.Contains(fixed, layer) {
			free = append(free, layer)
		}
	}
	return free
}

// all returns the layers of the full model.
func (r Request) all() []int {
	layers := make([]int, r.Layers)
	for i := range layers {
		layers[i] = i
	}
	return layers
}

// Option is a number of a method that can be set.
type Option struct {
	Name, Help           string
	Default, Least, Most float64 // Default NaN: the method makes it of the sizes
	Whole                bool    // no fractions
}

// Option returns a number of the method: as it was set, or its default.
func (r Request) Option(name string) float64 { return r.Options[name] }

// setOptions checks the options that are set and fills in the others.
func (r *Request) setOptions(m Method) error {
	set := r.Options
	r.Options = map[string]float64{}
	for _, o := range m.Options {
		r.Options[o.Name] = o.Default
	}
	for _, name := range slices.Sorted(mapKeys(set)) {
		i := slices.IndexFunc(m.Options, func(o Option) bool { return o.Name == name })
		if i < 0 {
			return fmt.Errorf("plan: method %s has no option %.64q: %s", m.Name, name, m.OptionNames())
		}
		o, v := m.Options[i], set[name]
		if !(v >= o.Least && v <= o.Most) || o.Whole && v != math.Trunc(v) {
			kind := "number"
			if o.Whole {
				kind = "whole number"
			}
			return fmt.Errorf("plan: method %s: option %s %v: want a %s from %v to %v", m.Name, name, v, kind, o.Least, o.Most)
		}
		r.Options[name] = v
	}
	return nil
}

// OptionNames lists the options of a method for people.
func (m Method) OptionNames() string {
	if len(m.Options) == 0 {
		return "it has none"
	}
	names := make([]string, len(m.Options))
	for i, o := range m.Options {
		names[i] = o.Name
	}
	return "it has " + strings.Join(names, ", ")
}

// mapKeys yields the keys of m.
func mapKeys(m map[string]float64) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checkMatrices tests the sizes of what was measured, and that it is numbers.
func (r *Request) checkMatrices() error {
	for _, m := range []struct {
		name   string
		values [][]float64
	}{{"similarity", r.Similarity}, {"cosine", r.Cosine}, {"angle", r.Angle}} {
		if m.values != nil && len(m.values) != r.Layers+1 {
			return fmt.Errorf("plan: %s of %d states: want %d, the embedding and one a layer", m.name, len(m.values), r.Layers+1)
		}
		for i, row := range m.values {
			if len(row) != len(m.values) {
				return fmt.Errorf("plan: %s: row %d has %d values: want %d", m.name, i, len(row), len(m.values))
			}
			for j, v := range row {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("plan: %s of states %d and %d is %v: measure it anew, on other texts or with other weights", m.name, i, j, v)
				}
			}
		}
	}
	if r.Gains != nil && len(r.Gains) != r.Layers {
		return fmt.Errorf("plan: gains of %d layers: want %d", len(r.Gains), r.Layers)
	}
	return nil
}

// GainGroup is how many layers' gains are measured in one backward pass: their gradients
// are in memory together.
const GainGroup = 8

// Cost is how often choosing runs a decoder over all texts at the most: forward alone, and
// forward and backward.
type Cost struct{ Forwards, Backwards int }

// CostOf returns what choosing by m costs, matrices included.
func (r Request) CostOf(m Method) (c Cost, err error) {
	m = m.As(r)
	if err := m.checkSizes(&r); err != nil {
		return c, err
	}
	if err := r.setOptions(m); err != nil {
		return c, err
	}
	if at := r.trainAt(m); at.rule().needs == "" { // else the layers are not known yet, and no number depends on which they are
		if err := r.setTrained(m); err != nil {
			return c, err
		}
	}
	if m.Cost != nil {
		c = m.Cost(r)
	}
	for _, n := range r.Needed(m) {
		switch n {
		case NeedSimilarity, NeedDirections:
			c.Forwards++
		case NeedGains:
			c.Backwards += (r.Layers + GainGroup - 1) / GainGroup
		}
	}
	return c, nil
}
