package cpu

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lamina/internal/cases"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/kernels/kerneltest"
)

// crowd returns backends of many numbers of workers (of one under -short, where
// an emulator may run this) that share even the smallest call among them and get
// on at random.
func crowd(t testing.TB) []kernels.Backend {
	var all []kernels.Backend
	workers := []int{1, 2, 3, 7, 16}
	if testing.Short() {
		workers = []int{3}
	}
	for _, threads := range workers {
		var chunk atomic.Uint64
		random := philox.New(7, uint64(threads))
		be := New(Options{Threads: threads, SplitAll: true, Delay: func() {
			switch w := random.Uint32(chunk.Add(1)); {
			case w%1024 == 0:
				time.Sleep(100 * time.Microsecond)
			case w%4 == 0:
				runtime.Gosched()
			}
		}})
		t.Cleanup(func() { be.Close() })
		all = append(all, be)
	}
	return all
}

func TestConformance(t *testing.T) {
	defer simd.Set(simd.Active())
	for _, l := range simd.Levels() {
		simd.Set(l)
		t.Run("level="+l.String(), func(t *testing.T) {
			be := New(Options{Threads: 2})
			defer be.Close()
			kerneltest.Run(t, be, kerneltest.Options{Same: crowd(t), Every: cases.Each(5), Thin: cases.Each(3)})
		})
	}
}

func FuzzShapes(f *testing.F) {
	be := New(Options{Threads: 2})
	f.Cleanup(func() { be.Close() })
	kerneltest.Fuzz(f, be, kerneltest.Options{Same: crowd(f)})
}

// The oracle must not stand in for a missing kernel.
func TestNothingFallsBackToTheOracle(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if strings.Contains(i.Path.Value, "kernels/ref") {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
}
