package cuda

import (
	"encoding/binary"
	"fmt"
	"math"

	"lamina/kernels"
	"lamina/kernels/cuda/internal/pack"
	"lamina/tensor"
)

// Kernel is an operation from outside this module with code for the GPU. A type that has
// these methods is one: it need not import this package.
//
//	func (k bump) PTX() (text, entry string) { return bumpPTX, "bump" }
//	func (k bump) Arguments() []any { return []any{k.y, k.x, uint32(k.x.Len())} }
//	func (k bump) Grid() (blocks, threads [3]int, shared int) {
//		return [3]int{(k.x.Len() + 255) / 256, 1, 1}, [3]int{256, 1, 1}, 0
//	}
//
// Numbers must not depend on the GPU's size: no atomic additions of floats, and a grid
// that shapes alone decide.
type Kernel interface {
	kernels.Kernel
	// PTX returns the text of a module, version 7.8 or older, and the name of an entry in
	// it. A text is loaded once for each device. One that the driver refuses is an error
	// at Sync.
	PTX() (text, entry string)
	// Arguments returns the entry's parameters in their order: a [tensor.Tensor] for the
	// address of its first element (0 for none), int32, uint32, int64, uint64, float32,
	// float64, or the bytes of a struct. Others than the entry takes panic.
	Arguments() []any
	// Grid returns the numbers of blocks and of threads in each along three axes, and
	// the bytes of dynamic shared memory of a block. Without blocks nothing runs.
	Grid() (blocks, threads [3]int, shared int)
}

// Custom implements kernels.Backend: it runs what [Kernel] describes, and the kernels
// [kernels.Pool] and [kernels.Gram]. Code for the host it has no use for: what would be
// computed there lies on the device.
func (be *Backend) Custom(k kernels.Kernel) bool {
	switch k := k.(type) {
	case kernels.SimilarityQuestion:
	case kernels.PoolArgs:
		be.poolStates(k)
	case kernels.GramArgs:
		be.gramMatrix(k)
	case Kernel:
		be.foreign(k)
	default:
		return false
	}
	return true
}

// foreign launches a kernel from outside.
func (be *Backend) foreign(k Kernel) {
	text, entry := k.PTX()
	args := k.Arguments()
	blocks, threads, shared := k.Grid()
	l := be.startForeign(k.Name(), text, entry)
	for _, a := range args {
		l.argument(a)
	}
	l.launch3(blocks, threads, shared)
}

// startForeign is start of an entry of a text from outside.
func (be *Backend) startForeign(name, text, entry string) *launch {
	be.mu.Lock()
	l := &be.l
	l.name, l.fn, l.next = name, nil, 0
	if be.failed() {
		return l
	}
	fn, err := be.dev.foreign(text, entry)
	if err == nil && fn.k.Bytes > cap(l.params) {
		err = fmt.Errorf("entry %s takes %d bytes of parameters, more than %d", entry, fn.k.Bytes, cap(l.params))
	}
	if err != nil {
		be.fail(fmt.Errorf("kernel %s: %w", name, err))
		return l
	}
	l.fn, l.params = fn, l.params[:fn.k.Bytes]
	return l
}

// foreign returns an entry of a text, and loads the text if it is new.
func (d *device) foreign(text, entry string) (*function, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	key := entry + " of " + text // no name of a kernel of package pack
	if fn := d.functions[key]; fn != nil {
		return fn, nil
	}
	k, err := entryOf(text, entry)
	if err != nil {
		return nil, err
	}
	m := d.modules[text]
	if m == nil {
		d.capture.RLock()
		m, err = d.drv.Load([]byte(text))
		d.capture.RUnlock()
		if err != nil {
			return nil, err
		}
		d.modules[text] = m
	}
	f, err := m.Function(entry)
	if err != nil {
		return nil, err
	}
	fn := &function{f: f, k: k}
	d.functions[key] = fn
	return fn, nil
}

// entryOf returns what an entry of a text takes.
func entryOf(text, entry string) (*pack.Kernel, error) {
	all, err := pack.Entries("PTX", text)
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		if k.Name == entry {
			return k, nil
		}
	}
	return nil, fmt.Errorf("the PTX has no entry %q", entry)
}

// argument hands over a parameter of a kernel from outside.
func (l *launch) argument(a any) {
	switch v := a.(type) {
	case tensor.Tensor:
		l.tensor(v)
	case int32:
		l.i32(v)
	case uint32:
		l.i32(int32(v))
	case int64:
		l.u64(uint64(v))
	case uint64:
		l.u64(v)
	case float32:
		l.f32(v)
	case float64:
		l.f64(v)
	case []byte:
		l.bytes(v)
	default:
		l.wrong("parameter %d: a %T is none: want a tensor, int32, uint32, int64, uint64, float32, float64 or []byte", l.next, a)
	}
}

// f64 hands over a number of 64 bits.
func (l *launch) f64(v float64) {
	if l.fn != nil {
		binary.LittleEndian.PutUint64(l.put('f', 8), math.Float64bits(v))
	}
}
