package cuda

import (
	"bytes"
	"fmt"

	"lamina/kernels/cuda/internal/drv"
)

const (
	mostGraphs   = 16 // of a queue: the next one takes the place of all
	mostFailures = 4  // in a row, after which a key is left alone
)

// step is a run of launches that is noted, to go to the device as one graph.
type step struct {
	be     *Backend
	noting bool
	now    noted
	graphs map[string]*graph
	ended  []*drv.Exec // perhaps still under way
}

// graph is what is known of the steps of one key.
type graph struct {
	exec     *drv.Exec // nil: none yet, or no longer
	nodes    []drv.Node
	last     noted // launches as the graph has them
	failures int
}

// noted is a list of launches.
type noted struct {
	launches []notedLaunch
	params   []byte
}

type notedLaunch struct {
	fn          *function
	grid, block [3]int
	shared      int
	from, to    int // in params
}

func (n *noted) reset() { n.launches, n.params = n.launches[:0], n.params[:0] }

func (n *noted) of(l notedLaunch) []byte { return n.params[l.from:l.to] }

// note keeps a launch for later.
func (s *step) note(fn *function, grid, block [3]int, shared int, params []byte) {
	from := len(s.now.params)
	s.now.params = append(s.now.params, params...)
	s.now.launches = append(s.now.launches, notedLaunch{fn, grid, block, shared, from, len(s.now.params)})
}

// Step runs issue, whose calls on be are like those of the last Step of that key but for
// addresses and numbers: a token of decoding. The first time they are issued as they
// come. Afterwards kernels are noted, made a graph once, and launched by one call when
// issue returns, with what has changed. Copies to the device may come before the first
// kernel. Whatever else comes between, Sync among it, and other kernels than the last
// time, end that: what was noted is issued, and the rest as it comes. Results are the same.
// A Step within a Step is part of it.
func (be *Backend) Step(key string, issue func()) {
	if g := be.begin(key); g != nil {
		defer be.finish(g)
	}
	issue()
}

// begin starts to note launches, and returns the graph to be; nil if they are issued as
// they come.
func (be *Backend) begin(key string) *graph {
	be.mu.Lock()
	defer be.mu.Unlock()
	s := &be.step
	if s.noting || be.dev.options.Eager || be.failed() {
		return nil
	}
	g := s.graphs[key]
	if g == nil {
		if len(s.graphs) >= mostGraphs {
			be.dropGraphs()
		}
		if s.graphs == nil {
			s.graphs = map[string]*graph{}
		}
		s.graphs[key] = &graph{}
		return nil
	}
	if g.failures >= mostFailures {
		return nil
	}
	s.noting = true
	s.now.reset()
	be.rewind() // tables of a step lie where those of the last one lay
	return g
}

// settle issues what is noted, and ends the noting, before work that cannot be part of a
// graph. What comes before the first kernel ends nothing. The lock is held.
func (be *Backend) settle() {
	s := &be.step
	if !s.noting || len(s.now.launches) == 0 {
		return
	}
	s.noting = false
	be.replay(&s.now)
}

// replay issues noted launches one by one.
func (be *Backend) replay(n *noted) {
	for _, l := range n.launches {
		if be.failed() {
			return
		}
		be.run(l.fn, l.grid, l.block, l.shared, n.of(l))
	}
}

// finish launches what a step has noted.
func (be *Backend) finish(g *graph) {
	be.mu.Lock()
	defer be.mu.Unlock()
	s := &be.step
	if !s.noting { // ended by settle
		be.lost(g)
		return
	}
	s.noting = false
	if len(s.now.launches) == 0 || be.failed() {
		return
	}
	fits := g.exec != nil && be.update(g) || g.exec == nil && be.capture(g) == nil
	if !fits || g.exec.Launch(be.stream) != nil { // which launches all of it or nothing
		be.lost(g)
		be.replay(&s.now)
		return
	}
	s.now, g.last = g.last, s.now
	g.failures = 0
	be.dev.graphLaunches.Add(1)
}

// lost drops a graph that does not fit, and counts.
func (be *Backend) lost(g *graph) {
	be.drop(g)
	g.failures++
}

// drop ends a graph. It may be under way: it is given back after the next Sync.
func (be *Backend) drop(g *graph) {
	if g.exec != nil {
		be.step.ended = append(be.step.ended, g.exec)
	}
	g.exec, g.nodes = nil, nil
}

// bury gives back graphs that have ended, once the queue has done its work.
func (be *Backend) bury() {
	for _, exec := range be.step.ended {
		be.fail(exec.Destroy())
	}
	be.step.ended = be.step.ended[:0]
}

func (be *Backend) dropGraphs() {
	for _, g := range be.step.graphs {
		be.drop(g)
	}
	clear(be.step.graphs)
}

// update makes g the graph of the launches noted, and reports whether it could: the
// kernels must be the same ones.
func (be *Backend) update(g *graph) bool {
	now, last := &be.step.now, &g.last
	if len(now.launches) != len(last.launches) {
		return false
	}
	for i, l := range now.launches {
		if l.fn != last.launches[i].fn {
			return false
		}
	}
	for i, l := range now.launches {
		m := last.launches[i]
		if l.grid == m.grid && l.block == m.block && l.shared == m.shared && bytes.Equal(now.of(l), last.of(m)) {
			continue
		}
		if g.exec.SetKernel(g.nodes[i], l.fn.f, l.grid, l.block, l.shared, now.of(l)) != nil {
			return false
		}
	}
	return true
}

// capture makes a graph of the launches noted. Nothing has been launched if it fails.
func (be *Backend) capture(g *graph) error {
	be.dev.capture.Lock()
	defer be.dev.capture.Unlock()
	if err := be.stream.BeginCapture(); err != nil {
		return err
	}
	var err error
	for _, l := range be.step.now.launches {
		if err = be.stream.Launch(l.fn.f, l.grid, l.block, l.shared, be.step.now.of(l)); err != nil {
			break
		}
	}
	captured, ended := be.stream.EndCapture()
	if captured != nil {
		defer captured.Destroy()
	}
	if err == nil {
		err = ended
	}
	if err != nil {
		return err
	}
	nodes, err := captured.Nodes()
	if err != nil {
		return err
	}
	if len(nodes) != len(be.step.now.launches) {
		return fmt.Errorf("a graph of %d nodes for %d launches", len(nodes), len(be.step.now.launches))
	}
	for i, l := range be.step.now.launches {
		if !nodes[i].Is(l.fn.f) {
			return fmt.Errorf("node %d of a graph is not %s", i, l.fn.k.Name)
		}
	}
	exec, err := captured.Instantiate()
	if err != nil {
		return err
	}
	g.exec, g.nodes = exec, nodes
	return nil
}
