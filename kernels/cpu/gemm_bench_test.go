package cpu

import (
	"fmt"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// productShapes are the products of the models in reach: squares, then those of
// OPT-125M's and SmolLM2-135M's attention and feed-forward layers at 512 tokens.
var productShapes = []struct{ m, n, k int }{
	{64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024},
	{512, 768, 768}, {512, 3072, 768}, {512, 768, 3072}, {512, 1536, 576},
}

func BenchmarkMatMul(b *testing.B) {
	for _, s := range productShapes {
		for _, op := range []string{"AB", "ABt", "AtB"} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/op=%s/threads=%d", s.m, s.n, s.k, op, threads), func(b *testing.B) {
					be := New(Options{Threads: threads})
					defer be.Close()
					args := kernels.MatMulArgs{TransA: op == "AtB", TransB: op == "ABt"}
					r := noise(1)
					args.C = tensor.New(be, tensor.F32, s.m, s.n)
					args.A = tensorOf(be, r.slice(s.m*s.k), s.m, s.k)
					if args.TransA {
						args.A = args.A.Reshape(s.k, s.m)
					}
					args.B = tensorOf(be, r.slice(s.n*s.k), s.k, s.n)
					if args.TransB {
						args.B = args.B.Reshape(s.n, s.k)
					}
					for b.Loop() {
						be.MatMul(args)
					}
					flop := 2 * float64(s.m) * float64(s.n) * float64(s.k)
					b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
