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
}

var _ kernels.Backend = (*Backend)(nil)

// memory is a number of bytes that are nowhere.
type memory struct{ bytes int }

func (m *memory) Len() int { return m.bytes }

// Name implements tensor.Device.
func (*Backend) Name() string { return "dry" }

// Alloc implements tensor.Device.
func (be *Backend) Alloc(bytes int) tensor.Memory {
	be.Bytes += bytes
	return &memory{bytes}
}

// Wrap implements tensor.Device.
func (*Backend) Wrap(data []byte) tensor.Memory { return &memory{len(data)} }

// Upload implements tensor.Device.
func (*Backend) Upload(tensor.Memory, int, []byte) {}

// Download implements tensor.Device.
func (*Backend) Download(dst []byte, _ tensor.Memory, _ int) { clear(dst) }

// Sync implements tensor.Device.
func (*Backend) Sync() error { return nil }
