package drv

import (
	"errors"
	"fmt"
	"runtime"
)

// Graph is work that was captured and can be launched as one.
type Graph struct {
	dev    *Device
	handle uintptr
	label  string
}

// label names a graph by its kernels, for lists of launches.
func label(kernels []string) string {
	if len(kernels) == 0 {
		return "graph"
	}
	return fmt.Sprintf("graph of %d kernels, %s to %s", len(kernels), kernels[0], kernels[len(kernels)-1])
}

// Kind says what a node of a graph does.
type Kind int

// The kinds of nodes that a capture makes here, as CUgraphNodeType numbers them.
const (
	KernelNode Kind = 0
	CopyNode   Kind = 1
	FillNode   Kind = 2
)

// Node is one piece of work of a graph.
type Node struct {
	Kind Kind
	// Grid, Block and Shared are those of a kernel.
	Grid, Block [3]int
	Shared      int
	handle      uintptr
	function    uintptr
}

// Is reports whether the node launches f.
func (n Node) Is(f *Function) bool { return n.Kind == KernelNode && n.function == f.handle }

// ErrNoGraphs says that the driver has no functions for graphs, or that [SyncVariable] asks
// for every launch to be waited for; work has to be enqueued piece by piece.
var ErrNoGraphs = errors.New("cuda: no graphs with this driver, or with " + SyncVariable + "=1")

const threadLocal = 1 // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL

// BeginCapture makes what is enqueued from now on part of a graph instead of being done.
// The goroutine stays on its thread until [Stream.EndCapture], which it must call itself;
// meanwhile it can neither allocate nor free memory, nor wait for anything. One stream of
// a device is captured at a time.
func (s *Stream) BeginCapture() error {
	p := s.dev.driver.procs
	if s.dev.driver.sync || p.StreamBeginCapture == nil || p.StreamEndCapture == nil || p.GraphInstantiateWithFlags == nil || p.GraphLaunch == nil {
		return ErrNoGraphs
	}
	runtime.LockOSThread()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.dev.do("BeginCapture", "cuStreamBeginCapture_v2", p.StreamBeginCapture, s.handle, threadLocal); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	s.record, s.kernels = true, nil
	s.dev.capturing.Store(int64(thread()))
	return nil
}

// EndCapture returns what was enqueued since [Stream.BeginCapture].
func (s *Stream) EndCapture() (*Graph, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.record {
		return nil, fmt.Errorf("cuda:%d: EndCapture without BeginCapture", s.dev.info.Index)
	}
	defer runtime.UnlockOSThread()
	s.record = false
	s.dev.capturing.Store(0)
	h := onHeap[uintptr]()
	if err := s.dev.do("EndCapture", "cuStreamEndCapture", s.dev.driver.procs.StreamEndCapture, s.handle, address(h)); err != nil {
		return nil, err
	}
	return &Graph{s.dev, *h, label(s.kernels)}, nil
}

// kernelParams is CUDA_KERNEL_NODE_PARAMS_v1.
type kernelParams struct {
	function    uintptr
	grid, block [3]uint32
	shared      uint32
	_           uintptr // kernelParams: none, they are in extra
	extra       uintptr
	_           [2]uintptr // what version 2 has behind it
}

// Nodes returns the pieces of work, each after all that it depends on: for work of one
// stream, in the order in which it was enqueued.
func (g *Graph) Nodes() ([]Node, error) {
	p := g.dev.driver.procs
	if p.GraphGetNodes == nil || p.GraphGetEdges == nil || p.GraphNodeGetType == nil || p.GraphKernelNodeGetParams == nil {
		return nil, ErrNoGraphs
	}
	n := onHeap[uint64]()
	if err := g.dev.do("Nodes", "cuGraphGetNodes", p.GraphGetNodes, g.handle, 0, address(n)); err != nil || *n == 0 {
		return nil, err
	}
	handles := make([]uintptr, *n)
	if err := g.dev.do("Nodes", "cuGraphGetNodes", p.GraphGetNodes, g.handle, address(&handles[0]), address(n)); err != nil {
		return nil, err
	}
	if err := g.dev.do("Nodes", "cuGraphGetEdges", p.GraphGetEdges, g.handle, 0, 0, address(n)); err != nil {
		return nil, err
	}
	edges := [2][]uintptr{make([]uintptr, *n+1), make([]uintptr, *n+1)}
	if *n > 0 {
		if err := g.dev.do("Nodes", "cuGraphGetEdges", p.GraphGetEdges, g.handle, address(&edges[0][0]), address(&edges[1][0]), address(n)); err != nil {
			return nil, err
		}
	}
	nodes := make([]Node, 0, len(handles))
	for _, h := range inOrder(handles, edges[0][:*n], edges[1][:*n]) {
		node, err := g.node(h)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// inOrder sorts nodes so that each edge goes from one to a later one. Among those that
// may come next it takes the one that is listed first.
func inOrder(nodes, from, to []uintptr) []uintptr {
	before := map[uintptr]int{} // how many must still come before
	after := map[uintptr][]uintptr{}
	for i := range from {
		before[to[i]]++
		after[from[i]] = append(after[from[i]], to[i])
	}
	var sorted, ready []uintptr
	for _, n := range nodes {
		if before[n] == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		sorted = append(sorted, n)
		for _, next := range after[n] {
			if before[next]--; before[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
	return sorted
}

func (g *Graph) node(h uintptr) (Node, error) {
	p := g.dev.driver.procs
	kind := onHeap[int32]()
	if err := g.dev.do("Nodes", "cuGraphNodeGetType", p.GraphNodeGetType, h, address(kind)); err != nil {
		return Node{}, err
	}
	n := Node{Kind: Kind(*kind), handle: h}
	if n.Kind != KernelNode {
		return n, nil
	}
	k := onHeap[kernelParams]()
	if err := g.dev.do("Nodes", "cuGraphKernelNodeGetParams", p.GraphKernelNodeGetParams, h, address(k)); err != nil {
		return Node{}, err
	}
	for i := range 3 {
		n.Grid[i], n.Block[i] = int(k.grid[i]), int(k.block[i])
	}
	n.Shared, n.function = int(k.shared), k.function
	return n, nil
}

// Instantiate makes the graph ready to be launched, once. The graph belongs to what it
// returns from then on: its nodes, which [Exec.SetKernel] names, live as long as it does.
func (g *Graph) Instantiate() (*Exec, error) {
	if g.handle == 0 {
		return nil, fmt.Errorf("cuda:%d: Instantiate of a graph that is instantiated, or was given back", g.dev.info.Index)
	}
	h := onHeap[uintptr]()
	if err := g.dev.do("Instantiate", "cuGraphInstantiateWithFlags", g.dev.driver.procs.GraphInstantiateWithFlags, address(h), g.handle, 0); err != nil {
		return nil, err
	}
	e := &Exec{dev: g.dev, handle: *h, graph: *g, b: g.dev.newBlock(), kernel: onHeap[kernelParams]()}
	g.handle = 0
	return e, nil
}

// Destroy gives the graph back, unless it was instantiated: then it does nothing, and so
// does a second call.
func (g *Graph) Destroy() error {
	h := g.handle
	if h == 0 {
		return nil
	}
	g.handle = 0
	return g.dev.release("Graph.Destroy", "cuGraphDestroy", g.dev.driver.procs.GraphDestroy, h)
}

// Exec is a graph that can be launched. Its methods are called from one goroutine at a
// time.
type Exec struct {
	dev    *Device
	handle uintptr
	graph  Graph // that it was made of
	b      *block
	kernel *kernelParams
}

// SetKernel changes a kernel of the graph: what is launched from now on has these
// parameters. The node is one of the [Graph.Nodes] of its graph, which the driver follows: a
// graph that was given back before crashes it. f is the kernel that the node has.
func (e *Exec) SetKernel(n Node, f *Function, grid, block [3]int, shared int, params []byte) error {
	p := e.dev.driver.procs.GraphExecKernelNodeSetParams
	if p == nil {
		return ErrNoGraphs
	}
	if len(params) > maxParams {
		return fmt.Errorf("cuda:%d: %s: %d bytes of parameters, at most %d", e.dev.info.Index, f.name, len(params), maxParams)
	}
	copy(e.b.params[:], params)
	e.b.size = uintptr(len(params))
	*e.kernel = kernelParams{function: f.handle, shared: uint32(shared), extra: address(&e.b.extra)}
	for i := range 3 {
		e.kernel.grid[i], e.kernel.block[i] = uint32(grid[i]), uint32(block[i])
	}
	e.b.args[0], e.b.args[1], e.b.args[2] = e.handle, n.handle, address(e.kernel)
	return e.dev.bound(&e.b.bind, f.name, "cuGraphExecKernelNodeSetParams", p, e.b.args[:3])
}

// Launch enqueues the graph.
func (e *Exec) Launch(s *Stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dev.launches.add(e.graph.label, [3]int{}, [3]int{})
	s.b.args[0], s.b.args[1] = e.handle, s.handle
	return s.enqueue("graph", "cuGraphLaunch", s.dev.driver.procs.GraphLaunch, 2)
}

// Destroy gives it back, with its graph. It must not be under way. A second call does
// nothing.
func (e *Exec) Destroy() error {
	h := e.handle
	if h == 0 {
		return nil
	}
	e.handle = 0
	err := e.dev.release("Exec.Destroy", "cuGraphExecDestroy", e.dev.driver.procs.GraphExecDestroy, h)
	return errors.Join(err, e.graph.Destroy())
}
