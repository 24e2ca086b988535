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
// measured at the call that waits for it.
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
	Method string // of kernels.Backend, e.g. "MatMul"
	Calls  int
	Time   time.Duration // summed over calls, also where several ran at once
}

// Backend measures the calls of another one. Calls may come from several
// goroutines.
type Backend struct {
	tensor.Device
	intercept.Calls

	mu    sync.Mutex
	costs map[string]Entry
}

// New returns a backend that measures be's calls.
func New(be kernels.Backend) *Backend {
	p := &Backend{Device: be, costs: map[string]Entry{}}
	p.Around = func(c intercept.Call) {
		begin := time.Now()
		defer func() { p.add(c.Method, time.Since(begin)) }()
		c.Run(be)
	}
	return p
}

// Entries returns the methods called so far, the most expensive first.
func (p *Backend) Entries() []Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	var entries []Entry
	for _, e := range p.costs {
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
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.costs)
}

// add notes a call that took so long.
func (p *Backend) add(method string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.costs[method]
	p.costs[method] = Entry{method, e.Calls + 1, e.Time + took}
}
