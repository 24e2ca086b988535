// Package dry is a backend without memory and arithmetic: a pass that runs on it
// costs microseconds and asks its arena for exactly what it would ask for on a
// real device. It answers "how much memory would this take?" before anything is
// allocated.
//
//	be := &dry.Backend{}
//	p := autograd.NewPass(be)
//	... the pass ...
//	fmt.Println(p.Arena.Extent(), be.Bytes)
//
// Operands may belong to any device, since only their shapes are looked at; the
// front functions of package kernels check those as ever. What is read back is 0.
package dry

import (
	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Backend implements kernels.Backend. It is not for concurrent use.
type Backend struct {
	intercept.Calls     // around nothing: no call computes
	Bytes           int // asked of it so far

	// Like is the backend whose choices are made ([kernels.LogitBytes]); nil: of the host.
	Like kernels.Backend
	// Scratch is the most bytes that Like would take for itself in a call so far, of one
	// that says ([Scratcher]).
	Scratch int
}

// Scratcher is a backend that takes memory of the device for itself while a call of it
// runs, and knows how much.
type Scratcher interface {
	Scratch(c intercept.Call) int
}

// New returns a backend that does without memory what like would do, and counts what it
// would take for itself; nil is the host, which takes none of a device.
func New(like kernels.Backend) *Backend {
	be := &Backend{Like: like}
	if s, ok := like.(Scratcher); ok {
		be.Around = func(c intercept.Call) { be.Scratch = max(be.Scratch, s.Scratch(c)) }
	}
	return be
}

var _ kernels.Backend = (*Backend)(nil)

// memory is a number of bytes that are nowhere.
type memory struct{ bytes int }

func (m *memory) Len() int { return m.bytes }
func (*memory) Free()      {}

// Name implements tensor.Device.
func (*Backend) Name() string { return "dry" }

// Alloc implements tensor.Device.
func (be *Backend) Alloc(bytes int) (tensor.Memory, error) {
	be.Bytes += bytes
	return &memory{bytes}, nil
}

// Wrap implements tensor.Device.
func (*Backend) Wrap(data []byte) (tensor.Memory, error) { return &memory{len(data)}, nil }

// Upload implements tensor.Device.
func (*Backend) Upload(tensor.Memory, int, []byte) {}

// Download implements tensor.Device.
func (*Backend) Download(dst []byte, _ tensor.Memory, _ int) { clear(dst) }

// Sync implements tensor.Device.
func (*Backend) Sync() error { return nil }

// Memory implements tensor.Device: it cannot tell.
func (*Backend) Memory() (free, total int64) { return 0, 0 }

// LogitBytes is what [kernels.LogitBytes] says of Like.
func (be *Backend) LogitBytes() int { return kernels.LogitBytes(be.Like) }

// Close implements tensor.Device.
func (*Backend) Close() error { return nil }

// Queue implements kernels.Backend.
func (be *Backend) Queue() (kernels.Backend, error) { return be, nil }
