package study_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// direct answers what methods ask by building the emulator of a plan and doing with it
// what a data owner would.
type direct struct {
	t     *testing.T
	be    kernels.Backend
	full  *transformer.Decoder
	pairs []task.Pair
}

func (d direct) emulator(kept, trained []int) *emulate.Emulator {
	d.t.Helper()
	var p plan.Plan
	for _, layer := range kept {
		p = append(p, plan.Slot{Layer: layer, Trainable: slices.Contains(trained, layer)})
	}
	e, err := emulate.New(d.full, p)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// loss is the validation loss of training.
func (d direct) loss(kept []int, pairs []task.Pair) float64 {
	o, err := train.NewNextToken(d.emulator(kept, nil).Decoder, pairs)
	if err != nil {
		d.t.Fatal(err)
	}
	loss, err := o.Mean(context.Background(), d.be, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return loss
}

// gradient is that of the first training step on all pairs.
func (d direct) gradient(kept, trained []int) []float32 {
	e := d.emulator(kept, trained)
	own, err := nn.Trainable(d.be, e.Params())
	if err != nil {
		d.t.Fatal(err)
	}
	defer own.Close()
	p := autograd.NewTrainingPass(d.be)
	defer p.Close()
	ids := make([]int, len(d.pairs))
	for i := range ids {
		ids[i] = i
	}
	loss, err := crashtest.NextToken(d.t, e.Decoder, d.pairs).Loss(p, ids)
	if err == nil {
		err = p.Backward(loss, 1)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return own.Grads.Float32s()
}

// cosine compares two.
func (d direct) cosine(kept, trained []int) float64 {
	a, b := d.gradient([]int{0, 1, 2, 3, 4, 5}, trained), d.gradient(kept, trained)
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// alike is the likeness of neighbours by the matrix of the emulator.
func (d direct) alike(kept []int) []float64 {
	var rows [][]int32
	for _, p := range d.pairs {
		rows = append(rows, slices.Concat(p.Context, p.Target))
	}
	s, err := measure.LayerSimilarity(context.Background(), d.be, d.emulator(kept, nil).Decoder, rows, measure.Vectors{}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return plan.Adjacent(s.Matrix)
}

// greedy removes what free says and score rates least, n times.
func greedySlow(n int, free []int, score func(kept []int) float64) []int {
	kept := []int{0, 1, 2, 3, 4, 5}
	for range n {
		least, best := math.Inf(1), 0
		for _, layer := range kept {
			if slices.Contains(free, layer) {
				if v := score(slices.DeleteFunc(slices.Clone(kept), func(l int) bool { return l == layer })); v < least {
					least, best = v, layer
				}
			}
		}
		kept = slices.DeleteFunc(kept, func(l int) bool { return l == best })
	}
	return kept
}

// TestChooserEqualsEmulators: what methods choose on a model is what comes of building
// every emulator that they compare, training code and all.
func TestChooserEqualsEmulators(t *testing.T) {
	for _, family := range []string{"opt", "llama"} {
		be := ref.New()
		d := direct{t, be, crashtest.Small(be, family), crashtest.Pairs(9)}
		c := &study.Chooser{Backend: be, Full: d.full}
		var texts []task.Pair
		for _, p := range d.pairs {
			row := slices.Concat(p.Context, p.Target)
			texts = append(texts, task.Pair{Context: row[:1], Target: row[1:]})
			c.Support.Rows = append(c.Support.Rows, row)
			c.Support.Answers = append(c.Support.Answers, transformer.Continuation{Context: p.Context, Target: p.Target})
		}
		inner := []int{1, 2, 3, 4}
		for name, slow := range map[string]func() []int{
			"sleb":        func() []int { return greedySlow(3, inner, func(kept []int) float64 { return d.loss(kept, texts) }) },
			"sleb-answer": func() []int { return greedySlow(3, inner, func(kept []int) float64 { return d.loss(kept, d.pairs) }) },
			"gradient-fidelity": func() []int {
				return greedySlow(3, inner, func(kept []int) float64 { return 1 - d.cosine(kept, []int{0, 5}) })
			},
			"iterative-drop": func() []int {
				kept := []int{0, 1, 2, 3, 4, 5}
				for range 3 {
					near := d.alike(kept)
					at := slices.Index(near, slices.Max(near)) + 1
					kept = slices.Delete(kept, at, at+1)
				}
				return kept
			},
		} {
			m, err := plan.Named(plan.Methods, name)
			if err != nil {
				t.Fatal(err)
			}
			var last study.Event
			var notes []string
			c.Watch = func(e study.Event) {
				if e.Note != "" {
					notes = append(notes, e.Note)
				} else if e.Warning == "" {
					last = e
				}
			}
			got, err := c.Choose(context.Background(), m, plan.Request{Layers: 6, Keep: 3, Trainable: 2})
			if err != nil {
				t.Fatal(err)
			}
			if want := slow(); !slices.Equal(got.Plan.Kept(), want) {
				t.Errorf("%s, %s: %v, want %v", family, name, got.Plan, want)
			}
			if last.Phase != name || last.Done == 0 || len(notes) != 1 || !strings.HasPrefix(notes[0], name+": ") {
				t.Errorf("%s: told %+v, %q", name, last, notes)
			}
		}
	}
}

// TestChooserAsksOnce: two methods of one chooser have their own questions, and matrices
// that a request brings are not measured again.
func TestChooserAsksOnce(t *testing.T) {
	be := ref.New()
	c := &study.Chooser{Backend: be, Full: crashtest.Small(be, "opt")}
	c.Watch = func(e study.Event) { t.Errorf("measured: %+v", e) }
	q := plan.Request{Layers: 6, Keep: 3, Trainable: 1}
	for range 7 {
		q.Cosine, q.Angle = append(q.Cosine, make([]float64, 7)), append(q.Angle, make([]float64, 7))
	}
	got, err := c.Choose(context.Background(), plan.Streamline, q)
	if err != nil || fmt.Sprint(got.Plan.Kept()) != "[3 4 5]" {
		t.Errorf("%v, %v", got.Plan, err)
	}
	for _, m := range []plan.Method{plan.SLEB, plan.SLEBAnswer, plan.GradientFidelity, plan.GradientGram, plan.CRaSh} {
		c.Watch = nil
		if _, err := c.Choose(context.Background(), m, q); err == nil || !strings.Contains(err.Error(), "no support text") && !strings.Contains(err.Error(), "2 samples or more") {
			t.Errorf("%s without texts: %v", m.Name, err)
		}
	}
}
