package emulate_test

import (
	"math"
	"testing"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/crashtest"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// factor puts factors of W in place of every linear layer, of the rank that rank says.
func factor(t *testing.T, be kernels.Backend, d *transformer.Decoder, rank func(out, in int) int) {
	t.Helper()
	for name, field := range d.Linears() {
		l := (*field).(*nn.Linear)
		in, out := l.Sizes()
		w := l.Weight.Value.Floats()
		if l.InOut {
			stored := w
			w = make([]float64, len(stored))
			for i := range in {
				for j := range out {
					w[j*in+i] = stored[i*out+j]
				}
			}
		}
		f, err := compress.SVD(w, out, in, rank(out, in))
		if err != nil {
			t.Fatal(err)
		}
		part := func(child string, values []float64, rows, cols int) *autograd.Parameter {
			return &autograd.Parameter{Name: name + child, Value: tensor.MustFromFloats(be, tensor.F32, values, rows, cols)}
		}
		*field = &nn.LowRank{
			Down: &nn.Linear{Weight: part(".down.weight", f.Down, f.Rank, in)},
			Up:   &nn.Linear{Weight: part(".up.weight", f.Up, out, f.Rank), Bias: l.Bias},
		}
	}
}

// TestExactFactorsGiveTheLogits: with factors of full rank in place of every linear layer,
// the logits of every family stay within the first bar of docs/numerics.md; half
// the weights give others.
func TestExactFactorsGiveTheLogits(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		want := crashtest.Logits(be, full)
		exact, half := full.Clone(), full.Clone()
		factor(t, be, exact, func(out, in int) int { return min(out, in) })
		factor(t, be, half, func(out, in int) int {
			rank, err := compress.RankFor(0.5, out, in)
			if err != nil {
				t.Fatal(err)
			}
			return rank
		})
		distance := func(d *transformer.Decoder) (worst, relative float64) {
			square, norm := 0.0, 0.0
			for i, bits := range crashtest.Logits(be, d) {
				w := float64(math.Float32frombits(want[i]))
				e := float64(math.Float32frombits(bits)) - w
				worst = max(worst, math.Abs(e))
				square, norm = square+e*e, norm+w*w
			}
			return worst, math.Sqrt(square / norm)
		}
		worst, relative := distance(exact)
		if !(worst <= 1e-4 && relative <= 2e-5) {
			t.Errorf("%s: exact factors: logits %.2g apart, relative RMS %.2g", family, worst, relative)
		}
		t.Logf("%s: exact factors: logits %.2g apart, relative RMS %.2g", family, worst, relative)
		if _, relative := distance(half); !(relative > 1e-3 && relative < 2) {
			t.Errorf("%s: half the weights: relative RMS %v", family, relative)
		}
		if a, b := nn.Count(half.Params()), nn.Count(full.Params()); a >= b {
			t.Errorf("%s: %d weights in place of %d", family, a, b)
		}
	}
}
