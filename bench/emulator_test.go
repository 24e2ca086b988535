package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lamina/bench/workload"
	"lamina/crash/plan"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// BenchmarkHalfTheWeights: SmolLM2-135M's shapes at full depth, four blocks trained: how
// many times as fast an emulator whose other blocks have half their weights, as pairs of
// factors or in the MLP's width, trains and scores as the dense one; with svd0.4249 all
// blocks together have half of theirs, the trained ones included. Dense and other step
// take turns, and the medians are compared.
func BenchmarkHalfTheWeights(b *testing.B) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	shapes := workload.Shapes()
	shape := shapes[slices.IndexFunc(shapes, func(s workload.Shape) bool { return s.Name == "smollm2-135m" })]
	full := workload.NewModel(be, shape, tensor.F32).Decoder
	const batch, length = 8, 64 // tokens of a question of ARC-Easy, of which 8 are its answer
	dense := plan.Identity(len(full.Blocks), []int{0, 8, 23, 29})
	for _, c := range []struct {
		word    string
		targets int
	}{{"svd0.5", 8}, {"svd0.5", length}, {"svd0.4249", 8}, {"width0.5", 8}} {
		b.Run(fmt.Sprintf("%s/%d-of-%d-learned", c.word, c.targets, length), func(b *testing.B) {
			t, err := plan.ParseTransform(c.word)
			if err != nil {
				b.Fatal(err)
			}
			var pair [2]*workload.Emulated
			for i, p := range []plan.Plan{dense, dense.Transformed(t)} {
				if pair[i], err = workload.NewEmulated(be, full, p, batch, length, c.targets); err != nil {
					b.Fatal(err)
				}
				defer pair[i].Close()
			}
			var steps, scores [2][]time.Duration
			for b.Loop() {
				for i, e := range pair {
					steps[i] = append(steps[i], took(b, e.Step))
					scores[i] = append(scores[i], took(b, e.Score))
				}
			}
			b.ReportMetric(times(steps), "times-as-fast-training")
			b.ReportMetric(times(scores), "times-as-fast-scoring")
		})
	}
}

func took(b *testing.B, call func() error) time.Duration {
	begin := time.Now()
	if err := call(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

// times returns by how much the first median is longer than the second.
func times(of [2][]time.Duration) float64 {
	for i := range of {
		slices.Sort(of[i])
	}
	return float64(of[0][len(of[0])/2]) / float64(of[1][len(of[1])/2])
}
