package privacy

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// golden is testdata/rdp.json, made by testdata/gen_rdp.py.
type golden struct {
	RDP []struct {
		Mechanism
		Order    float64
		Integral float64
		Opacus   float64
	}
	Epsilon []struct {
		Mechanism
		Steps        int
		Delta        float64
		Opacus       float64
		DPAccounting float64 `json:"dp_accounting"`
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/rdp.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// The divergences equal Opacus's and the integral in 40 digits: 1e-12 absolute of A, which
// is 1 at the least, and 1e-9 relative of the rest.
func TestRDPEqualsReference(t *testing.T) {
	for _, c := range readGolden(t).RDP {
		got := c.RDP(c.Order)
		bar := 1e-12/(c.Order-1) + 1e-9*c.Integral
		if d := math.Abs(got - c.Integral); !(d <= bar) {
			t.Errorf("%+v order %v: %v, the integral is %v", c.Mechanism, c.Order, got, c.Integral)
		}
		if d := math.Abs(got - c.Opacus); !(d <= bar+1e-9) { // whose series ends at e^-30
			t.Errorf("%+v order %v: %v, opacus has %v", c.Mechanism, c.Order, got, c.Opacus)
		}
	}
}

// ε is Opacus's, or less where an order that Opacus has not is better; dp-accounting's
// orders are ours, and its own bounds of broken ones a little coarser.
func TestEpsilonEqualsReference(t *testing.T) {
	for _, c := range readGolden(t).Epsilon {
		a, err := NewAccountant(c.Mechanism)
		if err != nil {
			t.Fatal(err)
		}
		got := a.Epsilon(c.Steps, c.Delta)
		if d := math.Abs(got - c.Opacus); !(d <= 1e-6*c.Opacus) {
			t.Errorf("%+v: ε %v, opacus has %v", c, got, c.Opacus)
		}
		if !(got <= c.DPAccounting*(1+1e-6) && got >= c.DPAccounting*(1-1e-3)) {
			t.Errorf("%+v: ε %v, dp-accounting has %v", c, got, c.DPAccounting)
		}
	}
}

// Published values, by the classic conversion of their day: Abadi et al., "Deep Learning
// with Differential Privacy" (CCS 2016), section 3.2, ε = 1.26 for q = 0.01, σ = 4, 10,000
// steps; Bu, Dong, Long and Su, "Deep Learning with Gaussian Differential Privacy" (HDSR
// 2020), figure 4, ε = 1.34 after 20 epochs of MNIST with σ = 1.3 and 8.68 after 70 with
// σ = 0.7. All with δ = 1e-5, and two decimals.
func TestEpsilonIsAsPublished(t *testing.T) {
	const mnist = 256. / 60000
	for _, c := range []struct {
		Mechanism
		steps int
		want  float64
	}{
		{Mechanism{0.01, 4}, 10_000, 1.26},
		{Mechanism{mnist, 1.3}, 20 * 60000 / 256, 1.34},
		{Mechanism{mnist, 0.7}, 70 * 60000 / 256, 8.68},
	} {
		a, err := NewAccountant(c.Mechanism)
		if err != nil {
			t.Fatal(err)
		}
		if got, order := a.EpsilonBy(Classic, c.steps, 1e-5); !(math.Abs(got-c.want) <= 0.01) {
			t.Errorf("%+v, %d steps: ε %.4f (order %v), published %.2f", c.Mechanism, c.steps, got, order, c.want)
		}
		if better := a.Epsilon(c.steps, 1e-5); !(better < c.want) {
			t.Errorf("%+v: the improved conversion gives %.4f, the classic %.2f", c.Mechanism, better, c.want)
		}
	}
}

// The same by a sum over a grid, in this program: A(α) as an integral in z, trapezoids of
// which converge faster than any power for a function like this.
func TestRDPEqualsTrapezoids(t *testing.T) {
	for _, m := range []Mechanism{{0.02, 1.3}, {0.4, 0.9}, {0.99, 5}} {
		for _, order := range []float64{1.3, 2, 4.4, 20, 20.5} {
			const n = 20_000
			low, high := -12*m.Noise, order+12*m.Noise
			var sum logSum
			for i := range n + 1 {
				z := low + (high-low)*float64(i)/n
				ratio := math.Log1p(m.Rate * math.Expm1((2*z-1)/(2*m.Noise*m.Noise)))
				sum.add(order*ratio-z*z/(2*m.Noise*m.Noise), 1)
			}
			want := (sum.log() + math.Log((high-low)/n/(m.Noise*math.Sqrt(2*math.Pi)))) / (order - 1)
			if got := m.RDP(order); !(math.Abs(got-want) <= 1e-9*max(1, want)/(order-1)) {
				t.Errorf("%+v order %v: %v, trapezoids %v", m, order, got, want)
			}
		}
	}
}

// More steps, a larger rate and less noise never give less away; no order less than one
// before it.
func TestEpsilonNeverFalls(t *testing.T) {
	at := func(m Mechanism, steps int) float64 {
		a, err := NewAccountant(m)
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(a.rdp); i++ {
			if Orders[i] > Orders[i-1] && a.rdp[i] < a.rdp[i-1]*(1-1e-6) {
				t.Errorf("%+v: order %v has %v, order %v has %v", m, Orders[i], a.rdp[i], Orders[i-1], a.rdp[i-1])
			}
		}
		return a.Epsilon(steps, 1e-5)
	}
	one := at(Mechanism{0.01, 1}, 100)
	for _, more := range []float64{at(Mechanism{0.01, 1}, 101), at(Mechanism{0.011, 1}, 100), at(Mechanism{0.01, 0.99}, 100)} {
		if !(more > one) {
			t.Errorf("ε %v is not above %v", more, one)
		}
	}
	if got := at(Mechanism{0.01, 1}, 0); got != 0 {
		t.Errorf("without a step ε is %v", got)
	}
	if got := at(Mechanism{0.01, 0}, 1); !math.IsInf(got, 1) {
		t.Errorf("without noise ε is %v", got)
	}
}

func TestNoiseForIsTheLeast(t *testing.T) {
	for _, c := range []struct {
		rate    float64
		steps   int
		epsilon float64
	}{{0.008, 375, 3}, {0.008, 375, 0.5}, {1, 10, 8}, {0.1, 1, 20}} {
		noise, err := NoiseFor(c.rate, c.steps, c.epsilon, 1e-5)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []struct {
			noise float64
			holds bool
		}{{noise, true}, {noise - noiseStep, false}} {
			a, err := NewAccountant(Mechanism{c.rate, n.noise})
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Epsilon(c.steps, 1e-5); (got <= c.epsilon) != n.holds {
				t.Errorf("%+v: σ %v gives ε %v", c, n.noise, got)
			}
		}
	}
	if _, err := NoiseFor(0.5, 1e9, 1e-9, 1e-9); err == nil || !strings.Contains(err.Error(), "no noise up to") {
		t.Errorf("an ε that nothing reaches: %v", err)
	}
	for _, bad := range [][3]float64{{0, 1, 1e-5}, {1.1, 1, 1e-5}, {0.1, 0, 1e-5}, {0.1, math.NaN(), 1e-5}, {0.1, 1, 0}, {0.1, 1, 1}} {
		if _, err := NoiseFor(bad[0], 10, bad[1], bad[2]); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}
