package ptx

import "math/bits"

// cacheHints are modifiers of ld and st that change nothing here.
var cacheHints = []string{"ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "volatile", "weak", "relaxed", "acquire", "release", "cta", "gpu", "sys", "cluster",
	"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate", "L2::64B", "L2::128B", "L2::256B", "L2::cache_hint", "mmio"}

func (s *statement) hints() {
	for _, h := range cacheHints {
		s.has(h)
	}
}

// space returns the state space that the instruction names.
func (s *statement) space() space {
	found := generic
	for name, sp := range spaces {
		if s.has(name[1:]) {
			found = sp
		}
	}
	if s.has("shared::cta") {
		found = shared
	}
	return found
}

// addressing sets what an instruction uses of memory: space, element, base, offset.
func (c *compiler) addressing(in *instr, o operand) error {
	if o.kind != operandMemory {
		return c.fail("no address")
	}
	in.off = o.off
	if o.name == "" {
		in.b = c.constant(0)
		return nil
	}
	sym, ok := c.find(o.name)
	if ok && sym.v != nil && in.space == param && c.inFrame(sym.v) {
		// A parameter of a call, or of a device function: in the thread's area.
		in.b = -1
		in.off += int64(sym.v.offset)
		return nil
	}
	var err error
	in.b, err = c.src(operand{kind: operandName, name: o.name}, types["u64"])
	return err
}

// inFrame reports whether a parameter lies in a thread's area, not in a kernel's buffer.
func (c *compiler) inFrame(v *variable) bool {
	if v.space != param {
		return false
	}
	if !c.f.entry {
		return true
	}
	for _, p := range c.f.params {
		if p == v {
			return false
		}
	}
	return true
}

// element reads type and vector of a load or store.
func (c *compiler) element(s *statement, in *instr) error {
	t, err := c.typed()
	if err != nil {
		return err
	}
	in.width = uint16(t.bytes())
	in.sign = t.kind == 's'
	in.float = t == types["f32"]
	in.space = s.space()
	s.hints()
	if t.kind == 'p' || t.bits == 128 {
		return c.fail("no such type")
	}
	return nil
}

// vector returns the operands of a value that may be a vector.
func (c *compiler) vector(s *statement, o operand) ([]operand, error) {
	n := 1
	if s.has("v2") {
		n = 2
	}
	if s.has("v4") {
		n = 4
	}
	if s.has("v8") {
		n = 8
	}
	all := []operand{o}
	if o.kind == operandVector {
		all = o.list
	}
	if len(all) != n {
		return nil, c.fail("%d values for %d", len(all), n)
	}
	return all, nil
}

func decodeLoad(c *compiler, s *statement) (instr, error) {
	in := instr{run: runLoad}
	if len(s.ops) != 2 {
		return in, c.fail("ld takes 2 operands")
	}
	if err := c.element(s, &in); err != nil {
		return in, err
	}
	all, err := c.vector(s, s.ops[0])
	if err != nil {
		return in, err
	}
	for _, o := range all {
		at, err := c.dst(o)
		if err != nil {
			return in, err
		}
		in.regs = append(in.regs, at)
	}
	// The sign fills the register.
	in.x = widthMask(c.width(all[0]))
	if err := c.addressing(&in, s.ops[1]); err != nil {
		return in, err
	}
	if in.b < 0 {
		in.run = runLoadFrame
	} else if in.width == 4 && len(all) == 1 && !in.sign {
		in.run = runLoadWord
	}
	return in, nil
}

// width returns the bits of a register.
func (c *compiler) width(o operand) int {
	if sym, ok := c.find(o.name); ok && sym.v == nil {
		return sym.typ.bits
	}
	return 64
}

func decodeStore(c *compiler, s *statement) (instr, error) {
	in := instr{run: runStore}
	if len(s.ops) != 2 {
		return in, c.fail("st takes 2 operands")
	}
	if err := c.element(s, &in); err != nil {
		return in, err
	}
	all, err := c.vector(s, s.ops[1])
	if err != nil {
		return in, err
	}
	for _, o := range all {
		at, err := c.src(o, s.types[0])
		if err != nil {
			return in, err
		}
		in.regs = append(in.regs, at)
	}
	if err := c.addressing(&in, s.ops[0]); err != nil {
		return in, err
	}
	if in.b < 0 {
		in.run = runStoreFrame
	} else if in.width == 4 && len(all) == 1 {
		in.run = runStoreWord
	}
	return in, nil
}

// extended is a loaded element as the register holds it.
func extended(v uint64, in *instr, mask uint64) uint64 {
	if in.sign {
		shift := 64 - 8*in.width
		return uint64(int64(v<<shift)>>shift) & mask
	}
	return v
}

func runLoad(w *warp, in *instr, m uint32) {
	w.need(in, m, in.b)
	mask := in.x.(uint64)
	address := &w.regs[in.b]
	n := int(in.width) * len(in.regs)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		r, at := w.place(in, i, in.space, address[i]+uint64(in.off), n, read)
		for k, d := range in.regs {
			w.regs[d][i] = extended(load(r.data[at+k*int(in.width):], in.width), in, mask)
		}
		if w.shadow != nil && in.width == 4 {
			w.shadowLoad(in, i, r, at)
		}
	}
	for _, d := range in.regs {
		w.init[d] |= m
	}
}

// usual returns the region that an instruction most likely uses: what it used before.
func (w *warp) usual(in *instr) *region {
	switch {
	case in.space == shared:
		return &w.block.shared
	case in.space == global && w.fn == w.k.entry:
		return w.k.cache[in.pc]
	}
	return nil
}

// words of four bytes whose state is written.
const fourWritten = 0x01010101

// runLoadWord loads four bytes: what place does, without calls where nothing is unusual.
func runLoadWord(w *warp, in *instr, m uint32) {
	w.need(in, m, in.b)
	address, d := &w.regs[in.b], &w.regs[in.regs[0]]
	usual, races := w.usual(in), w.k.checksRaces(in.space)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		to := address[i] + uint64(in.off)
		if usual != nil && w.shadow == nil {
			off := to - usual.base
			if off&3 == 0 && off < uint64(len(usual.data)) && off+4 <= uint64(len(usual.data)) && le.Uint32(usual.state[off:]) == fourWritten &&
				(!races || w.readAgain(i, usual, int(off))) {
				d[i] = uint64(le.Uint32(usual.data[off:]))
				continue
			}
		}
		r, at := w.place(in, i, in.space, to, 4, read)
		d[i] = uint64(le.Uint32(r.data[at:]))
		if w.shadow != nil {
			w.shadowLoad(in, i, r, at)
		} else if usual == nil {
			usual = w.usual(in)
		}
	}
	w.init[in.regs[0]] |= m
}

// runStoreWord stores four bytes, likewise.
func runStoreWord(w *warp, in *instr, m uint32) {
	w.need(in, m, in.b, in.regs[0])
	address, a := &w.regs[in.b], &w.regs[in.regs[0]]
	usual, races := w.usual(in), w.k.checksRaces(in.space)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		to := address[i] + uint64(in.off)
		if usual != nil && w.shadow == nil {
			off := to - usual.base
			if off&3 == 0 && off < uint64(len(usual.data)) && off+4 <= uint64(len(usual.data)) && le.Uint32(usual.state[off:])&^fourWritten == 0 &&
				(!races || w.firstWrite(i, in.space, usual, int(off))) {
				le.PutUint32(usual.state[off:], fourWritten)
				le.PutUint32(usual.data[off:], uint32(a[i]))
				continue
			}
		}
		le.PutUint32(w.buffer[:], uint32(a[i]))
		w.value = w.buffer[:4]
		r, at := w.place(in, i, in.space, to, 4, write)
		le.PutUint32(r.data[at:], uint32(a[i]))
		if w.shadow != nil {
			w.shadowStore(in, i, r, at)
		} else if usual == nil {
			usual = w.usual(in)
		}
	}
}

func runStore(w *warp, in *instr, m uint32) {
	w.need(in, m, in.b)
	w.need(in, m, in.regs...)
	address := &w.regs[in.b]
	n := int(in.width) * len(in.regs)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		for k, a := range in.regs {
			store(w.buffer[k*int(in.width):], in.width, w.regs[a][i])
		}
		w.value = w.buffer[:n]
		r, at := w.place(in, i, in.space, address[i]+uint64(in.off), n, write)
		copy(r.data[at:], w.buffer[:n])
		if w.shadow != nil && in.width == 4 {
			w.shadowStore(in, i, r, at)
		}
	}
}

// runLoadFrame and runStoreFrame use the parameters of calls, which each thread has.

func runLoadFrame(w *warp, in *instr, m uint32) {
	mask := in.x.(uint64)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		b := w.frameBytes(in, i, int(in.off), int(in.width)*len(in.regs))
		for k, d := range in.regs {
			w.regs[d][i] = extended(load(b[k*int(in.width):], in.width), in, mask)
		}
	}
	for _, d := range in.regs {
		w.init[d] |= m
		if w.shadow != nil {
			w.shadowSeed(d, m)
		}
	}
}

func runStoreFrame(w *warp, in *instr, m uint32) {
	w.need(in, m, in.regs...)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		b := w.frameBytes(in, i, int(in.off), int(in.width)*len(in.regs))
		for k, a := range in.regs {
			store(b[k*int(in.width):], in.width, w.regs[a][i])
		}
	}
}
