package ptx

import "slices"

// maxKept is how many bytes of registers a machine keeps with workers for later launches.
const maxKept = 64 << 20

// workerOf returns a worker for a kernel: one of an earlier launch, or a new one.
func (m *Machine) workerOf(p *Program, f *function) *worker {
	for i, k := range m.kept {
		if k.entry == f {
			m.kept = append(m.kept[:i], m.kept[i+1:]...)
			return k
		}
	}
	return &worker{machine: m, entry: f, vars: m.load(p), cache: make([]*region, len(f.code)), blk: &block{}, free: map[*function][]*frame{}}
}

// keep keeps a worker for the next launch of its kernel.
func (m *Machine) keep(k *worker) {
	k.dropPages()
	m.spare, k.spare = append(m.spare, k.spare...), nil
	m.spareBytes, k.spareBytes = append(m.spareBytes, k.spareBytes...), nil
	k.regions = nil
	if k.errors > m.errors[k.entry.name] {
		m.errors[k.entry.name] = k.errors
	}
	m.kept = append(m.kept, k)
	held := 0
	for i := len(m.kept) - 1; i >= 0; i-- {
		if held += m.kept[i].held; held > maxKept {
			m.kept = slices.Delete(m.kept, 0, i+1)
			return
		}
	}
}

// another is a worker for the same launch.
func (k *worker) another() *worker {
	c := &worker{}
	*c = *k
	c.cache, c.blk, c.free, c.pool = make([]*region, len(k.cache)), &block{}, map[*function][]*frame{}, nil
	c.touched, c.spare, c.spareBytes, c.held = nil, nil, nil, 0
	return c
}

// startBlock makes the warps ready for a block.
func (k *worker) startBlock(index [3]int) {
	k.now++
	k.begin = k.now
	k.layBlock(index)
	n := (k.threads + 31) / 32
	for len(k.pool) < n {
		k.pool = append(k.pool, &warp{k: k, id: len(k.pool)})
	}
	k.warps = k.pool[:n]
	for _, w := range k.warps {
		for len(w.frames) > 0 {
			k.release(w.frames[len(w.frames)-1])
			w.frames = w.frames[:len(w.frames)-1]
		}
		w.block, w.wait, w.carry, w.syncs = k.blk, nil, 0, 0
		for i := range w.seen {
			w.seen[i] = k.begin - 1
		}
		for i := range w.local {
			w.local[i].data, w.local[i].state = w.local[i].data[:0], w.local[i].state[:0]
			w.pending[i] = asyncCopies{}
		}
		w.live = w.everyThread()
		w.enter(k.entry, nil, w.live)
	}
}

// layBlock makes shared memory new.
func (k *worker) layBlock(index [3]int) {
	b := k.blk
	b.index, b.placed = index, k.placed
	size := 0
	for _, p := range k.placed {
		size = max(size, p.offset+p.size)
	}
	if len(b.shared.data) != size {
		b.shared = region{base: sharedStart, data: make([]byte, size), state: make([]byte, size)}
	}
	fill(b.shared.state, outside)
	for _, p := range k.placed {
		fill(b.shared.state[p.offset:p.offset+p.size], unset)
	}
	for i := range b.barriers {
		b.barriers[i] = barrier{id: i}
	}
}

// enter begins a function for the threads of m.
func (w *warp) enter(fn *function, call *callOf, m uint32) {
	k := w.k
	var f *frame
	if free := k.free[fn]; len(free) > 0 {
		f, k.free[fn] = free[len(free)-1], free[:len(free)-1]
	} else {
		f = newFrame(fn, k.machine.options.Shadow)
		k.held += len(f.regs) * len(lanes{}) * 8
	}
	f.call, f.mask, f.base = call, m, 0
	f.ways = append(f.ways[:0], way{0, -1, m})
	if w.frame != nil && len(w.frames) > 0 {
		f.base = align(w.frame.base+w.frame.fn.localBytes+guard, 64)
	}
	clear(f.pset)
	w.frames = append(w.frames, f)
	w.frame = f
	w.fill()
	w.layLocal(m)
}

func newFrame(fn *function, shadow bool) *frame {
	n := len(fn.slots)
	f := &frame{fn: fn, regs: make([]lanes, n), init: make([]uint32, n), preds: make([]uint32, len(fn.preds)), pset: make([]uint32, len(fn.preds))}
	f.params = make([]byte, 32*fn.frameBytes)
	for i := range fn.slots {
		if fn.slots[i].kind == slotConst {
			spread(&f.regs[i], fn.slots[i].value)
		}
	}
	if shadow {
		f.shadow = make([][32]float64, n)
		for i := range n {
			for lane := range 32 {
				f.shadow[i][lane] = float64(f32(f.regs[i][lane]))
			}
		}
	}
	return f
}

// release keeps a frame for the next call.
func (k *worker) release(f *frame) { k.free[f.fn] = append(k.free[f.fn], f) }

// fill sets what stands in a function's slots before it runs.
func (w *warp) fill() {
	f := w.frame
	copy(f.init, f.fn.ready)
	for _, i := range f.fn.varying {
		s := &f.fn.slots[i]
		if s.kind == slotSpecial {
			w.special(&f.regs[i], special(s.value))
		} else {
			spread(&f.regs[i], w.address(s.v)+s.value)
		}
		if f.shadow != nil {
			w.shadowSeed(i, everyLane)
		}
	}
}

func spread(r *lanes, v uint64) {
	for i := range r {
		r[i] = v
	}
}

// address returns a variable's address in its space.
func (w *warp) address(v *variable) uint64 {
	switch v.space {
	case shared:
		for _, p := range w.k.placed {
			if p.v == v {
				return sharedStart + uint64(p.offset)
			}
		}
	case local:
		return uint64(localStart + w.base + v.offset)
	case param:
		return uint64(v.offset)
	}
	if r := w.k.vars[v]; r != nil {
		return r.base
	}
	return 0
}

// layLocal makes the local memory of a function new.
func (w *warp) layLocal(m uint32) {
	fn := w.fn
	if fn.localBytes == 0 {
		return
	}
	size := w.base + fn.localBytes
	for i := range w.local {
		if m>>i&1 == 0 {
			continue
		}
		r := &w.local[i]
		r.base = localStart
		if cap(r.data) < size {
			data, state := make([]byte, size), make([]byte, size)
			copy(data, r.data)
			copy(state, r.state)
			r.data, r.state = data, state
		}
		r.data, r.state = r.data[:size], r.state[:size]
		fill(r.state[w.base:], outside)
		for _, v := range fn.locals {
			fill(r.state[w.base+v.offset:w.base+v.offset+v.size], unset)
		}
	}
}

// special is a special register.
type special uint64

const (
	tidX special = iota
	tidY
	tidZ
	ntidX
	ntidY
	ntidZ
	ctaidX
	ctaidY
	ctaidZ
	nctaidX
	nctaidY
	nctaidZ
	laneID
	warpID
	nwarpID
	warpSize
	smID
	nsmID
	gridID
	lanesEqual
	lanesLess
	lanesLessEqual
	lanesGreater
	lanesGreaterEqual
	dynamicShared
	totalShared
	zeroSpecial
)

var specials = map[string]special{
	"%tid.x": tidX, "%tid.y": tidY, "%tid.z": tidZ, "%ntid.x": ntidX, "%ntid.y": ntidY, "%ntid.z": ntidZ,
	"%ctaid.x": ctaidX, "%ctaid.y": ctaidY, "%ctaid.z": ctaidZ, "%nctaid.x": nctaidX, "%nctaid.y": nctaidY, "%nctaid.z": nctaidZ,
	"%laneid": laneID, "%warpid": warpID, "%nwarpid": nwarpID, "WARP_SZ": warpSize, "%smid": smID, "%nsmid": nsmID, "%gridid": gridID,
	"%lanemask_eq": lanesEqual, "%lanemask_lt": lanesLess, "%lanemask_le": lanesLessEqual, "%lanemask_gt": lanesGreater, "%lanemask_ge": lanesGreaterEqual,
	"%dynamic_smem_size": dynamicShared, "%total_smem_size": totalShared,
	"%clock": zeroSpecial, "%clock64": zeroSpecial, "%clock_hi": zeroSpecial, "%globaltimer": zeroSpecial,
}

// ofLane is a special register that depends on the lane alone.
func ofLane(s special, lane int) uint64 {
	bit := uint64(1) << lane
	switch s {
	case lanesEqual:
		return bit
	case lanesLess:
		return bit - 1
	case lanesLessEqual:
		return 2*bit - 1
	case lanesGreater:
		return 0xffffffff &^ (2*bit - 1)
	case lanesGreaterEqual:
		return 0xffffffff &^ (bit - 1)
	}
	return uint64(lane)
}

// special fills a special register.
func (w *warp) special(r *lanes, s special) {
	k := w.k
	if s <= tidZ {
		for i := range r {
			r[i] = uint64(w.thread(i)[s-tidX])
		}
		return
	}
	if s == laneID || s >= lanesEqual && s <= lanesGreaterEqual {
		for i := range r {
			r[i] = ofLane(s, i)
		}
		return
	}
	v := 0
	switch {
	case s <= ntidZ:
		v = k.dims[s-ntidX]
	case s <= ctaidZ:
		v = w.block.index[s-ctaidX]
	case s <= nctaidZ:
		v = k.grid[s-nctaidX]
	case s == warpID:
		v = w.id
	case s == nwarpID:
		v = (k.threads + 31) / 32
	case s == warpSize:
		v = 32
	case s == nsmID:
		v = 132
	case s == dynamicShared:
		v = k.dynamic
	case s == totalShared:
		v = len(w.block.shared.data)
	}
	spread(r, uint64(v))
}
