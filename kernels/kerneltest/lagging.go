package kerneltest

import (
	"slices"
	"sync"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Lagging computes on another backend, but late, as a GPU may: a call is noted, and
// Sync does what was noted, in order. A program that reads what it has not waited for
// reads ones; one that frees or writes to what work still needs is right all the same,
// since both are noted too. So a program that gets the bits on it that it gets on the
// other backend keeps to the contract of [tensor.Device]. Calls may come from several
// goroutines.
type Lagging struct {
	tensor.Device
	intercept.Calls

	inner kernels.Backend
	work  sync.Mutex // one Sync at a time
	mu    sync.Mutex // of noted
	noted []func()
}

// NewLagging returns a backend that computes on be when Sync is called. be's memory is
// the host's.
func NewLagging(be kernels.Backend) *Lagging {
	l := &Lagging{Device: be, inner: be}
	l.Around = func(c intercept.Call) {
		if _, ok := c.Args[0].(kernels.Kernel); ok { // whose caller is told at once whether it ran
			_ = l.Sync()
			c.Run(be)
			return
		}
		run := late(c)
		l.note(func() { run(be) })
	}
	return l
}

func (l *Lagging) note(f func()) {
	l.mu.Lock()
	l.noted = append(l.noted, f)
	l.mu.Unlock()
}

// late returns a call with lists of its own: those of the caller are the caller's again
// when the call returns.
func late(c intercept.Call) func(kernels.Backend) {
	switch a := c.Args[0].(type) {
	case []kernels.MatMulArgs:
		own := slices.Clone(a)
		if c.Method == "MatVecs" {
			return func(be kernels.Backend) { be.MatVecs(own) }
		}
		return func(be kernels.Backend) { be.MatMuls(own) }
	case kernels.AttentionArgs:
		a.Segments, a.Prefix = slices.Clone(a.Segments), slices.Clone(a.Prefix)
		if c.Method == "AttentionDecode" {
			return func(be kernels.Backend) { be.AttentionDecode(a) }
		}
		return func(be kernels.Backend) { be.Attention(a) }
	case kernels.AttentionGrads:
		a.Fwd.Segments = slices.Clone(a.Fwd.Segments)
		return func(be kernels.Backend) { be.AttentionBackward(a) }
	}
	return c.Run
}

// Alloc returns memory whose Free is work like any other.
func (l *Lagging) Alloc(bytes int) (tensor.Memory, error) {
	mem, err := l.Device.Alloc(bytes)
	if err != nil {
		return nil, err
	}
	m := mem.(*tensor.HostMemory)
	release := m.Release
	m.Release = func(m *tensor.HostMemory) { l.note(func() { release(m) }) }
	return m, nil
}

// Upload takes src at once and writes it later.
func (l *Lagging) Upload(dst tensor.Memory, offset int, src []byte) {
	staged := slices.Clone(src)
	l.note(func() { l.Device.Upload(dst, offset, staged) })
}

// Download writes ones to dst, and what is wanted later.
func (l *Lagging) Download(dst []byte, src tensor.Memory, offset int) {
	tensor.Nowhere{}.Download(dst, src, offset)
	l.note(func() { l.Device.Download(dst, src, offset) })
}

// Sync does what was noted.
func (l *Lagging) Sync() error {
	l.work.Lock()
	defer l.work.Unlock()
	l.mu.Lock()
	noted := l.noted
	l.noted = nil
	l.mu.Unlock()
	for _, f := range noted {
		f()
	}
	return l.Device.Sync()
}

// Queue returns a queue whose work comes after what was noted here.
func (l *Lagging) Queue() (kernels.Backend, error) {
	if err := l.Sync(); err != nil {
		return nil, err
	}
	return NewLagging(l.inner), nil
}
