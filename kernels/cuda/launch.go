package cuda

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/pack"
	"lamina/tensor"
)

// function is a kernel that the device has loaded.
type function struct {
	f      *drv.Function
	k      *pack.Kernel
	shared atomic.Int64 // dynamic shared memory that it has been allowed
}

const (
	mostThreads = 1024 // of a block
	mostBlocks  = 1<<31 - 1
	mostLayers  = 1<<16 - 1 // blocks along y and z
)

// launch is one launch being put together: operands in the order of the kernel's
// parameters, then [launch.launch]. There is one for each queue, under its lock.
type launch struct {
	be     *Backend
	name   string
	fn     *function // nil: the queue has failed, and nothing is launched
	params []byte
	next   int // parameter
}

// start begins a launch of a kernel and locks the queue until launch or launch3 has been
// called: in between nothing but the launch's own methods and faultPtr may be. The
// first launch of a module loads it. On a queue that has failed it is a launch of
// nothing.
//
//	l := be.start("lamina_scale")
//	l.tensor(y)
//	l.u64(uint64(y.Len()))
//	l.f32(2)
//	l.launch((y.Len()+255)/256, 256)
func (be *Backend) start(name string) *launch {
	be.mu.Lock()
	l := &be.l
	l.name, l.fn, l.next = name, nil, 0
	if be.failed() {
		return l
	}
	k, ok := pack.Find(name)
	if !ok {
		l.wrong("no such kernel")
	}
	fn, err := be.dev.function(k)
	if err != nil {
		be.fail(err)
		return l
	}
	l.fn, l.params = fn, be.l.params[:fn.k.Bytes]
	clear(l.params) // what lies between parameters is part of what graphs compare
	return l
}

// wrong unlocks the queue and panics: the caller and the kernel disagree, which is a
// mistake in this package.
func (l *launch) wrong(format string, args ...any) {
	name := l.name
	l.be.mu.Unlock()
	panic(fmt.Sprintf("cuda: %s: %s", name, fmt.Sprintf(format, args...)))
}

// put makes room for the next parameter, which is to have a kind ('f' of floats, 'u' of
// integers and addresses, 'b' of structs) and a size.
func (l *launch) put(kind byte, size int) []byte {
	if l.next >= len(l.fn.k.Params) {
		l.wrong("takes %d parameters, is given more", len(l.fn.k.Params))
	}
	p := l.fn.k.Params[l.next]
	want := p.Type[0]
	if want == 's' || want == 'b' && p.Type != "b8" {
		want = 'u'
	}
	if want != kind || p.Size != size {
		l.wrong("parameter %d is .%s of %d bytes, is given %c%d", l.next, p.Type, p.Size, kind, 8*size)
	}
	l.next++
	return l.params[p.Offset : p.Offset+size]
}

// tensor hands over the address of t's first element, 0 for the zero Tensor.
func (l *launch) tensor(t tensor.Tensor) {
	if l.fn == nil {
		return
	}
	b := l.put('u', 8)
	binary.LittleEndian.PutUint64(b, uint64(l.address(t)))
}

// address returns the address of t's first element, 0 for the zero Tensor, for a struct
// that is handed over by bytes.
func (l *launch) address(t tensor.Tensor) drv.Ptr {
	if l.fn == nil || t.IsNone() {
		return 0
	}
	at, here, err := l.be.locate(t)
	if !here {
		l.wrong("parameter %d: %s", l.next-1, l.be.elsewhere(t))
	}
	if err != nil {
		l.be.fail(fmt.Errorf("%s: parameter %d: %v: %w", l.name, l.next-1, t, err))
		l.fn = nil
		return 0
	}
	return at
}

// locate returns the address of t's first element, and whether t lies on the device. The
// lock is held.
func (be *Backend) locate(t tensor.Tensor) (at drv.Ptr, here bool, err error) {
	mem, off := t.Memory()
	m, ok := mem.(*memory)
	if !ok || m.owner.dev != be.dev {
		return 0, false, nil
	}
	at, err = be.reach(m)
	return at + drv.Ptr(off), true, err
}

// elsewhere says that t, which is not on the device, should be.
func (be *Backend) elsewhere(t tensor.Tensor) string {
	return fmt.Sprintf("%v does not lie on %s (a tensor of a failed pass has no memory: run its operations on the pass's own backend)", t, be.dev.name)
}

// ptr hands over an address.
func (l *launch) ptr(p drv.Ptr) { l.u64(uint64(p)) }

// u64 hands over a 64-bit integer.
func (l *launch) u64(v uint64) {
	if l.fn != nil {
		binary.LittleEndian.PutUint64(l.put('u', 8), v)
	}
}

// u32 hands over a 32-bit integer: a number of rows or columns.
func (l *launch) u32(v int) {
	if l.fn == nil {
		return
	}
	if v < 0 || v > math.MaxUint32 {
		l.wrong("parameter %d: %d is no 32-bit size", l.next, v)
	}
	binary.LittleEndian.PutUint32(l.put('u', 4), uint32(v))
}

// i32 hands over a signed 32-bit integer.
func (l *launch) i32(v int32) {
	if l.fn != nil {
		binary.LittleEndian.PutUint32(l.put('u', 4), uint32(v))
	}
}

// f32 hands over a number.
func (l *launch) f32(v float32) {
	if l.fn != nil {
		binary.LittleEndian.PutUint32(l.put('f', 4), math.Float32bits(v))
	}
}

// bytes hands over a struct, laid out as the kernel has it.
func (l *launch) bytes(v []byte) {
	if l.fn != nil {
		copy(l.put('b', len(v)), v)
	}
}

// launch runs the kernel in blocks of so many threads, none for 0 blocks, and unlocks
// the queue.
func (l *launch) launch(blocks, threads int) {
	l.launch3([3]int{blocks, 1, 1}, [3]int{threads, 1, 1}, 0)
}

// launch3 is launch on a grid of up to three axes, with so many bytes of dynamic shared
// memory in each block.
func (l *launch) launch3(grid, block [3]int, shared int) {
	if l.fn == nil {
		l.be.mu.Unlock()
		return
	}
	if l.next != len(l.fn.k.Params) {
		l.wrong("takes %d parameters, is given %d", len(l.fn.k.Params), l.next)
	}
	l.checkSizes(grid, block, shared)
	if grid[0] == 0 || grid[1] == 0 || grid[2] == 0 {
		l.be.mu.Unlock()
		return
	}
	// Without leave it is 48 KiB less what the kernel has besides, which only the driver knows.
	if int64(shared) > l.fn.shared.Load() {
		if err := l.fn.f.SetShared(shared); err != nil {
			l.be.fail(fmt.Errorf("%s: %d bytes of shared memory: %w", l.name, shared, err))
			l.be.mu.Unlock()
			return
		}
		l.fn.shared.Store(int64(shared))
	}
	l.be.issue(l.fn, grid, block, shared, l.params)
	l.be.mu.Unlock()
}

// checkSizes panics where a device would refuse.
func (l *launch) checkSizes(grid, block [3]int, shared int) {
	threads := block[0] * block[1] * block[2]
	most := mostThreads
	if l.fn.k.Threads != 0 {
		most = l.fn.k.Threads
	}
	switch {
	case block[0] < 1 || block[1] < 1 || block[2] < 1 || block[2] > 64 || threads > most:
		l.wrong("a block of %v threads, may have %d", block, most)
	case grid[0] < 0 || grid[0] > mostBlocks || grid[1] < 0 || grid[1] > mostLayers || grid[2] < 0 || grid[2] > mostLayers:
		l.wrong("a grid of %v blocks, may have [%d %d %d]", grid, mostBlocks, mostLayers, mostLayers)
	case shared < 0 || shared > l.be.dev.info.SharedPerBlock:
		l.wrong("%d bytes of shared memory, a block may have %d", shared, l.be.dev.info.SharedPerBlock)
	}
}

// issue puts a launch into the queue, or notes it if it is part of a step. The lock is
// held.
func (be *Backend) issue(fn *function, grid, block [3]int, shared int, params []byte) {
	if be.step.noting {
		be.step.note(fn, grid, block, shared, params)
		return
	}
	be.run(fn, grid, block, shared, params)
}

// run puts a launch into the queue. The lock is held.
func (be *Backend) run(fn *function, grid, block [3]int, shared int, params []byte) {
	be.fail(be.stream.Launch(fn.f, grid, block, shared, params))
}
