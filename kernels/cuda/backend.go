// Package cuda is the backend that computes on an NVIDIA GPU, through the driver alone:
// no cgo, no toolkit, nothing compiled where it runs. Only a program built with
// -tags cuda can load the driver; without the tag [Open] says so.
//
//	be, err := cuda.Open(cuda.Options{Precision: kernels.PrecisionBF16})
//	if err != nil {
//		return err // names cause and remedy
//	}
//	defer be.Close()
//	x := tensor.Must(tensor.FromFloats(be, tensor.F32, values, 512, 768))
//
// It knows F32 activations and weights in any storage type, which stay on the device as
// the file has them. Work goes to a stream and is waited for by Sync and by nothing else;
// copies go through pinned memory, so that no memory of Go is the device's.
//
// Invariants: sums go in an order that shapes alone decide, without atomic additions, so
// that one device, driver and library give the same bits in every run; freed memory is
// used again in the order of the queue, and by another queue only after an event; no
// operation falls back to the host. The first error of a queue stays: [Backend.Sync].
//
// The environment: LAMINA_CUDA_SYNC=1 waits after every launch, so that an error names
// its kernel; LAMINA_CUDA_POISON=1 fills freed memory with NaN and looks for writes past
// the end of what is freed; LAMINA_CUDA_EAGER=1 launches decoding steps without graphs.
package cuda

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"lamina/kernels"
	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/pack"
)

// Backend implements kernels.Backend: one queue of a device. It may be used from several
// goroutines at once. Close the one that [Open] returned when done.
type Backend struct {
	dev    *device
	parent *Backend // that it is a further queue of; nil for the first
	stream *drv.Stream
	index  uint   // among the device's queues
	born   uint64 // the device's count of queues after the parent's work was waited for

	mu        sync.Mutex // the order of the queue; guards all below
	l         launch
	pool      pool
	stage     stage
	step      step
	downloads [][]byte // since the last Sync
	tables    *block   // the ring of small tables
	tableUsed int
	tablesOut int // in the ring, with launches to come
	fault     drv.Ptr
	word      [faultBytes]byte // of the fault, on the host

	faultAsked atomic.Bool
	failure    failure
}

// device is what the queues of a GPU share.
type device struct {
	drv     *drv.Device
	info    drv.Info
	name    string
	options Options
	with    door.Options
	usage   usage
	// products computes matrix products.
	products *products

	mu     sync.Mutex // guards what follows
	queues []*Backend
	events []*drv.Event // not in use

	loading   sync.RWMutex
	functions map[string]*function
	modules   map[string]*drv.Module

	capture sync.RWMutex // held to write while a stream captures: the driver refuses memory then

	queuesMade    atomic.Uint64
	graphLaunches atomic.Int64
	closed        atomic.Bool
	dead          failure
}

// mostQueues is how many queues a memory can tell apart.
const mostQueues = 64

// newQueue returns a queue with a stream of its own.
func (d *device) newQueue(parent *Backend) (*Backend, error) {
	stream, err := d.drv.NewStream()
	if err != nil {
		return nil, err
	}
	be := &Backend{dev: d, parent: parent, stream: stream}
	be.l = launch{be: be, params: make([]byte, 4<<10)}
	be.pool.be, be.step.be = be, be
	be.stage.size = d.with.Stage
	if parent != nil {
		be.stage.size = min(be.stage.size, furtherStage)
	}
	b, err := be.pool.take(faultBytes, tagTable)
	if err != nil {
		return nil, err
	}
	if err := stream.Fill8(b.ptr, 0, faultBytes); err != nil {
		return nil, err
	}
	be.fault = b.ptr
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queues) == mostQueues {
		return nil, fmt.Errorf("%s: more than %d queues", d.name, mostQueues)
	}
	be.index = uint(len(d.queues))
	d.queues = append(d.queues, be)
	return be, nil
}

// all returns the queues there are.
func (d *device) all() []*Backend {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queues[:len(d.queues):len(d.queues)]
}

// event returns an event that nobody else uses, until putEvent.
func (d *device) event() (*drv.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.events); n > 0 {
		e := d.events[n-1]
		d.events = d.events[:n-1]
		return e, nil
	}
	return d.drv.NewEvent()
}

func (d *device) putEvent(e *drv.Event) {
	d.mu.Lock()
	d.events = append(d.events, e)
	d.mu.Unlock()
}

// pin returns pinned memory of the host.
func (d *device) pin(bytes int) (*drv.Host, error) {
	d.capture.RLock()
	defer d.capture.RUnlock()
	host, err := d.drv.AllocHost(bytes)
	if err != nil {
		return nil, fmt.Errorf("%d bytes of pinned memory: %w", bytes, err)
	}
	d.usage.held[tagPinned].Add(int64(bytes))
	return host, nil
}

// function returns a kernel, and loads its module if it is the first of it.
func (d *device) function(k *pack.Kernel) (*function, error) {
	d.loading.RLock()
	fn := d.functions[k.Name]
	d.loading.RUnlock()
	if fn != nil {
		return fn, nil
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	if fn := d.functions[k.Name]; fn != nil {
		return fn, nil
	}
	m := d.modules[k.Module]
	if m == nil {
		ptx, err := pack.PTX(k.Module)
		if err != nil {
			return nil, err
		}
		d.capture.RLock()
		m, err = d.drv.Load(ptx)
		d.capture.RUnlock()
		if err != nil {
			return nil, fmt.Errorf("kernels of %s: %w", k.Module, err)
		}
		d.modules[k.Module] = m
	}
	f, err := m.Function(k.Name)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", k.Name, k.Module, err)
	}
	fn = &function{f: f, k: k}
	d.functions[k.Name] = fn
	return fn, nil
}

// Name returns what decides the numbers: "cuda/sm_90/NVIDIA-H200".
func (be *Backend) Name() string { return be.dev.name }

// nameOf is [Backend.Name] of a GPU.
func nameOf(i drv.Info, p kernels.Precision) string {
	name := fmt.Sprintf("cuda/sm_%d%d/%s", i.Major, i.Minor, strings.ReplaceAll(i.Name, " ", "-"))
	if p != kernels.PrecisionF32 {
		name += "+" + p.String()
	}
	return name
}

// call runs f, which puts work into be.stream by a library, unless the queue has failed:
// under the queue's lock, behind what a step has noted. What f returns is the queue's
// error.
func (be *Backend) call(op string, f func() error) {
	be.mu.Lock()
	defer be.mu.Unlock()
	be.settle()
	if be.failed() {
		return
	}
	if err := f(); err != nil {
		be.fail(fmt.Errorf("%s: %w", op, err))
	}
}

// Queue returns a further stream of the device. It waits for what this queue was given
// before, and sees the same memory.
func (be *Backend) Queue() (kernels.Backend, error) {
	q, err := be.queue()
	if err != nil {
		return nil, err
	}
	return q, nil
}

func (be *Backend) queue() (*Backend, error) {
	be.mu.Lock()
	defer be.mu.Unlock()
	be.settle()
	if err := be.err(); err != nil {
		return nil, err
	}
	q, err := be.dev.newQueue(be)
	if err != nil {
		return nil, err
	}
	if err := q.follow(be); err != nil {
		return nil, err
	}
	q.born = be.dev.queuesMade.Add(1)
	return q, nil
}

// Overhead returns the bytes of device memory that the backend has had of its own at
// most, beside what was asked of Alloc and Wrap.
func (be *Backend) Overhead() int64 { return be.dev.usage.scratch.Load() }

// Peak returns the bytes of device memory that were in use at once at most: what was asked
// of Alloc and Wrap, and [Backend.Overhead]'s. Not in it is what is cached and nobody uses,
// nor the rounding of each block to 512 bytes, nor what the driver takes for itself.
func (be *Backend) Peak() int64 { return be.dev.usage.most.Load() }
