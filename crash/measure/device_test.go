package measure

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels/cuda/cudatest"
	"lamina/tensor"
	"lamina/transformer"
)

// tokenStates are hidden states [n width] with a token some hundred times as long as the
// others, and one of zeros.
func tokenStates(n, width int) []float32 {
	x := make([]float32, n*width)
	rng := philox.New(3, 0).Sequence()
	for i := range x {
		x[i] = float32(rng.Normal())
		switch i / width {
		case 2:
			x[i] *= 300
		case 4:
			x[i] = 0
		}
	}
	return x
}

// TestDevicePoolsAsTheHost: all poolings of all ways to take tokens, to the last bit where no
// sum over the width is involved.
func TestDevicePoolsAsTheHost(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	p := autograd.NewPass(be)
	defer p.Close()
	const width = 133
	b := transformer.NewBatch(make([]int32, 11), make([]int32, 2), make([]int32, 8), make([]int32, 40))
	x := tokenStates(len(b.Tokens), width)
	for pooling := range Pooling(len(poolings)) {
		for tokens := range Tokens(len(tokenWays)) {
			v := Vectors{pooling, tokens}
			want, got := newStates(v, len(b.Segments), 1), newStates(v, len(b.Segments), 1)
			want.add(0, b, x)
			got.take(0, p, b, tensor.MustFromFloat32s(be, tensor.F32, x, len(b.Tokens), width))
			exact := tokens != TokensRMS
			if !slices.EqualFunc(got.states[0], want.states[0], func(a, b float32) bool {
				return a == b || !exact && math.Abs(float64(a-b)) <= 1e-6*math.Abs(float64(b))
			}) {
				t.Errorf("%v %v: %v, want %v", pooling, tokens, got.states[0][:5], want.states[0][:5])
			}
			for what, pair := range map[string][2]float64{
				"longest tokens": {got.massive.longest[0], want.massive.longest[0]},
				"all tokens":     {got.massive.all[0], want.massive.all[0]},
			} {
				if d := math.Abs(pair[0] - pair[1]); !(d <= 1e-13*pair[1]) {
					t.Errorf("%v %v: squares of the %s: %v, want %v", pooling, tokens, what, pair[0], pair[1])
				}
			}
			p.Reset()
		}
	}
}

// TestDeviceGramIsTheHosts to the last bit, where the host's compiler fuses no product with a
// sum, and only of a device that has one.
func TestDeviceGramIsTheHosts(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	for _, shape := range [][2]int{{2, 1}, {33, 300}, {70, 31}, {5, 513}} {
		n, d := shape[0], shape[1]
		x := tokenStates(n, d)
		got, ok := deviceGram(be, x, n, d)
		if !ok {
			t.Fatal("the device has no Gram matrices")
		}
		fused := runtime.GOARCH != "amd64"
		want := Gram(x, n, d)
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return a == b || fused && math.Abs(a-b) <= 1e-12*want[0] }) {
			t.Errorf("%v: %v, want %v", shape, got[:4], want[:4])
		}
	}
	if _, ok := deviceGram(nil, []float32{1, 2}, 2, 1); ok {
		t.Error("no device made a matrix")
	}
}
