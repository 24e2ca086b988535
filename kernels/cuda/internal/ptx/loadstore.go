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

// runLoadWord loads four bytes.
func runLoadWord(w *warp, in *instr, m uint32) {
	w.need(in, m, in.b)
	address, d := &w.regs[in.b], &w.regs[in.regs[0]]
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		r, at := w.place(in, i, in.space, address[i]+uint64(in.off), 4, read)
		d[i] = uint64(le.Uint32(r.data[at:]))
		if w.shadow != nil {
			w.shadowLoad(in, i, r, at)
		}
	}
	w.init[in.regs[0]] |= m
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
