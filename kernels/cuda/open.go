package cuda

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"lamina/kernels"
	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/drv"
)

// Options says how a backend is made. The zero value is the first GPU, in F32.
type Options struct {
	// Device is the number of the GPU, as CUDA counts.
	Device int
	// Precision is the arithmetic of MatMul and MatMuls, and with BF16 of attention, forward and
	// backward, in heads of up to 128 columns: one of [Precisions]. MatVec, decoding, softmax
	// and all else is F32. Without cuBLASLt TF32 is F32.
	Precision kernels.Precision
	// Poison fills freed memory with NaN and looks for writes past the end of what is
	// freed. LAMINA_CUDA_POISON=1 sets it.
	Poison bool
	// Eager launches the kernels of a decoding step one by one, without a graph.
	// LAMINA_CUDA_EAGER=1 sets it.
	Eager bool
}

func init() {
	door.Open = func(o any, with door.Options) (any, error) { return openWith(o.(Options), with) }
}

// Open returns a backend on a GPU. Its error says why there is none, and what to do.
func Open(o Options) (*Backend, error) {
	driver, err := loadDriver()
	if err != nil {
		return nil, err
	}
	products, none := loadProducts()
	return openOn(driver, o, door.Options{Products: products, NoProducts: none})
}

// openWith is Open with libraries that the caller has loaded, or that are simulated.
func openWith(o Options, with door.Options) (*Backend, error) {
	driver, err := drv.Open(with.Driver)
	if err != nil {
		return nil, err
	}
	return openOn(driver, o, with)
}

func openOn(driver *drv.Driver, o Options, with door.Options) (*Backend, error) {
	if !slices.Contains(Precisions(), o.Precision) {
		return nil, fmt.Errorf("no products in %v on a GPU: want f32, tf32 or bf16", o.Precision)
	}
	d, err := driver.Device(o.Device)
	if err != nil {
		return nil, err
	}
	be, err := open(d, o, with)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return be, nil
}

// Half of what the first queue pins, through which weights come, and each further one, in
// bytes.
const (
	usualStage   = 64 << 20
	furtherStage = 4 << 20
)

// open returns a backend on a GPU that is ready.
func open(d *drv.Device, o Options, with door.Options) (*Backend, error) {
	set := func(name string) bool { return os.Getenv(name) == "1" }
	o.Poison = o.Poison || set("LAMINA_CUDA_POISON")
	o.Eager = o.Eager || set("LAMINA_CUDA_EAGER")
	if with.Stage == 0 {
		with.Stage = usualStage
	}
	dev := &device{
		drv: d, info: d.Info(), name: nameOf(d.Info(), o.Precision), options: o, with: with,
		functions: map[string]*function{}, modules: map[string]*drv.Module{},
	}
	be, err := dev.newQueue(nil)
	if err != nil {
		return nil, err
	}
	dev.products = newProducts(be.stream, dev.info, with.Products, with.NoProducts, o.Precision)
	if dev.products.lt == nil {
		dev.name += "+own"
	}
	return be, nil
}

// Close waits for the work of all queues and gives the device back, with all memory on
// it. A second call does nothing, and Close of a further queue nothing either.
func (be *Backend) Close() error {
	if be.parent != nil || be.dev.closed.Swap(true) {
		return nil
	}
	if be.dev.dead.get() != nil {
		return be.dev.drv.Close() // all else is refused
	}
	var errs []error
	for _, q := range be.dev.all() { // all of them, before any gives memory back
		q.mu.Lock()
		errs = append(errs, q.rest())
		q.mu.Unlock()
	}
	errs = append(errs, be.dev.products.close(be.stream))
	for _, q := range be.dev.all() {
		q.mu.Lock()
		errs = append(errs, q.end()...)
		q.mu.Unlock()
	}
	for _, e := range be.dev.events {
		errs = append(errs, e.Destroy())
	}
	for _, m := range be.dev.modules {
		errs = append(errs, m.Unload())
	}
	return errors.Join(append(errs, be.dev.drv.Close())...)
}

// rest waits for the queue's work. The lock is held.
func (be *Backend) rest() error {
	be.settle()
	be.dropGraphs()
	be.pool.await()
	before := be.err()
	if err := be.sync(); before == nil {
		return err // of a guard, say, that nobody has looked at since
	}
	return nil
}

// end gives back what the queue has. The lock is held.
func (be *Backend) end() (errs []error) {
	for _, segment := range be.pool.segments {
		errs = append(errs, be.dev.drv.Free(segment))
	}
	for i := range be.stage.half {
		if h := &be.stage.half[i]; h.host != nil {
			errs = append(errs, h.host.Free())
			if h.event != nil {
				errs = append(errs, h.event.Destroy())
			}
			be.dev.usage.held[tagPinned].Add(-int64(be.stage.size))
		}
	}
	return append(errs, be.stream.Destroy())
}

// Precisions returns the arithmetics that products have on a GPU.
func Precisions() []kernels.Precision {
	return []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionTF32, kernels.PrecisionBF16}
}
