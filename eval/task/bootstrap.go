package task

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"lamina/internal/pyrandom"
)

// How the harness draws (bootstrap_stderr of its metrics.py): so many samples, in
// chunks that each have a generator seeded with the chunk's number.
const (
	bootstrapSamples = 100_000
	bootstrapChunk   = 1000
)

// bootstrap returns the standard error of the perplexity exp(-mean): the deviation
// of that number over samples of the values, drawn with replacement and as large
// as they are.
func bootstrap(values []Value) float64 { return bootstrapOf(values, bootstrapSamples, bootstrapChunk) }

func bootstrapOf(values []Value, samples, chunk int) float64 {
	out := make([]float64, samples/chunk*chunk)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), samples/chunk) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < samples/chunk; i = int(next.Add(1)) - 1 {
				rng := pyrandom.New(int64(i))
				for j := range chunk {
					sum := 0.0
					for range values {
						sum += values[rng.Choice(len(values))].Of
					}
					out[i*chunk+j] = perplexityOf(sum / float64(len(values)))
				}
			}
		})
	}
	wait.Wait()
	var mean, squares float64
	for _, v := range out {
		mean += v
	}
	mean /= float64(len(out))
	for _, v := range out {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(out)-1))
}
