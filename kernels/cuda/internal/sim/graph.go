package sim

import "bytes"

// graph is captured work, in the order in which it was enqueued.
type graph struct {
	nodes   []uintptr
	thread  int
	spoiled bool
}

// node is one piece of it.
type node struct {
	op op
	of *graph
}

// exec is a graph that can be launched.
type exec struct {
	dev   *device
	nodes []uintptr
	ops   map[uintptr]op
}

// kernelParams is CUDA_KERNEL_NODE_PARAMS_v1.
type kernelParams struct {
	function    uintptr
	grid, block [3]uint32
	shared      uint32
	_           uintptr // kernelParams
	extra       uintptr
}

// spoils ends the captures of this thread, if there are any: the call is none that may
// be made meanwhile.
func (m *Machine) spoils(call string) bool {
	found := false
	if m.captures == 0 {
		return false
	}
	for _, o := range m.objects {
		if s, ok := o.(*stream); ok && s.capture != nil && s.capture.thread == thread() {
			m.spoil(s.capture, call)
			found = true
		}
	}
	return found
}

func (m *Machine) spoil(g *graph, call string) int {
	g.spoiled = true
	m.fault("%s: during a capture", call)
	return captureUnsupported
}

func cuStreamBeginCapture(m *Machine, a []uintptr) int {
	s, ok := m.stream("cuStreamBeginCapture", a[0])
	if !ok {
		return invalidHandle
	}
	if s.capture != nil || a[1] != 1 {
		m.fault("cuStreamBeginCapture: mode %d, or the second on this stream", a[1])
		return invalidValue
	}
	s.capture = &graph{thread: thread()}
	m.captures++
	return 0
}

func cuStreamEndCapture(m *Machine, a []uintptr) int {
	s, ok := m.stream("cuStreamEndCapture", a[0])
	switch {
	case !ok:
		return invalidHandle
	case s.capture == nil:
		m.fault("cuStreamEndCapture: there is no capture")
		return invalidValue
	case s.capture.thread != thread():
		m.fault("cuStreamEndCapture: on another thread than it began on")
		return captureThread
	}
	g := s.capture
	s.capture = nil
	m.captures--
	if g.spoiled {
		return captureInvalidated
	}
	*at[uintptr](a[1]) = m.add(g)
	return 0
}

// cuGraphGetNodes lists the nodes backwards: the order is nothing to rely on.
func cuGraphGetNodes(m *Machine, a []uintptr) int {
	g, ok := get[*graph](m, "cuGraphGetNodes", a[0])
	if !ok {
		return invalidHandle
	}
	n := at[uint64](a[2])
	if a[1] != 0 {
		for i := range min(uint64(len(g.nodes)), *n) {
			*at[uintptr](a[1] + uintptr(8*i)) = g.nodes[len(g.nodes)-1-int(i)]
		}
	}
	*n = uint64(len(g.nodes))
	return 0
}

func cuGraphGetEdges(m *Machine, a []uintptr) int {
	g, ok := get[*graph](m, "cuGraphGetEdges", a[0])
	if !ok {
		return invalidHandle
	}
	n := at[uint64](a[3])
	edges := max(len(g.nodes)-1, 0)
	if a[1] != 0 {
		for i := range min(uint64(edges), *n) {
			*at[uintptr](a[1] + uintptr(8*i)) = g.nodes[i]
			*at[uintptr](a[2] + uintptr(8*i)) = g.nodes[i+1]
		}
	}
	*n = uint64(edges)
	return 0
}

func cuGraphNodeGetType(m *Machine, a []uintptr) int {
	n, ok := get[*node](m, "cuGraphNodeGetType", a[0])
	if !ok {
		return invalidHandle
	}
	*at[int32](a[1]) = int32(n.op.kind)
	return 0
}

func cuGraphKernelNodeGetParams(m *Machine, a []uintptr) int {
	n, ok := get[*node](m, "cuGraphKernelNodeGetParams", a[0])
	if !ok || n.op.kind != kindKernel {
		return invalidHandle
	}
	p := at[kernelParams](a[1])
	*p = kernelParams{shared: uint32(n.op.launch.Shared)}
	for h, o := range m.objects {
		if k, ok := o.(*kernel); ok && k == n.op.kernel {
			p.function = h
		}
	}
	for i := range 3 {
		p.grid[i], p.block[i] = uint32(n.op.launch.Grid[i]), uint32(n.op.launch.Block[i])
	}
	return 0
}

func cuGraphInstantiateWithFlags(m *Machine, a []uintptr) int {
	g, ok := get[*graph](m, "cuGraphInstantiate", a[1])
	if !ok {
		return invalidHandle
	}
	e := &exec{dev: m.bound(), nodes: g.nodes, ops: map[uintptr]op{}}
	for _, h := range g.nodes {
		e.ops[h] = m.objects[h].(*node).op
	}
	*at[uintptr](a[0]) = m.add(e)
	return 0
}

func cuGraphExecKernelNodeSetParams(m *Machine, a []uintptr) int {
	const call = "cuGraphExecKernelNodeSetParams"
	e, ok := get[*exec](m, call, a[0])
	if !ok {
		return invalidHandle
	}
	if _, ok := get[*node](m, call, a[1]); !ok { // which the real library follows, wherever it leads
		return invalidValue
	}
	old, ok := e.ops[a[1]]
	if !ok || old.kernel == nil {
		m.fault("%s: %#x is no kernel of the graph", call, a[1])
		return invalidValue
	}
	p := at[kernelParams](a[2])
	l := Launch{Shared: int(p.shared)}
	for i := range 3 {
		l.Grid[i], l.Block[i] = int(p.grid[i]), int(p.block[i])
	}
	o, code := m.launch(call, p.function, l, p.extra, e.dev)
	if code == 0 && o.kernel != old.kernel {
		m.fault("%s: %s in the place of %s", call, o.what, old.what)
		return invalidValue
	}
	if code == 0 {
		o.launch.Params = bytes.Clone(o.launch.Params)
		e.ops[a[1]] = o
	}
	return code
}

func cuGraphLaunch(m *Machine, a []uintptr) int {
	e, ok := get[*exec](m, "cuGraphLaunch", a[0])
	s, ok2 := m.stream("cuGraphLaunch", a[1])
	switch {
	case !ok || !ok2:
		return invalidHandle
	case s.capture != nil:
		return m.spoil(s.capture, "cuGraphLaunch")
	}
	for _, h := range e.nodes {
		m.enqueue(s, e.ops[h])
	}
	return 0
}

func cuGraphExecDestroy(m *Machine, a []uintptr) int {
	if _, ok := remove[*exec](m, "cuGraphExecDestroy", a[0]); !ok {
		return invalidHandle
	}
	return 0
}

func cuGraphDestroy(m *Machine, a []uintptr) int {
	g, ok := remove[*graph](m, "cuGraphDestroy", a[0])
	if !ok {
		return invalidHandle
	}
	for _, h := range g.nodes {
		remove[*node](m, "cuGraphDestroy", h)
	}
	return 0
}
