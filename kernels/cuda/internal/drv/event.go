package drv

import (
	"sync"

	"lamina/kernels/cuda/internal/sys"
)

// Event is a mark in a stream: done when all that the stream held at [Stream.Record] is.
type Event struct {
	dev    *Device
	handle uintptr
	mu     sync.Mutex // of bind and args
	bind   *[1]uintptr
	args   *[1]uintptr
}

const disableTiming = 2 // CU_EVENT_DISABLE_TIMING: waiting for it costs less

// NewEvent returns an event. One that was never recorded is done.
func (d *Device) NewEvent() (*Event, error) {
	h := onHeap[uintptr]()
	if err := d.do("NewEvent", "cuEventCreate", d.driver.procs.EventCreate, address(h), disableTiming); err != nil {
		return nil, err
	}
	e := &Event{dev: d, handle: *h, bind: onHeap[[1]uintptr](), args: onHeap[[1]uintptr]()}
	e.bind[0] = d.context
	return e, nil
}

// Record puts the mark behind all that the stream holds.
func (s *Stream) Record(e *Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.args[0], s.b.args[1] = e.handle, s.handle
	return s.enqueue("Record", "cuEventRecord", s.dev.driver.procs.EventRecord, 2)
}

// Wait makes what is enqueued from now on begin after the event's last record. The host
// does not wait.
func (s *Stream) Wait(e *Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.args[0], s.b.args[1], s.b.args[2] = s.handle, e.handle, 0
	return s.enqueue("Wait", "cuStreamWaitEvent", s.dev.driver.procs.StreamWaitEvent, 3)
}

// Sync waits for the event.
func (e *Event) Sync() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.args[0] = e.handle
	return e.dev.bound(e.bind, "Event.Sync", "cuEventSynchronize", e.dev.driver.procs.EventSynchronize, e.args[:1])
}

// Done reports whether the event has come.
func (e *Event) Done() (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.args[0] = e.handle
	return e.dev.done(e.bind, "cuEventQuery", e.dev.driver.procs.EventQuery, e.args[:1])
}

const notReady = 600 // CUDA_ERROR_NOT_READY: no error, an answer

// done makes a call whose answer is whether work is done.
func (d *Device) done(bind *[1]uintptr, name string, p sys.Proc, args []uintptr) (bool, error) {
	status, err := d.raw(bind, "", name, p, args)
	if err != nil || status == 0 || status == notReady {
		return err == nil && status == 0, err
	}
	return false, d.fail(int(status), name, "")
}

// Destroy gives the event back. A second call does nothing.
func (e *Event) Destroy() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.handle
	if h == 0 {
		return nil
	}
	e.handle = 0
	return e.dev.release("Event.Destroy", "cuEventDestroy_v2", e.dev.driver.procs.EventDestroy, h)
}
