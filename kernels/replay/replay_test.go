package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/kernels/replay"
	"lamina/tensor"
)

// work records n products and sums of shapes that repeat.
func work(n int) replay.Work {
	r := replay.NewRecorder()
	none := func(shape ...int) tensor.Tensor { return tensor.NoMemory(nil, tensor.F32, shape...) }
	for range n {
		r.MatMul(kernels.MatMulArgs{C: none(64, 32), A: none(64, 48), B: none(48, 32)})
		r.Binary(kernels.Add, none(64, 32), none(64, 32), none(64, 32))
	}
	r.MatMul(kernels.MatMulArgs{C: none(64, 48), A: none(64, 48), B: none(48, 48)})
	return r.Work()
}

// TestKinds: calls of one operation and shape are one kind, which is measured once.
func TestKinds(t *testing.T) {
	small, large := work(2), work(50)
	for _, w := range []replay.Work{small, large} {
		if len(w) != 3 || w[0].Method != "MatMul" || w[1].Method != "Binary" || w[2].Count != 1 {
			t.Fatalf("%+v", w)
		}
	}
	inner := ref.New()
	be := kerneltest.NewCounting(inner)
	before := inner.Held()
	seconds, err := replay.Meter{Backend: be}.Seconds(t.Context(), small, large)
	if err != nil || !(seconds[0] > 0) || !(seconds[1] > 5*seconds[0]) {
		t.Errorf("%v s, %v", seconds, err)
	}
	if n := len(be.Products()); n != 4 {
		t.Errorf("%d products, want each of 2 kinds twice", n)
	}
	if held := inner.Held() - before; held != 0 {
		t.Errorf("%d bytes are not given back", held)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (replay.Meter{Backend: be, Long: time.Second}).Seconds(ctx, small); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	var oom *tensor.OutOfMemory
	if _, err := (replay.Meter{Backend: kerneltest.NewFailing(ref.New(), 3)}).Seconds(t.Context(), small); !errors.As(err, &oom) {
		t.Errorf("no memory: %v", err)
	}
}

// TestArgumentsAreKept: a caller may use its slices again.
func TestArgumentsAreKept(t *testing.T) {
	r := replay.NewRecorder()
	product := kernels.MatMulArgs{C: tensor.NoMemory(nil, tensor.F32, 4, 3), A: tensor.NoMemory(nil, tensor.F32, 4, 5), B: tensor.NoMemory(nil, tensor.F32, 5, 3)}
	group := []kernels.MatMulArgs{product}
	r.MatMuls(group)
	group[0] = kernels.MatMulArgs{}
	if _, err := (replay.Meter{Backend: ref.New()}).Seconds(t.Context(), r.Work()); err != nil {
		t.Error(err)
	}
}

// TestFunctionsAreKinds: what a call computes of operands of the same shapes tells it apart,
// a product's activation too.
func TestFunctionsAreKinds(t *testing.T) {
	r := replay.NewRecorder()
	x := tensor.NoMemory(nil, tensor.F32, 8, 8)
	for range 2 {
		r.Unary(kernels.ReLU, x, x)
		r.Unary(kernels.GELU, x, x)
		r.Binary(kernels.Add, x, x, x)
		r.Binary(kernels.Div, x, x, x)
		r.Transpose(x, x, [tensor.MaxRank]int{0, 1})
		r.Transpose(x, x, [tensor.MaxRank]int{1, 0})
	}
	for _, k := range r.Work() {
		if k.Count != 2 {
			t.Errorf("%d calls of a %s are one kind", k.Count, k.Method)
		}
	}
}
