package optim

import (
	"fmt"
	"math"
	"path"
	"slices"

	"lamina/autograd"
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

// LayerRates are the rates of layer-wise decay, of ELECTRA's and BEiT's fine-tuning: with n
// blocks, those whose names begin with prefixes[i] learn at X^(n-i) times the rate of all,
// so that what follows the blocks learns at the full rate, the uppermost block at X times
// it, and the embeddings, whose patterns stand last, at X^(n+1). A prefix of "" is a place
// without parameters of its own.
func LayerRates(decay float64, prefixes, embeddings []string) (rates []Rate) {
	n := len(prefixes)
	for i, prefix := range prefixes {
		if prefix != "" {
			rates = append(rates, Rate{prefix + ".*", math.Pow(decay, float64(n-i))})
		}
	}
	for _, name := range embeddings {
		rates = append(rates, Rate{name, math.Pow(decay, float64(n+1))})
	}
	return rates
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
		if at := slices.IndexFunc(o.Rates, func(r Rate) bool { return r.fits(w) }); at >= 0 {
			fitted[at], times[i] = true, o.Rates[at].Times
		}
	}
	if at := slices.Index(fitted, false); at >= 0 {
		return nil, fmt.Errorf("rate of %q: fits no trained parameter that is left by the rates before it", o.Rates[at].Match)
	}
	return times, nil
}

func (r Rate) fits(w *autograd.Parameter) bool {
	named, _ := path.Match(r.Match, w.Name)
	return named
}
