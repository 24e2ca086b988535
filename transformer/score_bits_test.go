package transformer_test

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lamina/kernels/cpu"
	"lamina/transformer"
)

// TestScoreBitsDoNotDependOnWorkers scores with every number of workers, nothing
// too small to be split, and chunks that are held up by chance.
func TestScoreBitsDoNotDependOnWorkers(t *testing.T) {
	for _, name := range []string{"opt-prenorm", "llama-gqa-tied", "llama-long", "gpt2-tied", "bloom-postnorm"} {
		var want []transformer.Likelihood
		for _, workers := range []int{1, 2, 3, 7, 16} {
			var chunk atomic.Uint32
			be := cpu.New(cpu.Options{Threads: workers, SplitAll: true, Delay: func() {
				switch n := chunk.Add(0x9e3779b9); { // a walk over all numbers, in no order to speak of
				case n>>22 == 0:
					time.Sleep(50 * time.Microsecond)
				case n>>30 == 1:
					runtime.Gosched()
				}
			}})
			d, g := open(t, be, name)
			var items []transformer.Continuation
			for _, row := range g.Tokens {
				if len(row) < 4 {
					continue
				}
				for _, last := range []int32{5, 6, 7} {
					items = append(items, transformer.Continuation{Context: row[:len(row)-3], Target: []int32{row[len(row)-3], last}})
				}
			}
			got, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if len(got) < 3 || !slices.Equal(got, want) {
				t.Errorf("%s, %d workers: %v, with one %v", name, workers, got, want)
			}
			be.Close()
		}
	}
}
