package leak

import (
	"fmt"
	"math"
)

// Shadow is what a model that was trained for the purpose says of the audited rows, members
// first, then others.
type Shadow struct {
	Losses []float64 `json:"losses"`       // mean -log p a learned token
	In     []bool    `json:"in,omitempty"` // which rows it was trained on; nil: none
}

// Variant is how LiRA uses shadows.
type Variant string

// Offline shadows were trained without the audited rows: what is unusually likely beside
// them was a member. Online ones were trained on about half of them each, so that every row
// is held against models with it and without.
const (
	Offline Variant = "offline"
	Online  Variant = "online"
)

// ParseVariant returns the variant of a name.
func ParseVariant(name string) (Variant, error) {
	switch v := Variant(name); v {
	case Offline, Online:
		return v, nil
	}
	return "", fmt.Errorf("variant of LiRA %.64q: want %s or %s", name, Offline, Online)
}

// leastLoss keeps φ finite: at a loss of 1e-12 nats the answer is certain.
const leastLoss = 1e-12

// Confidence is the logit of the probability that a row's tokens have on average, which
// is nearly normal over models (Carlini et al., section VI-A):
//
//	φ = log(p/(1-p)),  p = e^(-loss)
func Confidence(loss float64) float64 {
	loss = max(loss, leastLoss)
	return -loss - math.Log(-math.Expm1(-loss))
}

// enoughShadows is from how many models on a row gets a variance of its own; below, the
// rows' variances are one, their mean (Carlini et al., section VI-B, "global variance").
const enoughShadows = 64

// LiRA returns a score for each audited row, higher for members, from the losses of the
// model under attack and those of shadows. With φ of [Confidence]:
//
//	offline: (φ - μ_out)/σ_out,  which is a normal quantile of Pr[φ_out < φ]
//	online:  log N(φ; μ_in, σ_in²) - log N(φ; μ_out, σ_out²)
//
// means and deviations over the shadows with and without the row. A row that has fewer than
// two of a kind that is needed is an error.
func LiRA(how Variant, losses []float64, shadows []Shadow) ([]float64, error) {
	in, out := make([][]float64, len(losses)), make([][]float64, len(losses))
	for k, s := range shadows {
		if len(s.Losses) != len(losses) || s.In != nil && len(s.In) != len(losses) {
			panic(fmt.Sprintf("leak: LiRA: shadow %d of %d rows (%d marks), audited are %d", k, len(s.Losses), len(s.In), len(losses)))
		}
		for i, loss := range s.Losses {
			if s.In != nil && s.In[i] {
				in[i] = append(in[i], Confidence(loss))
			} else {
				out[i] = append(out[i], Confidence(loss))
			}
		}
	}
	for i := range losses {
		if len(out[i]) < 2 || how == Online && len(in[i]) < 2 {
			return nil, fmt.Errorf("LiRA (%s): row %d of those that are audited is in %d shadows and out of %d: two or more of each are needed: train more", how, i+1, len(in[i]), len(out[i]))
		}
	}
	outside, inside := fitNormals(out), []normal{}
	if how == Online {
		inside = fitNormals(in)
	}
	scores := make([]float64, len(losses))
	for i, loss := range losses {
		φ := Confidence(loss)
		if how == Online {
			scores[i] = inside[i].logDensity(φ) - outside[i].logDensity(φ)
		} else {
			scores[i] = (φ - outside[i].mean) / outside[i].deviation
		}
	}
	return scores, nil
}

// normal is a normal distribution.
type normal struct{ mean, deviation float64 }

func (n normal) logDensity(x float64) float64 {
	z := (x - n.mean) / n.deviation
	return -z*z/2 - math.Log(n.deviation)
}

// leastDeviation is added to one of 0: shadows that agree to the bit.
const leastDeviation = 1e-30

// fitNormals fits one to each list; see enoughShadows. Variances are the unbiased ones.
func fitNormals(lists [][]float64) []normal {
	out := make([]normal, len(lists))
	pooled, fewest := 0.0, len(lists[0])
	for i, x := range lists {
		v := variance(x)
		out[i] = normal{meanOf(x), math.Sqrt(v) + leastDeviation}
		pooled += v / float64(len(lists))
		fewest = min(fewest, len(x))
	}
	if fewest < enoughShadows {
		for i := range out {
			out[i].deviation = math.Sqrt(pooled) + leastDeviation
		}
	}
	return out
}
