package simd

import (
	"fmt"
	"testing"
	"time"
)

// peakNow returns the multiply-adds of this core, in GFLOP/s, over a millisecond.
func peakNow() float64 {
	start := time.Now()
	flop := Peak(500_000)
	return float64(flop) / time.Since(start).Seconds() / 1e9
}

// reportBlocks reports the speed of products and its share of the core's best, which
// was before.
func reportBlocks(b *testing.B, flop, before float64) {
	speed := flop * float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(speed, "GFLOP/s")
	b.ReportMetric(100*speed/((before+peakNow())/2), "%peak")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkGemmBlock multiplies packed operands: the first in the second-level cache,
// the others with C, then B and C, then A and C beyond it.
func BenchmarkGemmBlock(b *testing.B) {
	t := GemmTile()
	for _, s := range []struct{ m, n, k, ldc int }{
		{132, 128, 256, 128}, {132, 128, 64, 512}, {132, 128, 512, 512}, {528, 512, 256, 512}, {132, 4096, 256, 4096}, {2112, 128, 256, 512},
	} {
		b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/ldc=%d", s.m, s.n, s.k, s.ldc), func(b *testing.B) {
			c, x, y := make([]float32, s.m*s.ldc), make([]float32, s.m*s.k), make([]float32, s.n*s.k)
			r := noise(1)
			for _, v := range [][]float32{x, y} {
				for i := range v {
					v[i] = r.next()
				}
			}
			before := peakNow()
			for b.Loop() {
				GemmBlock(c, s.ldc, Packed(x, t.MR, s.k), Packed(y, t.NR, s.k), s.m, s.n, s.k, true)
			}
			reportBlocks(b, float64(2*s.m*s.n*s.k), before)
		})
	}
}
