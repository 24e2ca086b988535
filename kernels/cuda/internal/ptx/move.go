package ptx

import "math/bits"

// decodeMove is mov of registers, numbers, addresses, vectors and predicates.
func decodeMove(c *compiler, s *statement) (instr, error) {
	if err := c.want(2, 1); err != nil {
		return instr{}, err
	}
	t := s.types[0]
	d, a := s.ops[0], s.ops[1]
	switch {
	case t.kind == 'p':
		return movePred(c, d, a)
	case d.kind == operandVector:
		return unpack(c, d.list, a, t)
	case a.kind == operandVector:
		return pack(c, d, a.list, t)
	}
	in := instr{run: runMove}
	if a.kind == operandName && (a.name == "%clock" || a.name == "%clock64" || a.name == "%globaltimer" || a.name == "%clock_hi") {
		in.run = runClock
		var err error
		in.d, err = c.dst(d)
		return in, err
	}
	return in, c.three(&in, t)
}

// runMove carries over whether the value was written: a copy is no use of it.
func runMove(w *warp, in *instr, m uint32) {
	d, a := &w.regs[in.d], &w.regs[in.a]
	if m == everyLane {
		*d = *a
	} else {
		for rest := m; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros32(rest) & 31
			d[i] = a[i]
		}
	}
	w.init[in.d] = w.init[in.d]&^m | w.init[in.a]&m
	if w.shadow != nil {
		w.shadowMove(in, m)
	}
}

func runClock(w *warp, in *instr, m uint32) {
	for rest := m; rest != 0; rest &= rest - 1 {
		w.regs[in.d][bits.TrailingZeros32(rest)] = uint64(w.k.steps) & 0xffffffff
	}
	w.init[in.d] |= m
}

func movePred(c *compiler, d, a operand) (instr, error) {
	in := instr{}
	var err error
	if in.d, err = c.predicate(d.name); err != nil {
		return in, err
	}
	if a.kind == operandNumber {
		value := uint32(0)
		if a.number.bits != 0 {
			value = everyLane
		}
		in.run = func(w *warp, in *instr, m uint32) { w.setPred(in.d, value, m) }
		return in, nil
	}
	not := a.not
	in.run = func(w *warp, in *instr, m uint32) {
		w.needPred(in, m, in.a)
		p := w.preds[in.a]
		if not {
			p = ^p
		}
		w.setPred(in.d, p, m)
	}
	in.a, err = c.predicate(a.name)
	return in, err
}

// unpack is mov.b64 {a, b}, c.
func unpack(c *compiler, list []operand, from operand, t typ) (instr, error) {
	in := instr{}
	var err error
	for _, o := range list {
		at, err := c.dst(o)
		if err != nil {
			return in, err
		}
		in.regs = append(in.regs, at)
	}
	if n := len(list); n != 2 && n != 4 || t.bits/n < 8 {
		return in, c.fail("no such parts")
	}
	part := t.bits / len(list)
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.a)
		for rest := m; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros32(rest) & 31
			v := w.regs[in.a][i]
			for k, d := range in.regs {
				w.regs[d][i] = v >> (part * k) & widthMask(part)
			}
		}
		for _, d := range in.regs {
			w.init[d] |= m
			if w.shadow != nil {
				w.shadowSeed(d, m)
			}
		}
	}
	in.a, err = c.src(from, t)
	return in, err
}

// pack is mov.b64 c, {a, b}.
func pack(c *compiler, to operand, list []operand, t typ) (instr, error) {
	in := instr{}
	n := len(list)
	if n != 2 && n != 4 || t.bits/n < 8 {
		return in, c.fail("no such parts")
	}
	part := t.bits / n
	for _, o := range list {
		at, err := c.src(o, typ{'b', part, false})
		if err != nil {
			return in, err
		}
		in.regs = append(in.regs, at)
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.regs...)
		d := &w.regs[in.d]
		for rest := m; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros32(rest) & 31
			v := uint64(0)
			for k, a := range in.regs {
				v |= (w.regs[a][i] & widthMask(part)) << (part * k)
			}
			d[i] = v
		}
		w.init[in.d] |= m
		if w.shadow != nil {
			w.shadowSeed(in.d, m)
		}
	}
	var err error
	in.d, err = c.dst(to)
	return in, err
}

// decodeCvta converts between a space's addresses and generic ones.
func decodeCvta(c *compiler, s *statement) (instr, error) {
	back := s.has("to")
	window := uint64(0)
	switch s.space() {
	case shared:
		window = sharedWindow
	case local:
		window = localWindow
	case param:
		window = paramWindow
	case generic:
		return instr{}, c.fail("cvta names a space")
	}
	if back {
		window = -window
	}
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	mask := widthMask(t.bits)
	return c.unary(wrap1(func(a uint64) uint64 { return (a + window) & mask }), t)
}

func decodeIsSpace(c *compiler, s *statement) (instr, error) {
	if len(s.ops) != 2 {
		return instr{}, c.fail("isspacep takes 2 operands")
	}
	in := instr{space: s.space()}
	var err error
	if in.d, err = c.predicate(s.ops[0].name); err != nil {
		return in, err
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.a)
		var p uint32
		for i, a := range w.regs[in.a] {
			if is, _ := w.resolve(a); is == in.space {
				p |= 1 << i
			}
		}
		w.setPred(in.d, p, m)
	}
	in.a, err = c.src(s.ops[1], types["u64"])
	return in, err
}

// decodePrefetch: a hint.
func decodePrefetch(c *compiler, s *statement) (instr, error) {
	s.space()
	s.hints()
	s.has("L1")
	s.has("L2")
	return instr{run: runNothing}, nil
}

func decodeNothing(c *compiler, s *statement) (instr, error) { return instr{run: runNothing}, nil }

func runNothing(*warp, *instr, uint32) {}
