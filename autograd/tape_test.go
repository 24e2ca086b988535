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
