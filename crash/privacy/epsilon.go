package privacy

import (
	"fmt"
	"math"
)

// Orders are the α that an accountant looks at: those of Opacus, and some above for what
// is almost certain.
var Orders = orders()

func orders() (all []float64) {
	for i := 1; i < 100; i++ {
		all = append(all, 1+float64(i)/10)
	}
	for i := 11; i < 64; i++ {
		all = append(all, float64(i))
	}
	return append(all, 128, 256, 512, 1024)
}

// Accountant adds up equal steps of a mechanism.
type Accountant struct {
	mechanism Mechanism
	rdp       []float64 // of one step, by order
}

// NewAccountant returns the accountant of a mechanism. The error is that of
// [Mechanism.Validate].
func NewAccountant(m Mechanism) (*Accountant, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	a := &Accountant{mechanism: m, rdp: make([]float64, len(Orders))}
	for i, order := range Orders {
		a.rdp[i] = m.RDP(order)
	}
	return a, nil
}

// Conversion turns Rényi differential privacy of an order, in nats, into ε for a δ.
type Conversion func(order, rdp, delta float64) float64

// Classic is proposition 3 of Mironov (2017): ε(α) + log(1/δ)/(α-1).
func Classic(order, rdp, delta float64) float64 {
	return rdp - math.Log(delta)/(order-1)
}

// Improved is theorem 21 of Balle et al. (2020), which is never more for δ < 1:
// ε(α) + log((α-1)/α) - (log δ + log α)/(α-1).
func Improved(order, rdp, delta float64) float64 {
	return rdp + math.Log1p(-1/order) - (math.Log(delta)+math.Log(order))/(order-1)
}

// Epsilon returns the ε that some steps together have for a δ in (0, 1), by the improved
// conversion: the mechanism is (ε, δ)-differentially private. Without noise it is
// infinite, without steps 0.
func (a *Accountant) Epsilon(steps int, delta float64) float64 {
	epsilon, _ := a.EpsilonBy(Improved, steps, delta)
	return epsilon
}

// EpsilonBy is Epsilon by a conversion, with the order that gave the least.
func (a *Accountant) EpsilonBy(convert Conversion, steps int, delta float64) (epsilon, order float64) {
	if err := CheckDelta(delta); err != nil {
		panic("privacy: EpsilonBy: " + err.Error())
	}
	if steps == 0 {
		return 0, Orders[0]
	}
	epsilon = math.Inf(1)
	for i, alpha := range Orders {
		if e := convert(alpha, float64(steps)*a.rdp[i], delta); e < epsilon {
			epsilon, order = e, alpha
		}
	}
	return max(0, epsilon), order
}

// CheckDelta returns an error for a δ that says nothing.
func CheckDelta(delta float64) error {
	if !(delta > 0 && delta < 1) {
		return fmt.Errorf("delta %v: want more than 0 and less than 1", delta)
	}
	return nil
}

// The bounds of what NoiseFor looks at, and the step that it rounds up to.
const (
	mostNoise = 1e6
	noiseStep = 1e-4
)

// NoiseFor returns the least noise multiplier σ, rounded up to four decimals, with which
// some steps that draw each example at a rate have an ε of at most epsilon for delta: by
// bisection, since ε falls as σ grows. It is an error if no σ up to 1e6 does.
func NoiseFor(rate float64, steps int, epsilon, delta float64) (float64, error) {
	if err := CheckDelta(delta); err != nil {
		return 0, err
	}
	if !(epsilon > 0) || math.IsInf(epsilon, 0) {
		return 0, fmt.Errorf("epsilon %v: want a positive number", epsilon)
	}
	if err := (Mechanism{Rate: rate}).Validate(); err != nil {
		return 0, err
	}
	enough := func(noise int) bool { // in units of noiseStep
		a, err := NewAccountant(Mechanism{rate, float64(noise) * noiseStep})
		return err == nil && a.Epsilon(steps, delta) <= epsilon
	}
	low, high := 0, 1000 // σ = 0.1, below which little is promised
	for !enough(high) {
		if low, high = high, 2*high; float64(high)*noiseStep > mostNoise {
			return 0, fmt.Errorf("epsilon %v with delta %v: no noise up to %.0e is enough for %d steps that draw each example with probability %v: want a larger epsilon, fewer steps or a smaller batch", epsilon, delta, float64(mostNoise), steps, rate)
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return float64(high) * noiseStep, nil
}
