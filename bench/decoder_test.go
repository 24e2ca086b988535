package bench

import (
	"fmt"
	"testing"

	"lamina/bench/workload"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// each runs one kind of work on the standard shapes, with one thread and two, and
// reports its rate and its share of the machine's limit: the cost's operations at
// the peak and its bytes at the bandwidth that the same process measures before
// and after.
func each(b *testing.B, work func(m *workload.Model) workload.Work) {
	for _, threads := range []int{1, 2} {
		for _, s := range workload.Shapes() {
			b.Run(fmt.Sprintf("model=%s/tokens=%dx%d/threads=%d", s.Name, s.Sequences, s.Length, threads), func(b *testing.B) {
				be := cpu.New(cpu.Options{Threads: threads})
				defer be.Close()
				w := work(workload.NewModel(be, s, tensor.F32))
				limit := workload.Measure(threads)
				w.Run()
				w.Run() // the arena's pieces are one now
				for b.Loop() {
					w.Run()
				}
				limit = limit.Better(workload.Measure(threads))
				seconds := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(float64(w.Tokens)/seconds, "tokens/s")
				b.ReportMetric(100*w.Cost.Seconds(limit)/seconds, "%limit")
			})
		}
	}
}

// BenchmarkTrainStep is forward, backward and AdamW of all weights, a target at
// every position.
func BenchmarkTrainStep(b *testing.B) { each(b, (*workload.Model).Train) }

// BenchmarkForward is inference with logits at every position.
func BenchmarkForward(b *testing.B) { each(b, (*workload.Model).Forward) }

// BenchmarkDecode is one token after 128 others, a batch of one.
func BenchmarkDecode(b *testing.B) {
	each(b, func(m *workload.Model) workload.Work { return m.Decode(128, 1) })
}
