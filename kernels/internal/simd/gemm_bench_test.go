package simd

import (
	"fmt"
	"testing"
)

// BenchmarkPeak measures the limit of one core.
func BenchmarkPeak(b *testing.B) {
	flop := 0
	for b.Loop() {
		flop += Peak(10000)
	}
	b.ReportMetric(float64(flop)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkGemm(b *testing.B) {
	t := GemmTile()
	for _, k := range []int{32, 64, 256} {
		b.Run(fmt.Sprintf("k=%d/impl=%v", k, Active()), func(b *testing.B) {
			c := make([]float32, t.MR*t.NR)
			pa, pb := make([]float32, t.MR*k), make([]float32, t.NR*k)
			for b.Loop() {
				Gemm(c, t.NR, pa, pb, k, true)
			}
			b.ReportMetric(float64(2*t.MR*t.NR*k*b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
