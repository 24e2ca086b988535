package privacy

import (
	"fmt"
	"math"
)

// Mechanism is the Poisson-subsampled Gaussian mechanism of one step.
type Mechanism struct {
	Rate  float64 `json:"rate"`  // q: the probability with which a step draws an example, in (0, 1]
	Noise float64 `json:"noise"` // σ: the noise's standard deviation in units of the clipping norm
}

// Validate returns an error naming the number that nothing can be counted with.
func (m Mechanism) Validate() error {
	switch {
	case !(m.Rate > 0 && m.Rate <= 1):
		return fmt.Errorf("sampling rate %v: want more than 0, and 1 at most", m.Rate)
	case !(m.Noise >= 0) || math.IsInf(m.Noise, 0):
		return fmt.Errorf("noise multiplier %v: want 0 or more", m.Noise)
	}
	return nil
}

// RDP returns the Rényi divergence ε(α) of one step, in nats, for an order α > 1:
//
//	ε(α) = log A(α) / (α - 1),  A(α) = E over z ~ μ₀ of (1 - q + q·μ₁(z)/μ₀(z))^α
//
// with μ₀ = N(0, σ²) and μ₁ = N(1, σ²). For q = 1 it is α/(2σ²); without noise it is
// infinite.
func (m Mechanism) RDP(order float64) float64 {
	if !(order > 1) {
		panic(fmt.Sprintf("privacy: RDP: order %v is not above 1", order))
	}
	switch {
	case m.Noise == 0:
		return math.Inf(1)
	case m.Rate == 1:
		return order / (2 * m.Noise * m.Noise)
	case order == math.Trunc(order):
		return m.logWhole(int(order)) / (order - 1)
	}
	if a, ok := m.logBroken(order); ok {
		return a / (order - 1)
	}
	above := math.Ceil(order) // ε(α) never falls in α
	return m.logWhole(int(above)) / (above - 1)
}

// logWhole returns log A of a whole order, a sum over how often the example was drawn:
//
//	A(α) = Σ over k of C(α,k)·(1-q)^(α-k)·q^k·exp((k²-k)/(2σ²))
func (m Mechanism) logWhole(order int) float64 {
	in, out := math.Log(m.Rate), math.Log1p(-m.Rate)
	var sum logSum
	for k := range order + 1 {
		i := float64(k)
		sum.add(logBinomial(float64(order), i)+i*in+float64(order-k)*out+(i*i-i)/(2*m.Noise*m.Noise), 1)
	}
	return sum.log()
}

const (
	least       = -40     // a term below e^least changes no digit of A, which is 1 at the least
	mostOfTerms = 100_000 // series of a broken order that are longer are not summed
)

// logBroken returns log A of an order that is not whole: the integral cut in two where
// q·μ₁ = (1-q)·μ₀, and each half a binomial series (Mironov, Talwar and Zhang, section
// 3.3), whose signs alternate in the end. It reports false where that does not converge.
func (m Mechanism) logBroken(order float64) (float64, bool) {
	in, out, variance := math.Log(m.Rate), math.Log1p(-m.Rate), m.Noise*m.Noise
	cut := variance*(out-in) + 0.5
	half := func(x float64) float64 { return logErfc(x/(math.Sqrt2*m.Noise)) - math.Ln2 }
	var sum logSum
	binomial, sign := 0.0, 1.0 // log |C(α,k)|, and its sign
	for k := range mostOfTerms {
		i, j := float64(k), order-float64(k)
		below := binomial + i*in + j*out + (i*i-i)/(2*variance) + half(i-cut)
		above := binomial + j*in + i*out + (j*j-j)/(2*variance) + half(cut-j)
		sum.add(below, sign)
		sum.add(above, sign)
		if float64(k) > order && max(below, above) < least {
			log := sum.log()
			return log, !math.IsNaN(log)
		}
		if j < 0 {
			sign = -sign
		}
		binomial += math.Log(math.Abs(j)) - math.Log(i+1)
	}
	return 0, false
}

// logBinomial returns log C(n,k) of whole numbers.
func logBinomial(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

// logErfc returns log erfc(x), beyond where erfc itself is 0 in 64 bits by its
// asymptotic series.
func logErfc(x float64) float64 {
	if x < 20 {
		return math.Log(math.Erfc(x))
	}
	y := 1 / (2 * x * x)
	return -x*x - math.Log(x*math.Sqrt(math.Pi)) + math.Log1p(-y+3*y*y-15*y*y*y)
}

// logSum is a sum of numbers that are given by sign and logarithm.
type logSum struct {
	scale, sum float64 // the sum is sum·e^scale
	any        bool
}

func (s *logSum) add(log, sign float64) {
	switch {
	case math.IsInf(log, -1):
	case !s.any || log > s.scale:
		s.sum, s.scale, s.any = s.sum*math.Exp(s.scale-log)+sign, log, true
	default:
		s.sum += sign * math.Exp(log-s.scale)
	}
}

// log is NaN where rounding made the sum negative.
func (s *logSum) log() float64 { return s.scale + math.Log(s.sum) }
