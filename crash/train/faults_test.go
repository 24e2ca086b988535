//go:build unix

package train_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/transformer"
)

// TestStepsAfterTheFirstFaultNoPages counts page faults and bytes of Go's heap of
// steps after the first: as few for a model with ten times the weights. The lowest
// count of some steps is taken, since a worker that wakes up late grows its scratch.
func TestStepsAfterTheFirstFaultNoPages(t *testing.T) {
	const (
		steps      = 6
		mostFaults = 100       // weights, gradients and moments of the larger model are 12,000 pages
		mostBytes  = 128 << 10 // angles and ids of 252 tokens; the larger model's activations are 10 MiB
	)
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, width := range []int{64, 256} {
		c, err := transformer.ParseConfig(fmt.Appendf(nil, `{"model_type":"llama","vocab_size":1000,"hidden_size":%d,"intermediate_size":%d,
			"num_hidden_layers":4,"num_attention_heads":%d,"max_position_embeddings":64,"rope_theta":10000,"tie_word_embeddings":true}`, width, 3*width, width/16))
		if err != nil {
			t.Fatal(err)
		}
		d := transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.02})
		tr := &train.Trainer{Backend: be, Params: d.Params(), Settings: crashtest.Settings()}
		tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.Batch = 0, steps, 4
		tr.Train = crashtest.NextToken(t, d, slices.Repeat([]task.Pair{{Context: make([]int32, 40), Target: make([]int32, 24)}}, 4))
		var faults []int64
		var bytes []uint64
		tr.Report = func(train.Metrics) {
			var m runtime.MemStats
			var u syscall.Rusage
			runtime.ReadMemStats(&m)
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
				t.Fatal(err)
			}
			faults, bytes = append(faults, int64(u.Minflt)), append(bytes, m.TotalAlloc)
		}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		leastFaults, leastBytes := int64(math.MaxInt64), uint64(math.MaxUint64)
		for i := 1; i < steps; i++ {
			leastFaults = min(leastFaults, faults[i]-faults[i-1])
			leastBytes = min(leastBytes, bytes[i]-bytes[i-1])
		}
		t.Logf("width %d: a step faults %d pages and allocates %d bytes", width, leastFaults, leastBytes)
		if leastFaults > mostFaults || leastBytes > mostBytes {
			t.Errorf("width %d: want at most %d pages and %d bytes", width, mostFaults, mostBytes)
		}
	}
}
