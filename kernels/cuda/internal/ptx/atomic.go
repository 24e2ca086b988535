package ptx

import "math/bits"

// atomicOf is an atom or red instruction.
type atomicOf struct {
	f     func(old, b, c uint64) uint64
	c     int32 // slot of the third operand; -1
	given bool  // the old value is returned
}

func decodeAtomic(c *compiler, s *statement) (instr, error) {
	x := &atomicOf{c: -1, given: s.op == "atom"}
	in := instr{run: runAtomic, x: x}
	t, err := c.typed()
	if err != nil {
		return in, err
	}
	in.space, in.width = s.space(), uint16(t.bytes())
	s.hints()
	s.has("acq_rel")
	s.has("noftz")
	op := s.oneOf("add", "and", "or", "xor", "exch", "cas", "min", "max", "inc", "dec")
	if x.f = atomicFunc(op, t); x.f == nil || in.width < 2 {
		return in, c.fail("no such atomic operation")
	}
	ops := s.ops
	want := 2
	if x.given {
		want++
	}
	if op == "cas" {
		want++
	}
	if len(ops) != want {
		return in, c.fail("%s takes %d operands", s.op, want)
	}
	if x.given {
		if in.d, err = c.dst(ops[0]); err != nil {
			return in, err
		}
		ops = ops[1:]
	}
	if err := c.addressing(&in, ops[0]); err != nil {
		return in, err
	}
	if in.a, err = c.src(ops[1], t); err != nil {
		return in, err
	}
	if op == "cas" {
		x.c, err = c.src(ops[2], t)
	}
	return in, err
}

// atomicFunc returns what an operation makes of the old value and the operands.
func atomicFunc(op string, t typ) func(old, b, c uint64) uint64 {
	two := func(f func(d, a, b []uint64)) func(old, b, c uint64) uint64 {
		if f == nil {
			return nil
		}
		return func(old, b, _ uint64) uint64 {
			d := [1]uint64{}
			f(d[:], []uint64{old}, []uint64{b})
			return d[0]
		}
	}
	k := integers[t]
	switch op {
	case "add":
		switch {
		case t == types["f32"]:
			return two(addF32)
		case t == types["f64"]:
			return two(binary64("add", "rn"))
		case t.float():
			return two(half2("add", t, false))
		}
		return two(k.add)
	case "min":
		return two(k.min)
	case "max":
		return two(k.max)
	case "and":
		return two(and64)
	case "or":
		return two(or64)
	case "xor":
		return two(xor64)
	case "exch":
		return func(_, b, _ uint64) uint64 { return b }
	case "cas":
		return func(old, b, c uint64) uint64 {
			if old == b {
				return c
			}
			return old
		}
	case "inc":
		return func(old, b, _ uint64) uint64 {
			if old >= b {
				return 0
			}
			return old + 1
		}
	case "dec":
		return func(old, b, _ uint64) uint64 {
			if old == 0 || old > b {
				return b
			}
			return old - 1
		}
	}
	return nil
}

func runAtomic(w *warp, in *instr, m uint32) {
	x := in.x.(*atomicOf)
	w.need(in, m, in.a, in.b)
	if x.c >= 0 {
		w.need(in, m, x.c)
	}
	w.k.machine.atomics.Lock()
	defer w.k.machine.atomics.Unlock()
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		r, at := w.place(in, i, in.space, w.regs[in.b][i]+uint64(in.off), int(in.width), readWrite|atomically)
		old := load(r.data[at:], in.width)
		third := uint64(0)
		if x.c >= 0 {
			third = w.regs[x.c][i]
		}
		store(r.data[at:], in.width, x.f(old, w.regs[in.a][i], third))
		if x.given {
			w.regs[in.d][i] = old
		}
	}
	if x.given {
		w.init[in.d] |= m
		if w.shadow != nil {
			w.shadowSeed(in.d, m)
		}
	}
}
