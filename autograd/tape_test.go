package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// leaf returns a trainable parameter.
func leaf(values ...float64) *autograd.Parameter {
	be := ref.New()
	return &autograd.Parameter{
		Value: tensor.MustFromFloats(be, tensor.F32, values, len(values)), Grad: tensor.MustNew(be, tensor.F32, len(values)), Trainable: true,
	}
}

// TestGradientsOfManyUsersAdd: one value that several operations read, some of
// which hand back the very tensor they received.
func TestGradientsOfManyUsersAdd(t *testing.T) {
	p := autograd.NewTrainingPass(ref.New())
	p.Arena.Poison = true
	w := leaf(2, -3)
	x := p.Scale(p.Param(w), 1)
	y := p.Add(x, x)                              // 2x
	y = p.Add(y, p.Reshape(x, 2))                 // 3x
	y = p.Add(p.Mul(x, x), p.Sub(y, p.Sub(y, x))) // x² + x
	p.Backward(p.Sum(y), 2)
	if got, want := w.Grad.Floats(), []float64{2 * (2*2 + 1), 2 * (2*-3 + 1)}; !slices.Equal(got, want) {
		t.Errorf("gradient %v, want %v", got, want)
	}
	// A second pass adds to it.
	p.Backward(p.Sum(p.Param(w)), 1)
	if got, want := w.Grad.Floats(), []float64{11, -9}; !slices.Equal(got, want) {
		t.Errorf("gradient after a second pass %v, want %v", got, want)
	}
}

// TestCrossEntropyLeavesLogitsThatOthersRead: backward may overwrite the saved
// logits only if nobody else saved them.
func TestCrossEntropyLeavesLogitsThatOthersRead(t *testing.T) {
	for _, shared := range []bool{false, true} {
		p := autograd.NewTrainingPass(ref.New())
		p.Arena.Poison = true
		w := leaf(1, 2)
		logits := p.Reshape(p.Scale(p.Param(w), 1), 1, 2)
		ids := p.New(tensor.I32, 1)
		ids.SetInts([]int32{0})
		var square autograd.Var
		if shared {
			square = p.Mul(logits, logits)
		}
		loss := p.Sum(p.CrossEntropy(logits, ids))
		want := []float64{1/(1+math.E) - 1, math.E / (1 + math.E)}
		if shared {
			loss = p.Add(loss, p.Sum(square))
			want[0], want[1] = want[0]+2, want[1]+4
		}
		p.Backward(loss, 1)
		for i, got := range w.Grad.Floats() {
			if math.Abs(got-want[i]) > 1e-6 {
				t.Errorf("shared %t: gradient %d is %v, want %v", shared, i, got, want[i])
			}
		}
	}
}

// TestSpentPassPanics: what a pass recorded is gone after Backward and Reset, and no
// other pass knows it. Its numbers would be those of other operations by then, and the
// gradients wrong.
func TestSpentPassPanics(t *testing.T) {
	w := leaf(1, 2)
	forward := func(p *autograd.Pass) (y, loss autograd.Var) {
		y = p.Scale(p.Param(w), 2)
		return y, p.Sum(y)
	}
	const again = "autograd: Backward: the loss was recorded before Backward or Reset, or in another pass"
	spent := autograd.NewTrainingPass(ref.New())
	y, loss := forward(spent)
	_ = spent.Backward(loss, 1)
	reset := autograd.NewTrainingPass(ref.New())
	_, forgotten := forward(reset)
	reset.Reset()
	other := autograd.NewTrainingPass(ref.New())
	_, foreign := forward(other)
	for what, c := range map[string]struct {
		want string
		do   func()
	}{
		"a second Backward":           {again, func() { _ = spent.Backward(loss, 1) }},
		"Backward of an intermediate": {"autograd: sum: an operand F32[2] was recorded before", func() { _ = spent.Backward(spent.Sum(y), 1) }},
		"after another forward pass": {again, func() {
			forward(spent)
			_ = spent.Backward(loss, 1)
		}},
		"an operand of the next pass": {"autograd: binary: an operand F32[2] was recorded before", func() { spent.Add(spent.Param(w), y) }},
		"in what is recomputed": {"autograd: sum: an operand F32[2] was recorded before", func() {
			spent.Recomputed(spent.Param(w), func(autograd.Var) autograd.Var { return spent.Sum(y) })
		}},
		"after Reset":          {again, func() { _ = reset.Backward(forgotten, 1) }},
		"another pass's loss":  {again, func() { _ = spent.Backward(foreign, 1) }},
		"another pass's value": {"autograd: sum: an operand F32[] was recorded before", func() { spent.Sum(foreign) }},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, c.want) {
					t.Errorf("%s: panics with %q, want %q…", what, got, c.want)
				}
			}()
			c.do()
		}()
	}
	w.Grad.SetFloats([]float64{0, 0})
	spent.Reset()
	_, loss = forward(spent)
	if err := spent.Backward(loss, 1); err != nil || !slices.Equal(w.Grad.Floats(), []float64{2, 2}) {
		t.Errorf("gradient %v, %v of a pass that is used again as it should be", w.Grad.Floats(), err)
	}
}

func TestBackwardMisusePanics(t *testing.T) {
	be := ref.New()
	for want, misuse := range map[string]func(p *autograd.Pass){
		"autograd: Backward: nothing trainable": func(p *autograd.Pass) {
			p.Backward(p.Sum(p.Input(tensor.MustNew(be, tensor.F32, 2))), 1)
		},
		"autograd: Backward: the loss is one number, got F32[2]": func(p *autograd.Pass) { p.Backward(p.Scale(p.Param(leaf(1, 2)), 1), 1) },
		"autograd: Param: w is trainable but has no gradient": func(p *autograd.Pass) {
			p.Param(&autograd.Parameter{Name: "w", Value: tensor.MustNew(be, tensor.F32, 1), Trainable: true})
		},
		"autograd: add: shapes do not broadcast: F32[2] · F32[3]": func(p *autograd.Pass) { p.Add(p.Param(leaf(1, 2)), p.Param(leaf(1, 2, 3))) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(strings.ToLower(got), strings.ToLower(want)) {
					t.Errorf("panic %q, want %q…", got, want)
				}
			}()
			p := autograd.NewTrainingPass(be)
			misuse(p)
		}()
	}
}
