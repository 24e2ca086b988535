package kerneltest

import (
	"sync"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Failing passes every call on to a backend, but refuses one allocation: with each
// number in turn it shows that a program of many allocations survives the loss of any
// of them. Calls may come from several goroutines.
//
//	for n := 1; ; n++ {
//		be := kerneltest.NewFailing(inner, n)
//		err := work(be)
//		if be.Asked() < n {
//			break // err is nil: the work needs fewer
//		}
//		... err is an OutOfMemory, and Asked is n: nothing was asked for afterwards ...
//	}
type Failing struct {
	tensor.Device
	intercept.Calls

	mu            sync.Mutex
	refuse, asked int
}

// NewFailing returns a backend on be that refuses the n-th Alloc or Wrap, counted from
// 1. be's memory is the host's.
func NewFailing(be kernels.Backend, n int) *Failing {
	f := &Failing{Device: be, refuse: n}
	f.Around = func(c intercept.Call) { c.Run(be) }
	return f
}

// Asked returns how often memory was asked for.
func (f *Failing) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// Queue returns f, whose one queue it is.
func (f *Failing) Queue() (kernels.Backend, error) { return f, nil }

// Alloc refuses if it is its turn.
func (f *Failing) Alloc(bytes int) (tensor.Memory, error) {
	if err := f.count(bytes); err != nil {
		return nil, err
	}
	return f.Device.Alloc(bytes)
}

// Wrap refuses if it is its turn.
func (f *Failing) Wrap(data []byte) (tensor.Memory, error) {
	if err := f.count(len(data)); err != nil {
		return nil, err
	}
	return f.Device.Wrap(data)
}

func (f *Failing) count(bytes int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked++; f.asked != f.refuse {
		return nil
	}
	free, _ := f.Memory()
	e := &tensor.OutOfMemory{Device: f.Name(), Wanted: int64(bytes), Free: free}
	if host, ok := f.Device.(interface{ Held() int64 }); ok {
		e.Held = host.Held()
	}
	return e
}
