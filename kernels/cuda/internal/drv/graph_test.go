package drv_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
)

func TestGraph(t *testing.T) {
	b := newBench(t, sim.Options{})
	x, h := b.alloc(8), b.host(8)
	put(h, 1, 1)
	b.must(b.s.CopyIn(x, h, 0, 8))
	b.must(b.s.BeginCapture())
	b.must(b.s.Launch(b.add, one, one, 0, addParams(x, 2, 10)))
	b.must(b.s.Copy(x+4, x, 4))
	b.must(b.s.Launch(b.add, one, [3]int{32, 1, 1}, 0, addParams(x, 1, 100)))
	_, err := b.dev.Alloc(4)
	var e *drv.Error
	if !errors.As(err, &e) || e.Code != 900 {
		t.Errorf("memory during a capture: %v", err)
	}
	g, err := b.s.EndCapture()
	b.must(err)
	nodes, err := g.Nodes()
	b.must(err)
	if len(nodes) != 3 || !nodes[0].Is(b.add) || nodes[1].Kind != drv.CopyNode || nodes[2].Block != [3]int{32, 1, 1} {
		t.Fatalf("nodes %+v", nodes)
	}
	run, err := g.Instantiate()
	b.must(err)
	b.must(g.Destroy())
	b.must(run.Launch(b.s))
	b.must(run.SetKernel(nodes[2], b.add, one, one, 0, addParams(x, 1, 1000)))
	b.must(run.Launch(b.s))
	other, err := b.module.Function("note")
	b.must(err)
	if err := run.SetKernel(nodes[0], other, one, one, 0, nil); err == nil || !strings.Contains(fmt.Sprint(b.m.Err()), "note in the place of add") {
		t.Errorf("another kernel in a graph: %v, %v", err, b.m.Err())
	}
	b.must(b.s.CopyOut(h, 0, x, 8))
	b.must(b.s.Sync())
	if get(h, 0) != 1+10+100+10+1000 || get(h, 1) != 1+10+100+10 {
		t.Errorf("%v, %v", get(h, 0), get(h, 1))
	}
	b.must(errors.Join(run.Destroy(), run.Destroy(), g.Destroy()))
	b.must(b.dev.Free(x))
	b.must(h.Free())
}

// A driver without graphs says so; the rest of it works.
func TestNoGraphs(t *testing.T) {
	b := newBench(t, sim.Options{Missing: []string{"cuGraphInstantiateWithFlags"}})
	if err := b.s.BeginCapture(); !errors.Is(err, drv.ErrNoGraphs) {
		t.Error(err)
	}
	if _, err := b.s.EndCapture(); err == nil || !strings.Contains(err.Error(), "without BeginCapture") {
		t.Error(err)
	}
	b.close()
}
