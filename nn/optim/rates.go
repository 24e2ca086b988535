package optim

import (
	"fmt"
	"math"
	"path"
	"slices"
)

// Rate multiplies the learning rate of some parameters. Of a list the first that a
// parameter fits holds for it; one that fits none learns at the rate of all, or at that of
// its [Group].
type Rate struct {
	Match string  `json:"match"` // a pattern of names, as in [Group]
	Times float64 `json:"times"` // above 0
}

// Validate returns an error for a pattern or a number that cannot be used.
func (r Rate) Validate() error {
	if _, err := path.Match(r.Match, ""); err != nil || r.Match == "" {
		return fmt.Errorf("rate of %q: want a pattern of names, such as *.mlp.*", r.Match)
	}
	if !(r.Times > 0) || math.IsInf(float64(float32(r.Times)), 0) || float32(r.Times) == 0 {
		return fmt.Errorf("rate of %q: %v times the learning rate: want a positive number that 32 bits hold", r.Match, r.Times)
	}
	return nil
}

// LayerRates are the rates of layer-wise decay, of ELECTRA's and BEiT's fine-tuning: of n
// blocks, of which blocks[i] are the names of the trained parameters from the bottom up,
// block i learns at decay^(n-i) times the rate of all, and the embeddings at decay^(n+1):
// what follows the blocks learns at the full rate, and the uppermost block at decay times it.
// A parameter of several blocks has the rate of the lowest.
func LayerRates(decay float64, embeddings []string, blocks ...[]string) (rates []Rate) {
	n, listed := len(blocks), map[string]bool{}
	for i, names := range append([][]string{embeddings}, blocks...) {
		for _, name := range names {
			if !listed[name] {
				rates = append(rates, Rate{name, math.Pow(decay, float64(n+1-i))})
			}
			listed[name] = true
		}
	}
	return rates
}

// Fits reports whether one of the rates is for a parameter of a name.
func Fits(rates []Rate, name string) bool {
	return slices.ContainsFunc(rates, func(r Rate) bool { return r.fits(name) })
}

// times returns what multiplies the learning rate of each trained parameter. It is an error
// if a rate cannot be used, or names what is not there.
func (o *AdamW) times() ([]float64, error) {
	for _, r := range o.Rates {
		if err := r.Validate(); err != nil {
			return nil, err
		}
	}
	fitted := make([]bool, len(o.Rates))
	times := make([]float64, len(o.trained.Params))
	for i, w := range o.trained.Params {
		times[i] = 1
		if at := slices.IndexFunc(o.Rates, func(r Rate) bool { return r.fits(w.Name) }); at >= 0 {
			fitted[at], times[i] = true, o.Rates[at].Times
		}
	}
	if at := slices.Index(fitted, false); at >= 0 {
		return nil, fmt.Errorf("rate of %q: fits no trained parameter that is left by the rates before it", o.Rates[at].Match)
	}
	return times, nil
}

func (r Rate) fits(name string) bool {
	named, _ := path.Match(r.Match, name)
	return named
}
