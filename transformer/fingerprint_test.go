package transformer_test

import (
	"fmt"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

func TestFingerprint(t *testing.T) {
	be := ref.New()
	seq := func(params ...*autograd.Parameter) nn.Params {
		return func(yield func(*autograd.Parameter) bool) {
			for _, w := range params {
				if !yield(w) {
					return
				}
			}
		}
	}
	param := func(name string, d tensor.DType, shape ...int) *autograd.Parameter {
		x := tensor.MustNew(be, d, shape...)
		x.SetFloats([]float64{1, 2, 3, 4})
		return &autograd.Parameter{Name: name, Value: x}
	}
	a, b := param("a", tensor.F32, 4), param("b", tensor.F32, 4)
	want := transformer.Fingerprint(seq(a, b))
	if !strings.HasPrefix(want, "sha256:") || len(want) != 7+64 {
		t.Errorf("%q", want)
	}
	for what, c := range map[string]struct {
		params nn.Params
		same   bool
	}{
		"order":         {seq(b, a), true},
		"storage type":  {seq(a, param("b", tensor.F16, 4)), true},
		"fewer":         {seq(a), false},
		"name":          {seq(a, param("c", tensor.F32, 4)), false},
		"shape":         {seq(a, param("b", tensor.F32, 2, 2)), false},
		"swapped names": {seq(param("b", tensor.F32, 4), param("a", tensor.BF16, 2, 2)), false},
	} {
		if got := transformer.Fingerprint(c.params); (got == want) != c.same {
			t.Errorf("%s: same fingerprint %t, want %t", what, got == want, c.same)
		}
	}
}

func ExampleFingerprint() {
	be := ref.New()
	w := &autograd.Parameter{Name: "w", Value: tensor.MustFromFloats(be, tensor.BF16, []float64{1, 2}, 2)}
	fmt.Println(transformer.Fingerprint(func(yield func(*autograd.Parameter) bool) { yield(w) })[:19])
	// Output: sha256:c795aea33d90
}
