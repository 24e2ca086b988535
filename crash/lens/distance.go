package lens

import (
	"fmt"
	"math"
	"strings"
)

// Row is a distribution over the vocabulary: probabilities, and their logarithms, which do
// not vanish where a probability does.
type Row struct{ P, Log []float64 }

// RowOf returns the row of given probabilities.
func RowOf(p []float64) Row {
	r := Row{P: p, Log: make([]float64, len(p))}
	for i, v := range p {
		r.Log[i] = math.Log(v)
	}
	return r
}

// set makes the row of logits, softmax in float64. Of logits that are none all logarithms
// are NaN, and so is [Entropy].
func (r *Row) set(logits []float32) {
	if r.P == nil {
		r.P, r.Log = make([]float64, len(logits)), make([]float64, len(logits))
	}
	top := math.Inf(-1)
	for _, v := range logits {
		top = max(top, float64(v))
	}
	sum := 0.0
	for i, v := range logits {
		r.P[i] = math.Exp(float64(v) - top)
		sum += r.P[i]
	}
	rest := math.Log(sum)
	for i, v := range logits {
		r.P[i] /= sum
		r.Log[i] = float64(v) - top - rest
	}
}

// Distance is a distance of two distributions p and q over the vocabulary. All are 0 where
// the two are the same.
type Distance struct {
	Name string
	// Of computes it. Not symmetric ones are of p from q: p is what the row of a matrix
	// says, q the column.
	Of func(p, q Row) float64
	// Symmetric says that the order does not matter.
	Symmetric bool
	// Unit is what a value counts, in words.
	Unit string
	// Likeness is a falling function of the distance, 1 at 0, for what clusters by likeness:
	// a plan's similarity.
	Likeness func(distance float64) float64
	// Formula is the likeness in words.
	Formula string
}

// Distances are all that are measured, those of the paper (its section 2.1) and of CRaSh's
// utils/similarity_metrics.py, which computes them of log-probabilities: here they are of
// probabilities, as their definitions have it.
var Distances = []Distance{
	{"kl", KL, false, "nats", func(d float64) float64 { return math.Exp(-d) }, "exp(-(KL(p‖q) + KL(q‖p))/2)"},
	{"js", JS, true, "nats", func(d float64) float64 { return 1 - d/math.Ln2 }, "1 - JS/ln 2"},
	{"hellinger", Hellinger, true, "0 to 1", func(d float64) float64 { return 1 - d }, "1 - H"},
	{"l2", L2, true, "0 to √2", func(d float64) float64 { return 1 - d/math.Sqrt2 }, "1 - L2/√2"},
	{"cosine", Cosine, true, "0 to 1", func(d float64) float64 { return 1 - d }, "cos(p, q)"},
}

// DistanceNamed returns the distance of a name.
func DistanceNamed(name string) (Distance, error) {
	var names []string
	for _, d := range Distances {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Distance{}, fmt.Errorf("distance %.64q is unknown: want %s", name, strings.Join(names, ", "))
}

// KL is Kullback and Leibler's divergence Σ p·(log p - log q), in nats; infinite where q is 0
// and p is not.
func KL(p, q Row) (sum float64) {
	for i, v := range p.P {
		if v > 0 {
			sum += v * (p.Log[i] - q.Log[i])
		}
	}
	return max(sum, 0) // of equal ones rounding may leave less
}

// JS is Jensen and Shannon's divergence KL(p‖m)/2 + KL(q‖m)/2, m = (p + q)/2, in nats: at most
// ln 2.
func JS(p, q Row) (sum float64) {
	for i, a := range p.P {
		b := q.P[i]
		m := (a + b) / 2
		if m < math.SmallestNonzeroFloat64*4 {
			continue
		}
		log := math.Log(m)
		if a > 0 {
			sum += a * (p.Log[i] - log)
		}
		if b > 0 {
			sum += b * (q.Log[i] - log)
		}
	}
	return max(sum/2, 0)
}

// Hellinger is ‖√p - √q‖/√2.
func Hellinger(p, q Row) float64 {
	sum := 0.0
	for i, a := range p.P {
		d := math.Sqrt(a) - math.Sqrt(q.P[i])
		sum += d * d
	}
	return math.Sqrt(sum / 2)
}

// L2 is ‖p - q‖, which CRaSh's code calls Wasserstein.
func L2(p, q Row) float64 {
	sum := 0.0
	for i, a := range p.P {
		d := a - q.P[i]
		sum += d * d
	}
	return math.Sqrt(sum)
}

// Cosine is 1 - p·q/(‖p‖·‖q‖).
func Cosine(p, q Row) float64 {
	var pq, pp, qq float64
	for i, a := range p.P {
		b := q.P[i]
		pq += a * b
		pp += a * a
		qq += b * b
	}
	return max(1-pq/math.Sqrt(pp*qq), 0)
}

// Entropy is -Σ p·log p, in nats.
func Entropy(p Row) (sum float64) {
	for i, v := range p.P {
		if !(v <= 0) {
			sum -= v * p.Log[i]
		}
	}
	return sum
}
