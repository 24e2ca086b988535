package drv

import (
	"fmt"
	"sync"

	"lamina/kernels/cuda/internal/sys"
)

// Stream is a queue of work of a device: what is put into it is done in that order, and
// in no order to the work of other streams but by events. Methods may be called from
// several goroutines at once.
type Stream struct {
	dev     *Device
	handle  uintptr
	mu      sync.Mutex // of b
	b       *block
	wait    *block // of Sync, which others need not wait for
	waits   sync.Mutex
	record  bool     // between BeginCapture and EndCapture
	kernels []string // that were captured
}

// maxParams is the most that CUDA takes as parameters of a kernel, in bytes.
const maxParams = 4096

// block is what a stream hands to the library, call after call. It lies on the heap,
// which does not move, and lives as long as its stream.
type block struct {
	bind   [1]uintptr
	args   [11]uintptr
	extra  [5]uintptr // how cuLaunchKernel is told of params
	size   uintptr
	params [maxParams]byte
}

// Keys of extra: CU_LAUNCH_PARAM_….
const (
	paramEnd = iota
	paramBuffer
	paramSize
)

func (d *Device) newBlock() *block {
	b := onHeap[block]()
	b.bind[0] = d.context
	b.extra = [5]uintptr{paramBuffer, address(&b.params), paramSize, address(&b.size), paramEnd}
	return b
}

const nonBlocking = 1 // CU_STREAM_NON_BLOCKING: no order with the default stream

// NewStream returns a queue that is in no order with the default stream.
func (d *Device) NewStream() (*Stream, error) {
	h := onHeap[uintptr]()
	if err := d.do("NewStream", "cuStreamCreate", d.driver.procs.StreamCreate, address(h), nonBlocking); err != nil {
		return nil, err
	}
	return &Stream{dev: d, handle: *h, b: d.newBlock(), wait: d.newBlock()}, nil
}

// Handle returns the CUstream, for libraries that enqueue by themselves.
func (s *Stream) Handle() uintptr { return s.handle }

// Do calls a function of another library, which enqueues work on the stream, with the
// thread bound to the device's context. It returns what p returned, or an error where the
// context could not be bound.
func (s *Stream) Do(name string, p sys.Proc, args []uintptr) (status int32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(name, [3]int{}, [3]int{})
	status, err = s.dev.raw(&s.b.bind, name, name, p, args)
	if err != nil || status != 0 {
		return status, err
	}
	return 0, s.settle(name)
}

// enqueue makes a call with the first n of the block's arguments. The caller has filled
// them in, and holds mu.
func (s *Stream) enqueue(op, name string, p sys.Proc, n int) error {
	return s.dev.bound(&s.b.bind, op, name, p, s.b.args[:n])
}

// Launch enqueues a kernel with its parameters, laid out as its entry has them. shared is
// the size of its dynamic shared memory in bytes.
func (s *Stream) Launch(f *Function, grid, block [3]int, shared int, params []byte) error {
	if len(params) > maxParams {
		return fmt.Errorf("cuda:%d: %s: %d bytes of parameters, at most %d", s.dev.info.Index, f.name, len(params), maxParams)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.b
	copy(b.params[:], params)
	b.size = uintptr(len(params))
	b.args = [11]uintptr{f.handle,
		uintptr(grid[0]), uintptr(grid[1]), uintptr(grid[2]),
		uintptr(block[0]), uintptr(block[1]), uintptr(block[2]),
		uintptr(shared), s.handle, 0, address(&b.extra)}
	s.note(f.name, grid, block)
	if err := s.enqueue(f.name, "cuLaunchKernel", s.dev.driver.procs.LaunchKernel, 11); err != nil {
		return err
	}
	return s.settle(f.name)
}

// note keeps a launch for the text of an error.
func (s *Stream) note(name string, grid, block [3]int) {
	if s.record {
		s.kernels = append(s.kernels, name)
		return
	}
	s.dev.launches.add(name, grid, block)
}

// settle waits for what was enqueued where every launch is to be waited for.
func (s *Stream) settle(op string) error {
	if !s.dev.driver.sync {
		return nil
	}
	s.b.args[0] = s.handle
	return s.enqueue(op, "cuStreamSynchronize", s.dev.driver.procs.StreamSynchronize, 1)
}

// CopyIn enqueues a copy of n bytes, from offset in src to dst. src must keep them until
// it is done.
func (s *Stream) CopyIn(dst Ptr, src *Host, offset, n int) error {
	return s.copyHost("CopyIn", "cuMemcpyHtoDAsync_v2", s.dev.driver.procs.MemcpyHtoDAsync, dst, src, offset, n, true)
}

// CopyOut enqueues a copy of n bytes from src to offset in dst.
func (s *Stream) CopyOut(dst *Host, offset int, src Ptr, n int) error {
	return s.copyHost("CopyOut", "cuMemcpyDtoHAsync_v2", s.dev.driver.procs.MemcpyDtoHAsync, src, dst, offset, n, false)
}

func (s *Stream) copyHost(op, name string, p sys.Proc, there Ptr, here *Host, offset, n int, in bool) error {
	if n == 0 {
		return nil
	}
	a, err := here.at(offset, n)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.args = [11]uintptr{a, uintptr(there), uintptr(n), s.handle}
	if in {
		s.b.args[0], s.b.args[1] = uintptr(there), a
	}
	return s.enqueue(op, name, p, 4)
}

// Copy enqueues a copy of n bytes within the device. The two places do not overlap.
func (s *Stream) Copy(dst, src Ptr, n int64) error {
	if n == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.args = [11]uintptr{uintptr(dst), uintptr(src), uintptr(n), s.handle}
	return s.enqueue("Copy", "cuMemcpyDtoDAsync_v2", s.dev.driver.procs.MemcpyDtoDAsync, 4)
}

// Fill8 enqueues the writing of v to n bytes.
func (s *Stream) Fill8(dst Ptr, v byte, n int64) error {
	return s.fill("Fill8", "cuMemsetD8Async", s.dev.driver.procs.MemsetD8Async, dst, uintptr(v), n)
}

// Fill32 enqueues the writing of v to n words of 4 bytes. dst is a multiple of 4.
func (s *Stream) Fill32(dst Ptr, v uint32, n int64) error {
	return s.fill("Fill32", "cuMemsetD32Async", s.dev.driver.procs.MemsetD32Async, dst, uintptr(v), n)
}

func (s *Stream) fill(op, name string, p sys.Proc, dst Ptr, v uintptr, n int64) error {
	if n == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.args = [11]uintptr{uintptr(dst), v, uintptr(n), s.handle}
	return s.enqueue(op, name, p, 4)
}

// Sync waits until all that was enqueued before is done. Its error is of any of it.
func (s *Stream) Sync() error {
	s.waits.Lock()
	defer s.waits.Unlock()
	s.wait.args[0] = s.handle
	return s.dev.bound(&s.wait.bind, "Sync", "cuStreamSynchronize", s.dev.driver.procs.StreamSynchronize, s.wait.args[:1])
}

// Done reports whether all that was enqueued before is done.
func (s *Stream) Done() (bool, error) {
	s.waits.Lock()
	defer s.waits.Unlock()
	s.wait.args[0] = s.handle
	return s.dev.done(&s.wait.bind, "cuStreamQuery", s.dev.driver.procs.StreamQuery, s.wait.args[:1])
}

// Destroy gives the stream back; what is in it is still done. A second call does nothing.
func (s *Stream) Destroy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.handle
	if h == 0 {
		return nil
	}
	s.handle = 0
	return s.dev.release("Stream.Destroy", "cuStreamDestroy_v2", s.dev.driver.procs.StreamDestroy, h)
}
