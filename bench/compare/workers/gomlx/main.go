// Command gomlx measures GoMLX's backend that is Go alone, simplego: products. It speaks the
// protocol of bench/compare on its standard input and output, and is a module of its own, so
// that what it requires is not required by lamina.
//
//	gomlx THREADS
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// version is that of go.mod, and how it is built: no file of this version asks for
// GOEXPERIMENT=simd.
const version = "GoMLX 0.26.0 simplego"

func main() {
	threads, err := strconv.Atoi(strings.Join(os.Args[1:], " "))
	if err != nil || threads < 1 {
		fmt.Fprintln(os.Stderr, "gomlx: want a number of threads")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(threads)
	backend, err := simplego.New("")
	if err != nil {
		fmt.Fprintln(os.Stderr, "gomlx:", err)
		os.Exit(1)
	}
	w := worker{backend: backend}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		reply := map[string]any{"version": version}
		if seconds, err := w.answer(strings.Split(in.Text(), "\t")); err != nil {
			reply["error"] = err.Error()
		} else {
			reply["seconds"] = seconds
		}
		text, err := json.Marshal(reply)
		if err != nil {
			text = []byte(`{"error": "no JSON"}`)
		}
		fmt.Printf("@@ %s\n", text)
	}
}

// worker keeps the product that was asked for last.
type worker struct {
	backend backends.Backend
	key     string
	call    func()
}

// answer is the median time of a call of
//
//	gemm M N K batch n|t n|t f32 seconds
func (w *worker) answer(f []string) (float64, error) {
	switch {
	case f[0] == "hello":
		return 0, nil
	case len(f) == 9 && f[0]+" "+f[7] == "gemm f32":
	default:
		return 0, fmt.Errorf("%.100q is no request", strings.Join(f, " "))
	}
	seconds, err := strconv.ParseFloat(f[8], 64)
	if err != nil {
		return 0, err
	}
	if key := strings.Join(f[:8], "\t"); key != w.key {
		var sizes [4]int
		for i := range sizes {
			if sizes[i], err = strconv.Atoi(f[1+i]); err != nil || sizes[i] < 1 {
				return 0, fmt.Errorf("size %.20q", f[1+i])
			}
		}
		if w.call, err = w.product(sizes[0], sizes[1], sizes[2], sizes[3], f[5] == "t", f[6] == "t"); err != nil {
			return 0, err
		}
		w.key = key
	}
	return median(seconds, w.call), nil
}

// product compiles C = op(A)·op(B) for each of a batch and returns a call of it.
func (w *worker) product(m, n, k, batch int, ta, tb bool) (func(), error) {
	rowsA, innerA, innerB, colsB := 1, 2, 1, 2
	if ta {
		rowsA, innerA = 2, 1
	}
	if tb {
		innerB, colsB = 2, 1
	}
	a, b := operand(batch, rowsA, innerA, m, k), operand(batch, innerB, colsB, k, n)
	exec, err := graph.NewExec(w.backend, func(a, b *graph.Node) *graph.Node {
		return graph.DotGeneral(a, []int{innerA}, []int{0}, b, []int{innerB}, []int{0})
	})
	if err != nil {
		return nil, err
	}
	first, err := exec.Exec1(a, b)
	if err != nil {
		return nil, err
	}
	first.FinalizeAll()
	return func() {
		c, err := exec.Exec1(a, b)
		if err != nil {
			panic(err) // it went before
		}
		c.FinalizeAll()
	}, nil
}

// operand is a tensor of as many matrices, whose two axes have these sizes.
func operand(batch, axis0, axis1, size0, size1 int) *tensors.Tensor {
	sizes := [3]int{batch}
	sizes[axis0], sizes[axis1] = size0, size1
	values := make([]float32, batch*size0*size1)
	for i := range values {
		values[i] = float32(i%17) / 16
	}
	return tensors.FromFlatDataAndDimensions(values, sizes[:]...)
}

// median is the median time of a call within so many seconds, after a warm-up.
func median(seconds float64, call func()) float64 {
	begin := time.Now()
	call()
	one := time.Since(begin).Seconds()
	for begin := time.Now(); one < seconds && time.Since(begin).Seconds() < seconds/4; {
		call()
	}
	var times []float64
	for begin := time.Now(); len(times) == 0 || time.Since(begin).Seconds() < seconds; {
		t := time.Now()
		call()
		times = append(times, time.Since(t).Seconds())
	}
	slices.Sort(times)
	return times[len(times)/2]
}
