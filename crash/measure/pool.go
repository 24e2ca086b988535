package measure

import "fmt"

// Pooling turns the states of one sample's tokens into one vector.
//
// The authors pad samples to a common length, and their mean_all, max and min
// take the pads in (crash-method: a bug). Batches here have no pads, so mean_all
// equals mean, and max equals max_nonpad; the names are kept so that results can
// be set side by side.
type Pooling int

// The seven poolings; the words in quotes are their text forms.
const (
	PoolMean         Pooling = iota // "mean": the mean over tokens
	PoolMeanWeighted                // "mean_weighted": weights 1, 2, … T by position (SGPT)
	PoolLast                        // "last": the last token
	PoolMaxNonPad                   // "max_nonpad": the largest value of each feature
	PoolMeanAll                     // "mean_all": as mean
	PoolMax                         // "max": as max_nonpad
	PoolMin                         // "min": the smallest value of each feature
)

var poolings = [...]string{
	PoolMean: "mean", PoolMeanWeighted: "mean_weighted", PoolLast: "last", PoolMaxNonPad: "max_nonpad",
	PoolMeanAll: "mean_all", PoolMax: "max", PoolMin: "min",
}

// String returns the pooling's text form.
func (p Pooling) String() string {
	if p < 0 || int(p) >= len(poolings) {
		return fmt.Sprintf("Pooling(%d)", int(p))
	}
	return poolings[p]
}

// ParsePooling reads a text form, e.g. "mean_weighted".
func ParsePooling(text string) (Pooling, error) {
	for p, name := range poolings {
		if text == name {
			return Pooling(p), nil
		}
	}
	return 0, fmt.Errorf("pooling: %.128q is unknown: want mean, mean_weighted, last, max_nonpad, mean_all, max or min", text)
}

// MarshalText returns the word of p.
func (p Pooling) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form as [ParsePooling] does.
func (p *Pooling) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePooling(string(text))
	return err
}

// Pool writes the pooled vector of states [T D] to dst [D]; T is
// len(states)/len(dst). Means are summed in float64 in token order and rounded
// once. A NaN in a feature gives NaN. It panics if states is empty or no whole
// number of rows. dst must not overlap states.
func (p Pooling) Pool(dst, states []float32) {
	D := len(dst)
	if D == 0 || len(states) == 0 || len(states)%D != 0 {
		panic(fmt.Sprintf("measure: Pool: %d values are no rows of %d", len(states), D))
	}
	switch p {
	case PoolMean, PoolMeanAll:
		weightedMean(dst, states, func(int) float64 { return 1 })
	case PoolMeanWeighted:
		weightedMean(dst, states, func(t int) float64 { return float64(t + 1) })
	case PoolLast:
		copy(dst, states[len(states)-D:])
	case PoolMaxNonPad, PoolMax:
		copy(dst, states[:D])
		for i, v := range states[D:] {
			dst[i%D] = max(dst[i%D], v)
		}
	case PoolMin:
		copy(dst, states[:D])
		for i, v := range states[D:] {
			dst[i%D] = min(dst[i%D], v)
		}
	default:
		panic(fmt.Sprintf("measure: Pool: %v is unknown", p))
	}
}

// weightedMean writes Σ w(t)·states[t] / Σ w(t) to dst, t from 0.
func weightedMean(dst, states []float32, weight func(t int) float64) {
	D := len(dst)
	sum := make([]float64, D)
	var total float64
	for t := range len(states) / D {
		w := weight(t)
		total += w
		for j, v := range states[t*D : (t+1)*D] {
			// Rounded on its own, never fused: the same bits on every processor.
			sum[j] += float64(w * float64(v))
		}
	}
	for j := range dst {
		dst[j] = float32(sum[j] / total)
	}
}
