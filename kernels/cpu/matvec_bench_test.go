package cpu

import (
	"fmt"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// BenchmarkMatVec reports bytes of weight read: decoding is bound by memory. The
// shapes are a feed-forward layer of SmolLM2-135M, wider by a third so that K-quants fit, and a head that no cache holds;
// with in-out, the weight is stored the other way around, as GPT-2 has it.
func BenchmarkMatVec(b *testing.B) {
	for _, s := range []struct{ n, p int }{{1536, 768}, {50272, 768}} {
		for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.Q8_0, tensor.Q4_1, tensor.Q4_K, tensor.Q6_K} {
			for i := range 4 {
				threads, name, shape := i%2+1, "", []int{s.n, s.p}
				if i >= 2 {
					name, shape = "/in-out", []int{s.p, s.n / 256 * 256}
				}
				b.Run(fmt.Sprintf("n=%d/k=%d/dtype=%v%s/threads=%d", s.n, s.p, d, name, threads), func(b *testing.B) {
					be := New(Options{Threads: threads})
					defer be.Close()
					r := noise(1)
					w := tensor.MustNew(be, d, shape...)
					x := tensorOf(be, r.slice(s.p), 1, s.p)
					y := tensor.MustNew(be, tensor.F32, 1, w.Len()/s.p)
					b.SetBytes(int64(w.Bytes()))
					for b.Loop() {
						be.MatVec(kernels.MatMulArgs{C: y, A: x, B: w, TransB: i < 2})
					}
				})
			}
		}
	}
}
