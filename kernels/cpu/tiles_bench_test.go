package cpu

import (
	"fmt"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// BenchmarkPrecisions multiplies F32 operands in every arithmetic.
func BenchmarkPrecisions(b *testing.B) {
	for _, s := range []struct {
		m, n, k        int
		transA, transB bool
	}{
		{512, 512, 512, false, false}, {512, 512, 512, false, true}, {1024, 1024, 1024, false, true}, {2048, 2048, 2048, false, true},
		{512, 1536, 576, false, true}, {512, 576, 1536, false, false}, {1536, 576, 512, true, false},
		{512, 3072, 768, false, true}, {3072, 768, 512, true, false},
	} {
		for _, p := range Precisions() {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/trans=%v,%v/%v/threads=%d", s.m, s.n, s.k, s.transA, s.transB, p, threads), func(b *testing.B) {
					be := New(Options{Threads: threads, Precision: p})
					defer be.Close()
					r := noise(1)
					operand := func(rows, cols int, trans bool) tensor.Tensor {
						if trans {
							rows, cols = cols, rows
						}
						return tensorOf(be, r.slice(rows*cols), rows, cols)
					}
					args := kernels.MatMulArgs{
						C: tensor.MustNew(be, tensor.F32, s.m, s.n), A: operand(s.m, s.k, s.transA), B: operand(s.k, s.n, s.transB), TransA: s.transA, TransB: s.transB,
					}
					for b.Loop() {
						be.MatMul(args)
					}
					b.ReportMetric(2*float64(s.m*s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
