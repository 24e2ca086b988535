package measure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/measure"
	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// TestSimilarityEqualsReference: hidden states, pooling and CKA of two
// checkpoints against torch and numpy in float64, at the design's bar.
func TestSimilarityEqualsReference(t *testing.T) {
	data, err := os.ReadFile("testdata/cka.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Model  string                 `json:"model"`
		Tokens [][]int32              `json:"tokens"`
		CKA    map[string][][]float64 `json:"cka"`
	}
	if err := json.Unmarshal(data, &golden); err != nil || len(golden) < 2 {
		t.Fatalf("%d models, %v", len(golden), err)
	}
	devices := []kernels.Backend{ref.New(), cpu.New(cpu.Options{})}
	if !cases.Few() { // seconds, and minutes under the race detector
		devices = append(devices, cudatest.Open(t, cudatest.Options{}))
	}
	for _, be := range devices {
		for _, g := range golden {
			c, _ := crashtest.OpenModel(t, filepath.Join(crashtest.Models, g.Model))
			d, err := c.Decoder(be)
			if err != nil {
				t.Fatal(err)
			}
			if len(g.CKA) < 7 {
				t.Fatalf("%s: %d poolings", g.Model, len(g.CKA))
			}
			worst := 0.0
			for word, want := range g.CKA {
				pool, err := measure.ParsePooling(word)
				if err != nil {
					t.Fatal(err)
				}
				s, err := measure.LayerSimilarity(context.Background(), be, d, g.Tokens, measure.Vectors{Pooling: pool}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if s.Metric != "cka" || s.Samples != len(g.Tokens) || s.Pooling != pool || len(s.Matrix) != len(want) || len(want) != d.Config.Layers+1 {
					t.Fatalf("%s, %s: %d states of %d samples, metric %s", g.Model, word, len(s.Matrix), s.Samples, s.Metric)
				}
				for i := range want {
					for j := range want {
						worst = max(worst, math.Abs(s.Matrix[i][j]-want[i][j]))
					}
				}
			}
			if !(worst <= 1e-5) {
				t.Errorf("%s, %s: largest difference of a CKA %.2g (bar 1e-5)", be.Name(), g.Model, worst)
			}
			t.Logf("%s, %s: largest difference of a CKA %.2g (bar 1e-5)", be.Name(), g.Model, worst)
		}
	}
}

// TestSimilarityDoesNotDependOnPasses: many rows fall into several passes; in
// another order the samples are others' neighbours, and each pass ends elsewhere.
func TestSimilarityDoesNotDependOnPasses(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	d := crashtest.Small(be, "llama")
	var rows [][]int32
	for i := range 70 {
		row := make([]int32, 1+i%40)
		for j := range row {
			row[j] = int32((i*i + 7*j) % 61)
		}
		rows = append(rows, row)
	}
	passes, last := 0, 0
	s, err := measure.LayerSimilarity(context.Background(), be, d, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, func(done, total int) {
		if passes++; done <= last || total != len(rows) {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if passes < 2 || last != len(rows) {
		t.Errorf("%d passes, %d rows done: the test wants several", passes, last)
	}
	slices.Reverse(rows)
	back, err := measure.LayerSimilarity(context.Background(), be, d, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Matrix {
		for j := range s.Matrix {
			// Sums over the samples in another order, in float64.
			if math.Abs(s.Matrix[i][j]-back.Matrix[i][j]) > 70*0x1p-50 || s.Matrix[i][j] != s.Matrix[j][i] {
				t.Errorf("CKA of %d and %d: %v, in another order %v", i, j, s.Matrix[i][j], back.Matrix[i][j])
			}
		}
	}
}

func TestSimilarityErrors(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	measure := func(ctx context.Context, rows ...[]int32) error {
		_, err := measure.LayerSimilarity(ctx, be, d, rows, measure.Vectors{Pooling: measure.PoolMean}, nil)
		return err
	}
	ctx := context.Background()
	for want, err := range map[string]error{
		"row 1 has no tokens": measure(ctx, []int32{1}, nil),
		"row 1, token 0":      measure(ctx, []int32{1}, []int32{61}),
		"row 0: 65 tokens":    measure(ctx, make([]int32, 65), []int32{1}),
		"sample":              measure(ctx),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := measure(stopped, []int32{1, 2}, []int32{3}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func ExampleLayerSimilarity() {
	be := ref.New()
	c, err := transformer.Open(crashtest.Models + "/opt-prenorm")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	d, _ := c.Decoder(be)
	rows := [][]int32{{3, 14, 15}, {9, 26}, {53, 58, 9, 7}, {9, 3, 23, 8, 46}}
	s, err := measure.LayerSimilarity(context.Background(), be, d, rows, measure.Vectors{Pooling: measure.PoolLast}, nil)
	for _, row := range s.Matrix {
		fmt.Printf("%.2f\n", row)
	}
	fmt.Println(s.Metric, s.Pooling, s.Samples, err)
	// Output:
	// [1.00 0.87 0.85 0.89]
	// [0.87 1.00 0.98 0.97]
	// [0.85 0.98 1.00 0.98]
	// [0.89 0.97 0.98 1.00]
	// cka last 4 <nil>
}

// TestSimilaritySaysWhatMemoryItLacks: no matrix of numbers that were never computed.
func TestSimilaritySaysWhatMemoryItLacks(t *testing.T) {
	inner := ref.New()
	d := crashtest.Small(inner, "opt")
	rows, before := [][]int32{{1, 2, 3}, {4, 5}}, inner.Held()
	var oom *tensor.OutOfMemory
	if _, err := measure.LayerSimilarity(context.Background(), kerneltest.NewFailing(inner, 1), d, rows, measure.Vectors{Pooling: measure.PoolMean}, nil); !errors.As(err, &oom) {
		t.Errorf("at once: %v", err)
	}
	_, err := measure.LayerSimilarityStreamed(context.Background(), kerneltest.NewFailing(inner, 1), d, rows, measure.Vectors{Pooling: measure.PoolMean}, func(transformer.Block) {}, nil)
	if !errors.As(err, &oom) {
		t.Errorf("streamed: %v", err)
	}
	if inner.Held() != before {
		t.Errorf("%d bytes are not given back", inner.Held()-before)
	}
}
