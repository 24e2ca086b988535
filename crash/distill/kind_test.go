package distill_test

import (
	"math"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// TestHarmonizersBeginAsNothing: before training each stands in its gap and changes no bit;
// a step of training changes U, and then V, which a zero V could not.
func TestHarmonizersBeginAsNothing(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		without, err := emulate.New(full, crashtest.Plan(t, plan))
		if err != nil {
			t.Fatal(err)
		}
		j := start(t, be, full, distill.Harmonizers)
		if got, want := j.e.Plan.String(), "0* ~harmonizer 2 2 0 ~harmonizer 4* 5*"; got != want {
			t.Fatalf("plan %s, want %s", got, want)
		}
		crashtest.Same(t, family+": untrained", crashtest.Logits(be, j.e.Decoder), crashtest.Logits(be, without.Decoder))
		before := crashtest.Bits(j.Params)
		j.Settings.Steps, j.Settings.Schedule, j.Settings.Warmup, j.Valid = 2, "constant", 0, nil
		j.run(t, t.Context())
		moved := 0
		for i, v := range crashtest.Bits(j.Params) {
			if v != before[i] {
				moved++
			}
		}
		if moved < len(before)/2 {
			t.Errorf("%s: two steps move %d of %d weights", family, moved, len(before))
		}
		j.Close()
		j.e.Close()
	}
}

// TestLocalDistance: the loss of a fit is the distance between what the blocks make of the
// model's streams and what stands behind the gaps there, in float64 from the states that an
// observer sees.
func TestLocalDistance(t *testing.T) {
	be := ref.New()
	rows := texts(3)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, err := emulate.New(full, crashtest.Plan(t, "0* 2 4*"))
		if err != nil {
			t.Fatal(err)
		}
		// Layer 2 lies between two gaps: what enters layer 1 is to leave it as what enters 4.
		spans, err := distill.Spans(e, len(full.Blocks))
		if want := (distill.Span{Place: 1, First: 1, End: 4}); err != nil || len(spans) != 1 || spans[0] != want {
			t.Fatalf("spans %v, %v, want %v", spans, err, want)
		}
		o, err := distill.NewLocal(e, full, rows)
		if err != nil {
			t.Fatal(err)
		}
		p := autograd.NewPass(be)
		if _, err := o.Loss(p, []int{0, 1, 2}); err != nil {
			t.Fatal(err)
		}
		got := o.Terms()[0].Sum
		want := 0.0
		for _, row := range rows {
			b := transformer.NewBatch(row[:len(row)-1])
			seen := map[int][]float64{}
			var made []float64
			full.Forward(p, b, func(state int, x autograd.Var) {
				seen[state] = x.T.Floats()
				if state == 1 {
					made = full.ForwardBlocks(p, b, x, 2, 3).T.Floats()
				}
			})
			width := full.Config.Width
			for from := 0; from < len(made); from += width {
				apart, size := 0.0, 0.0
				for i := from; i < from+width; i++ {
					apart += (made[i] - seen[4][i]) * (made[i] - seen[4][i])
					size += seen[4][i] * seen[4][i]
				}
				want += apart / size
			}
		}
		if !(math.Abs(got-want) <= 1e-5*want) {
			t.Errorf("%s: %v, want %v", family, got, want)
		}
	}
}

// TestKindsRefuse: what cannot be trained is an error of one line that names a remedy.
func TestKindsRefuse(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	for _, c := range []struct {
		kind       distill.Kind
		plan, want string
	}{
		{distill.Norms, "0* 5*", "nothing in it trains as --train norms"},
		{distill.Frozen, "0* 5*", "nothing in it trains as --train frozen"},
		{distill.Harmonizers, "0* 1 2 3 4 5*", "no gap for a harmonizer"},
		{distill.Harmonizers, "0* ~scalar 5*", "has maps already"},
		{distill.Fit, "0* 1* 4* 5*", "no frozen place stands beside a gap"},
		{distill.Fit, "0* 2 2 5*", "stands at several places"},
		{distill.Fit, "0* 1 ~harmonizer 4* 5*", "a map stands in the gap"},
	} {
		p := crashtest.Plan(t, c.plan)
		var err error
		if c.kind.Plan != nil {
			p, err = c.kind.Plan(p, len(full.Blocks))
		}
		if err == nil {
			e, _, failed := emulate.Fit(t.Context(), be, full, p, nil, emulate.FitOptions{})
			if failed != nil {
				t.Fatal(failed)
			}
			_, err = c.kind.Prepare(e, full)
			e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s, %s: %v, want %q", c.kind.Name, c.plan, err, c.want)
		}
	}
}

// TestWeightsOfFewBitsStay: training them all would undo what the plan asks for.
func TestWeightsOfFewBitsStay(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	e, err := emulate.New(full, crashtest.Plan(t, "0* 2 5*"))
	if err != nil {
		t.Fatal(err)
	}
	e.Plan = crashtest.Plan(t, "0* 2:q4_0 5*") // as a plan with the transform has it
	for _, kind := range []distill.Kind{distill.Frozen, distill.Fit} {
		if _, err := kind.Prepare(e, full); err == nil || !strings.Contains(err.Error(), "2:q4_0: training all its weights would undo that") {
			t.Errorf("%s: %v", kind.Name, err)
		}
	}
	if _, err := distill.Norms.Prepare(e, full); err != nil {
		t.Error(err)
	}
}
