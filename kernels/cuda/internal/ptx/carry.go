package ptx

import "math/bits"

// decodeCarry is the arithmetic that writes or reads the carry of a thread: add.cc,
// addc, sub.cc, subc, mad.cc, madc.
func decodeCarry(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.bits != 32 && t.bits != 64 || t.float() {
		return instr{}, c.fail("no such type")
	}
	out := s.has("cc")
	in := instr{}
	reads := s.op[len(s.op)-1] == 'c'
	switch s.op {
	case "add", "addc":
		in.run = carryRun(t.bits, reads, out, false)
	case "sub", "subc":
		in.run = carryRun(t.bits, reads, out, true)
	default:
		part := s.oneOf("lo", "hi")
		k := integers[t]
		product := k.mul
		if part == "hi" {
			product = k.high
		} else if part == "" {
			return in, c.fail("no such product")
		}
		if err := c.want(4, 1); err != nil {
			return in, err
		}
		in.run = func(w *warp, in *instr, m uint32) {
			w.need(in, m, in.a, in.b, in.c)
			var p lanes
			product(p[:], w.regs[in.a][:], w.regs[in.b][:])
			carrySum(w, in, m, &p, &w.regs[in.c], t.bits, reads, out, false)
		}
		return in, c.three(&in, t)
	}
	if err := c.want(3, 1); err != nil {
		return in, err
	}
	return in, c.three(&in, t)
}

func carryRun(width int, reads, out, minus bool) func(w *warp, in *instr, m uint32) {
	return func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.a, in.b)
		carrySum(w, in, m, &w.regs[in.a], &w.regs[in.b], width, reads, out, minus)
	}
}

// carrySum adds, or subtracts, with the carry where it is read; out keeps the new one.
func carrySum(w *warp, in *instr, m uint32, a, b *lanes, width int, reads, out, minus bool) {
	d := &w.regs[in.d]
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest)
		carry := uint64(0)
		if reads {
			carry = uint64(w.carry >> i & 1)
		}
		var sum, over uint64
		if minus {
			sum, over = bits.Sub64(a[i], b[i], carry)
			if width == 32 {
				over = sum >> 32 & 1
			}
		} else {
			sum, over = bits.Add64(a[i], b[i], carry)
			if width == 32 {
				over = sum >> 32 & 1
			}
		}
		d[i] = sum & widthMask(width)
		if out {
			w.carry = w.carry&^(1<<i) | uint32(over)<<i
		}
	}
	w.init[in.d] |= m
}
