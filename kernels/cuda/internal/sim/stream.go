package sim

import (
	"slices"
)

// stream is a queue of work.
type stream struct {
	dev     *device
	queue   []work
	capture *graph
	asked   int // queries since the last of them was answered
}

// work is a piece of what a stream holds: it runs something, waits for a mark, or is one.
type work struct {
	what string
	run  func() error
	wait *mark
	mark *mark
}

// mark is one record of an event.
type mark struct {
	stream *stream
	done   bool
}

// event is the last record of it.
type event struct {
	last    *mark
	asked   int
	capture *graph // in which it was recorded
}

// push puts work into a stream, or into the graph that it captures.
func (m *Machine) push(s *stream, w work) {
	s.queue = append(s.queue, w)
	if len(s.queue) == 1 && !slices.Contains(m.streams, s) {
		m.streams = append(m.streams, s)
	}
}

// step does the first work of a stream, after what it waits for.
func (m *Machine) step(s *stream) {
	w := s.queue[0]
	if w.wait != nil {
		m.reach(w.wait)
	}
	s.queue[0] = work{}
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	if w.run != nil && s.dev.dead == 0 {
		before := m.running
		m.running = s.dev
		if err := w.run(); err != nil {
			m.fault("%s: %w", w.what, err)
			s.dev.dead = codeOf(err)
		}
		m.running = before
	}
	if w.mark != nil {
		w.mark.done = true
	}
}

// reach does what has to be done before a mark is.
func (m *Machine) reach(k *mark) {
	for !k.done {
		m.step(k.stream)
	}
}

// drain does all that a stream holds.
func (m *Machine) drain(s *stream) {
	for len(s.queue) > 0 {
		m.step(s)
	}
}

// drainAll does all that a device's streams hold.
func (m *Machine) drainAll(d *device) {
	for _, s := range slices.Clone(m.streams) {
		if s.dev == d {
			m.drain(s)
		}
	}
	m.forget()
}

// forget drops streams that hold nothing.
func (m *Machine) forget() {
	m.streams = slices.DeleteFunc(m.streams, func(s *stream) bool { return len(s.queue) == 0 })
}

// someWork does some pieces of work of streams drawn by chance, where that is asked for.
func (m *Machine) someWork() {
	if m.order == nil {
		return
	}
	m.forget()
	for range m.order.IntN(4) {
		if len(m.streams) == 0 {
			return
		}
		if s := m.streams[m.order.IntN(len(m.streams))]; len(s.queue) > 0 {
			m.step(s)
		}
	}
}

func cuStreamCreate(m *Machine, a []uintptr) int {
	if a[1] != 1 {
		m.fault("cuStreamCreate: the flags are %d: streams are CU_STREAM_NON_BLOCKING", a[1])
	}
	*at[uintptr](a[0]) = m.add(&stream{dev: m.bound()})
	return 0
}

func cuStreamDestroy(m *Machine, a []uintptr) int {
	s, ok := remove[*stream](m, "cuStreamDestroy", a[0])
	if !ok {
		return invalidHandle
	}
	if s.capture != nil {
		m.fault("cuStreamDestroy: the stream is being captured")
	}
	return 0
}

// stream returns a stream of the bound device.
func (m *Machine) stream(call string, h uintptr) (*stream, bool) {
	s, ok := get[*stream](m, call, h)
	if ok && s.dev != m.bound() {
		m.fault("%s: the stream is of device %d, the thread bound to another", call, s.dev.index)
		return nil, false
	}
	return s, ok
}

func cuStreamSynchronize(m *Machine, a []uintptr) int {
	s, ok := m.stream("cuStreamSynchronize", a[0])
	if !ok {
		return invalidHandle
	}
	if s.capture != nil {
		return m.spoil(s.capture, "cuStreamSynchronize")
	}
	m.drain(s)
	m.forget()
	return s.dev.dead
}

// patience is how many questions are answered "not ready" before the work is done, for
// the sake of who asks in a loop.
const patience = 8

func cuStreamQuery(m *Machine, a []uintptr) int {
	s, ok := m.stream("cuStreamQuery", a[0])
	if !ok {
		return invalidHandle
	}
	if s.capture != nil {
		return m.spoil(s.capture, "cuStreamQuery")
	}
	if len(s.queue) > 0 {
		if s.asked++; s.asked < patience {
			return notReady
		}
		m.drain(s)
		m.forget()
	}
	s.asked = 0
	return s.dev.dead
}

func cuStreamWaitEvent(m *Machine, a []uintptr) int {
	s, ok := m.stream("cuStreamWaitEvent", a[0])
	e, ok2 := get[*event](m, "cuStreamWaitEvent", a[1])
	switch {
	case !ok || !ok2:
		return invalidHandle
	case e.capture != s.capture:
		m.fault("cuStreamWaitEvent: the event and the stream are not of the same capture")
		return captureIsolation
	case s.capture == nil && e.last != nil && !e.last.done:
		m.push(s, work{what: "wait", wait: e.last})
	}
	return 0
}

func cuEventCreate(m *Machine, a []uintptr) int {
	*at[uintptr](a[0]) = m.add(&event{})
	return 0
}

func cuEventDestroy(m *Machine, a []uintptr) int {
	if _, ok := remove[*event](m, "cuEventDestroy", a[0]); !ok {
		return invalidHandle
	}
	return 0
}

func cuEventRecord(m *Machine, a []uintptr) int {
	e, ok := get[*event](m, "cuEventRecord", a[0])
	s, ok2 := m.stream("cuEventRecord", a[1])
	if !ok || !ok2 {
		return invalidHandle
	}
	e.asked, e.capture = 0, s.capture
	if s.capture != nil {
		return 0
	}
	e.last = &mark{stream: s}
	m.push(s, work{what: "record", mark: e.last})
	return 0
}

func cuEventQuery(m *Machine, a []uintptr) int {
	e, ok := get[*event](m, "cuEventQuery", a[0])
	if !ok {
		return invalidHandle
	}
	if e.last != nil && !e.last.done {
		if e.asked++; e.asked < patience {
			return notReady
		}
		m.reach(e.last)
	}
	return m.bound().dead
}

func cuEventSynchronize(m *Machine, a []uintptr) int {
	e, ok := get[*event](m, "cuEventSynchronize", a[0])
	if !ok {
		return invalidHandle
	}
	if e.last != nil {
		m.reach(e.last)
	}
	return m.bound().dead
}
