package simd

import (
	"fmt"
	"testing"
)

// BenchmarkPack packs a matrix of 512 outer and 1024 inner indices, in blocks of
// 256 of the latter.
func BenchmarkPack(b *testing.B) {
	const n, k, block = 512, 1024, 256
	src, dst := make([]float32, n*k), make([]float32, n*k+16*k)
	for _, width := range []int{GemmTile().MR, GemmTile().NR} {
		for _, across := range []bool{false, true} {
			b.Run(fmt.Sprintf("width=%d/across=%v", width, across), func(b *testing.B) {
				b.SetBytes(4 * n * k)
				for b.Loop() {
					for p := 0; p < k; p += block {
						if across {
							Gather(dst[n*p:], width, src[p*n:], n, n, block)
							continue
						}
						for i := 0; i+width <= n; i += width {
							Interleave(dst[n*p+i*block:], width, src[i*k+p:], k, width, block)
						}
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(n*k*b.N), "ns/element")
			})
		}
	}
}
