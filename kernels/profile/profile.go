// Package profile measures where the time goes: a backend that passes every call
// on and adds up the time of each method, and the limits of the machine that
// those times are held against. It knows no models and computes nothing itself.
//
//	be := profile.New(cpu.New(cpu.Options{}))
//	... use be ...
//	for _, e := range be.Entries() {
//		fmt.Println(e.Method, e.Calls, e.Time)
//	}
//
// Invariants: results are those of the measured backend; a call's time runs from
// its start to its return, so that a device which works on after returning is
// measured at the call that waits for it, or, with Wait, at each call.
package profile

import (
	"slices"
	"strings"
	"sync"
	"time"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Entry is what one method has cost so far.
type Entry struct {
	Method string // of kernels.Backend, e.g. "MatMul"; the name of a [kernels.Kernel]
	Calls  int
	Time   time.Duration // summed over calls, also where several ran at once
}

// Backend measures the calls of another one. Calls may come from several
// goroutines. It is no [kernels.Stepper], whatever it measures: a step that a device does
// as one would be one entry, and calls that replay it would cost nothing.
type Backend struct {
	tensor.Device
	intercept.Calls

	measured kernels.Backend
	costs    *costs

	// Wait has each call waited for, so that the work of a device that goes on after a
	// call returns is counted to it. Set it before the first call.
	Wait bool
}

// costs are the entries by method: those of all queues of a device in one.
type costs struct {
	mu       sync.Mutex
	byMethod map[string]Entry
}

// New returns a backend that measures be's calls.
func New(be kernels.Backend) *Backend {
	return measuring(be, &costs{byMethod: map[string]Entry{}})
}

func measuring(be kernels.Backend, c *costs) *Backend {
	p := &Backend{Device: be, measured: be, costs: c}
	p.Around = func(call intercept.Call) {
		begin := time.Now()
		defer func() { c.add(nameOf(call), time.Since(begin)) }()
		call.Run(be)
		if p.Wait {
			_ = be.Sync() // whoever waits for the queue has its error
		}
	}
	return p
}

// nameOf returns the method of a call, or what a kernel from outside calls itself.
func nameOf(call intercept.Call) string {
	if k, ok := call.Args[0].(kernels.Kernel); ok {
		return k.Name()
	}
	return call.Method
}

// Queue implements kernels.Backend: what runs on the queue is measured too.
func (p *Backend) Queue() (kernels.Backend, error) {
	be, err := p.measured.Queue()
	if err != nil {
		return nil, err
	}
	q := measuring(be, p.costs)
	q.Wait = p.Wait
	return q, nil
}

// LogitBytes is what [kernels.LogitBytes] says of the backend that is measured.
func (p *Backend) LogitBytes() int { return kernels.LogitBytes(p.measured) }

// Entries returns the methods called so far, the most expensive first.
func (p *Backend) Entries() []Entry {
	p.costs.mu.Lock()
	defer p.costs.mu.Unlock()
	var entries []Entry
	for _, e := range p.costs.byMethod {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(x, y Entry) int {
		if x.Time != y.Time {
			return int(min(max(y.Time-x.Time, -1), 1))
		}
		return strings.Compare(x.Method, y.Method)
	})
	return entries
}

// Reset forgets all times.
func (p *Backend) Reset() {
	p.costs.mu.Lock()
	defer p.costs.mu.Unlock()
	clear(p.costs.byMethod)
}

// add notes a call that took so long.
func (c *costs) add(method string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byMethod[method]
	c.byMethod[method] = Entry{method, e.Calls + 1, e.Time + took}
}
