package kerneltest

import (
	"errors"
	"sync"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// ErrBroken is what Sync of a [Broken] backend returns once it has broken.
var ErrBroken = errors.New("kerneltest: the device has broken down")

// Broken passes calls on to a backend until one of them breaks it: from then on it
// computes nothing, Sync returns [ErrBroken], and what is read is ones, as
// [tensor.Device] says of a queue that has failed. Calls may come from several
// goroutines.
type Broken struct {
	tensor.Device
	intercept.Calls

	mu            sync.Mutex
	breaks, calls int
}

// NewBroken returns a backend on be that the n-th computing call breaks, counted from 1.
func NewBroken(be kernels.Backend, n int) *Broken {
	b := &Broken{Device: be, breaks: n}
	b.Around = func(c intercept.Call) {
		b.mu.Lock()
		b.calls++
		b.mu.Unlock()
		if b.Sync() == nil {
			c.Run(be)
		}
	}
	return b
}

// Download fills dst with ones if the device has broken down.
func (b *Broken) Download(dst []byte, src tensor.Memory, offset int) {
	if b.Sync() != nil {
		tensor.Nowhere{}.Download(dst, src, offset)
		return
	}
	b.Device.Download(dst, src, offset)
}

// Sync returns ErrBroken if the device has broken down.
func (b *Broken) Sync() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls >= b.breaks {
		return ErrBroken
	}
	return nil
}

// Queue returns b, whose one queue it is.
func (b *Broken) Queue() (kernels.Backend, error) { return b, nil }
