package dry_test

import (
	"testing"

	"lamina/kernels"
	"lamina/kernels/dry"
	"lamina/kernels/intercept"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// working takes scratch as long as the first result of a call is.
type working struct{ kernels.Backend }

func (working) Scratch(c intercept.Call) int { return c.Args[0].(tensor.Tensor).Bytes() }

// TestScratchIsTheMostOfACall: of a backend that says, and none of one that does not.
func TestScratchIsTheMostOfACall(t *testing.T) {
	for want, like := range map[int]kernels.Backend{40: working{ref.New()}, 0: ref.New()} {
		be := dry.New(like)
		for _, n := range []int{3, 10, 1} {
			x := tensor.MustNew(be, tensor.F32, n)
			kernels.Fill(be, x, 1)
		}
		if be.Scratch != want || be.Like != like {
			t.Errorf("%d bytes of scratch, want %d", be.Scratch, want)
		}
	}
	if be := dry.New(nil); be.Around != nil {
		t.Error("the host's calls are looked at")
	}
}
