package cpu

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// productShapes are the products of the models in reach: squares, then those of
// OPT-125M's and SmolLM2-135M's attention and feed-forward layers at 512 tokens,
// of a head at few targets and a key projection, and one head's scores.
var productShapes = []struct{ m, n, k int }{
	{64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024},
	{512, 768, 768}, {512, 3072, 768}, {512, 768, 3072}, {512, 1536, 576},
	{64, 49152, 576}, {480, 192, 576}, {25, 25, 64}, {16, 768, 768},
}

// peak returns the multiply-adds of one core, in GFLOP/s, over some milliseconds.
func peak() float64 {
	start := time.Now()
	flop := simd.Peak(500_000)
	return float64(flop) / time.Since(start).Seconds() / 1e9
}

// reportProducts reports the speed of products and its share of what the threads
// could do at best, which is before on one of them.
func reportProducts(b *testing.B, flop, before float64, threads int) {
	speed := flop * float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(speed, "GFLOP/s")
	b.ReportMetric(100*speed/(float64(threads)*(before+peak())/2), "%peak")
	b.ReportMetric(0, "ns/op")
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
					args.C = tensor.MustNew(be, tensor.F32, s.m, s.n)
					args.A = tensorOf(be, r.slice(s.m*s.k), s.m, s.k)
					if args.TransA {
						args.A = args.A.Reshape(s.k, s.m)
					}
					args.B = tensorOf(be, r.slice(s.n*s.k), s.k, s.n)
					if args.TransB {
						args.B = args.B.Reshape(s.n, s.k)
					}
					before := peak()
					for b.Loop() {
						be.MatMul(args)
					}
					reportProducts(b, 2*float64(s.m)*float64(s.n)*float64(s.k), before, threads)
				})
			}
		}
	}
}

// BenchmarkPrefill multiplies 512 rows by a weight as it is stored.
func BenchmarkPrefill(b *testing.B) {
	const m, n, k = 512, 1536, 576
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16, tensor.Q8_0, tensor.Q4_0, tensor.Q4_1} {
		b.Run(d.String(), func(b *testing.B) {
			be := New(Options{Threads: 1})
			defer be.Close()
			args := kernels.MatMulArgs{TransB: true, C: tensor.MustNew(be, tensor.F32, m, n), A: tensor.MustNew(be, tensor.F32, m, k), B: tensor.MustNew(be, d, n, k)}
			before := peak()
			for b.Loop() {
				be.MatMul(args)
			}
			reportProducts(b, 2*m*n*k, before, 1)
		})
	}
}

// BenchmarkMatMuls compares the projections of an attention layer of SmolLM2-135M
// in one call and in three.
func BenchmarkMatMuls(b *testing.B) {
	const k = 576
	for _, m := range []int{16, 480} {
		for _, grouped := range []bool{false, true} {
			b.Run(fmt.Sprintf("m=%d/grouped=%v", m, grouped), func(b *testing.B) {
				be := New(Options{Threads: 2})
				defer be.Close()
				x := tensor.MustNew(be, tensor.F32, m, k)
				var products []kernels.MatMulArgs
				flop := 0.0
				for _, n := range []int{576, 192, 192} {
					products = append(products, kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, m, n), A: x, B: tensor.MustNew(be, tensor.F32, n, k), TransB: true})
					flop += 2 * float64(m*n*k)
				}
				before := peak()
				for b.Loop() {
					if grouped {
						be.MatMuls(products)
						continue
					}
					for _, p := range products {
						be.MatMul(p)
					}
				}
				reportProducts(b, flop, before, 2)
			})
		}
	}
}

// BenchmarkMatMulBatch multiplies many heads one after the other, each in a call of
// its own, which is too small for two workers: the callers are several instead.
func BenchmarkMatMulBatch(b *testing.B) {
	const m, n, k = 25, 25, 64
	for _, op := range []string{"AB", "ABt", "AtB"} {
		for _, count := range []int{1, 36, 144} {
			for _, callers := range []int{1, 2} {
				b.Run(fmt.Sprintf("op=%s/count=%d/callers=%d", op, count, callers), func(b *testing.B) {
					be := New(Options{Threads: callers})
					defer be.Close()
					r := noise(1)
					calls := make([]kernels.MatMulArgs, count)
					for i := range calls {
						args := kernels.MatMulArgs{TransA: op == "AtB", TransB: op == "ABt"}
						args.C, args.A, args.B = tensor.MustNew(be, tensor.F32, m, n), tensorOf(be, r.slice(m*k), m, k), tensorOf(be, r.slice(n*k), k, n)
						if args.TransA {
							args.A = args.A.Reshape(k, m)
						}
						if args.TransB {
							args.B = args.B.Reshape(n, k)
						}
						calls[i] = args
					}
					before := peak()
					var wg sync.WaitGroup
					for t := range callers {
						wg.Go(func() {
							for range b.N {
								for _, c := range calls[t*count/callers : (t+1)*count/callers] {
									kernels.MatMul(be, c)
								}
							}
						})
					}
					wg.Wait()
					reportProducts(b, 2*m*n*k*float64(count), before, callers)
				})
			}
		}
	}
}
