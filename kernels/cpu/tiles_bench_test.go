package cpu

import (
	"fmt"
	"testing"
	"time"

	"lamina/kernels"
	"lamina/tensor"
)

// BenchmarkPrecisions multiplies F32 operands in every arithmetic, and in tiles by a weight
// that is kept packed too. The best call tells what a kernel can do where neighbours take half of
// a core for most of a second.
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
				for _, kept := range []bool{false, true} {
					if kept && !CanPrepack(p) {
						continue
					}
					b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/trans=%v,%v/%v/kept=%v/threads=%d", s.m, s.n, s.k, s.transA, s.transB, p, kept, threads), func(b *testing.B) {
						be := New(Options{Threads: threads, Precision: p, Prepack: 1 << 30})
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
						if kept {
							args.B = args.B.Fix()
							be.MatMul(args)
						}
						best := time.Hour
						for b.Loop() {
							at := time.Now()
							be.MatMul(args)
							best = min(best, time.Since(at))
						}
						work := 2 * float64(s.m*s.n) * float64(s.k) / 1e9
						b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
						b.ReportMetric(work/best.Seconds(), "best-GFLOP/s")
					})
				}
			}
		}
	}
}
