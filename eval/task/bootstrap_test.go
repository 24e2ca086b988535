package task

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"testing"
)

func harnessBootstrap(t *testing.T) (values []Value, iterations int, stderr float64) {
	t.Helper()
	var golden struct {
		Bootstrap struct {
			Values     []float64
			Iterations int
			Stderr     float64
		}
	}
	text, err := os.ReadFile("testdata/lmeval/golden.json")
	if err == nil {
		err = json.Unmarshal(text, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range golden.Bootstrap.Values {
		values = append(values, Value{v, 1})
	}
	return values, golden.Bootstrap.Iterations, golden.Bootstrap.Stderr
}

func TestBootstrapEqualsHarness(t *testing.T) {
	values, iterations, want := harnessBootstrap(t)
	if got := bootstrapOf(values, iterations, bootstrapChunk); !(math.Abs(got-want) <= 1e-9*want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestBootstrapBitsDoNotDependOnWorkers(t *testing.T) {
	values, _, _ := harnessBootstrap(t)
	want := bootstrapOf(values, 8000, bootstrapChunk)
	for _, n := range []int{1, 3, 7} {
		before := runtime.GOMAXPROCS(n)
		got := bootstrapOf(values, 8000, bootstrapChunk)
		runtime.GOMAXPROCS(before)
		if got != want {
			t.Errorf("%d workers: %v, want %v", n, got, want)
		}
	}
}
