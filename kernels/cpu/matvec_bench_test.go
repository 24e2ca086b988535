package cpu

import (
	"fmt"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// BenchmarkMatVec reports bytes of weight read: decoding is bound by memory. The
// shapes are a feed-forward layer of SmolLM2-135M, wider by a third so that K-quants fit, and a head that no cache holds.
func BenchmarkMatVec(b *testing.B) {
	for _, s := range []struct{ n, p int }{{1536, 768}, {50272, 768}} {
		for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.Q8_0, tensor.Q4_1, tensor.Q4_K, tensor.Q6_K} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("n=%d/k=%d/dtype=%v/threads=%d", s.n, s.p, d, threads), func(b *testing.B) {
					be := New(Options{Threads: threads})
					defer be.Close()
					r := noise(1)
					w := tensor.New(be, d, s.n, s.p)
					x := tensorOf(be, r.slice(s.p), 1, s.p)
					y := tensor.New(be, tensor.F32, 1, s.n)
					b.SetBytes(int64(w.Bytes()))
					for b.Loop() {
						be.MatVec(kernels.MatMulArgs{C: y, A: x, B: w, TransB: true})
					}
				})
			}
		}
	}
}
