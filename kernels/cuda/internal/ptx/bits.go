package ptx

import "math/bits"

func decodeLogic(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.kind == 'p' {
		return decodePredLogic(c, s)
	}
	if t.kind != 'b' {
		return instr{}, c.fail("no such type")
	}
	mask := widthMask(t.bits)
	switch s.op {
	case "and":
		return c.binary(and64, t)
	case "or":
		return c.binary(or64, t)
	case "xor":
		return c.binary(xor64, t)
	case "not":
		return c.unary(func(d, a []uint64) {
			for i := range d {
				d[i] = ^a[i] & mask
			}
		}, t)
	}
	return c.unary(func(d, a []uint64) {
		for i := range d {
			if a[i] == 0 {
				d[i] = 1
			} else {
				d[i] = 0
			}
		}
	}, t)
}

// decodePredLogic is logic on predicates, which are masks of a warp.
func decodePredLogic(c *compiler, s *statement) (instr, error) {
	in := instr{}
	n := 3
	if s.op == "not" {
		n = 2
	}
	if err := c.want(n, 1); err != nil {
		return in, err
	}
	at := []*int32{&in.d, &in.a, &in.b}
	for i, o := range s.ops {
		var err error
		if *at[i], err = c.predicate(o.name); err != nil {
			return in, err
		}
	}
	nots := uint32(0)
	if s.op == "not" {
		in.b = in.a
	}
	for i := range s.ops[1:] {
		if s.ops[i+1].not {
			nots |= 1 << i
		}
	}
	op := s.op
	in.run = func(w *warp, in *instr, m uint32) {
		w.needPred(in, m, in.a)
		w.needPred(in, m, in.b)
		a, b := w.preds[in.a], w.preds[in.b]
		if nots&1 != 0 {
			a = ^a
		}
		if nots&2 != 0 {
			b = ^b
		}
		switch op {
		case "and":
			a &= b
		case "or":
			a |= b
		case "xor":
			a ^= b
		case "not":
			a = ^a
		}
		w.setPred(in.d, a, m)
	}
	if op == "cnot" {
		return in, c.fail("no such type")
	}
	return in, nil
}

func decodeShift(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	k, ok := integers[t]
	if !ok {
		return instr{}, c.fail("no such type")
	}
	f := k.shl
	if s.op == "shr" {
		f = k.shr
	}
	in, err := c.binary(f, t)
	if err == nil {
		in.b, err = c.src(s.ops[2], types["u32"])
	}
	return in, err
}

// decodeFunnel shifts the 64 bits that b and a make, and returns the upper (l) or lower
// (r) half.
func decodeFunnel(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil || t != types["b32"] {
		return instr{}, c.fail("shf takes b32")
	}
	clamp := s.has("clamp")
	if !clamp && !s.has("wrap") {
		return instr{}, c.fail("shf is .clamp or .wrap")
	}
	distance := func(n uint32) uint32 {
		if clamp {
			return min(n, 32)
		}
		return n & 31
	}
	if s.has("l") {
		return c.ternary(wrap3(func(a, b, n uint32) uint32 {
			return uint32((uint64(b)<<32 | uint64(a)) << distance(n) >> 32)
		}), t)
	}
	if !s.has("r") {
		return instr{}, c.fail("shf is .l or .r")
	}
	return c.ternary(wrap3(func(a, b, n uint32) uint32 {
		return uint32((uint64(b)<<32 | uint64(a)) >> distance(n))
	}), t)
}

func decodeBits(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil || t.kind != 'b' || t.bits < 32 {
		return instr{}, c.fail("%s takes b32 or b64", s.op)
	}
	width := t.bits
	var f func(uint64) uint64
	switch s.op {
	case "popc":
		f = func(a uint64) uint64 { return uint64(bits.OnesCount64(a)) }
	case "clz":
		f = func(a uint64) uint64 { return uint64(bits.LeadingZeros64(a) - 64 + width) }
	default:
		f = func(a uint64) uint64 { return bits.Reverse64(a) >> (64 - width) }
	}
	return c.unary(wrap1(f), t)
}

// decodeFind is bfind: the place of the highest bit that is not the sign.
func decodeFind(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil || t.bits < 32 || t.float() || t.kind == 'b' {
		return instr{}, c.fail("no such type")
	}
	shift := s.has("shiftamt")
	return c.unary(wrap1(func(a uint64) uint64 {
		if t.kind == 's' && a>>(t.bits-1)&1 != 0 {
			a = ^a & widthMask(t.bits)
		}
		if a == 0 {
			return 0xffffffff
		}
		at := 63 - bits.LeadingZeros64(a)
		if shift {
			at = t.bits - 1 - at
		}
		return uint64(at)
	}), t)
}

// decodeField is bfe and bfi.
func decodeField(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil || t.bits < 32 || t.float() {
		return instr{}, c.fail("no such type")
	}
	u32 := types["u32"]
	if s.op == "bfe" {
		in, err := c.ternary(wrap3(func(a, pos, n uint64) uint64 { return extract(a, pos, n, t) }), t)
		if err == nil {
			in.b, err = c.src(s.ops[2], u32)
		}
		if err == nil {
			in.c, err = c.src(s.ops[3], u32)
		}
		return in, err
	}
	if len(s.ops) != 5 {
		return instr{}, c.fail("bfi takes 5 operands")
	}
	in := instr{}
	if in.d, err = c.dst(s.ops[0]); err != nil {
		return in, err
	}
	var slots [4]int32
	for i, want := range []typ{t, t, u32, u32} {
		if slots[i], err = c.src(s.ops[i+1], want); err != nil {
			return in, err
		}
	}
	mask := widthMask(t.bits)
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, slots[:]...)
		a, b, pos, n := &w.regs[slots[0]], &w.regs[slots[1]], &w.regs[slots[2]], &w.regs[slots[3]]
		d := &w.regs[in.d]
		for rest := m; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros32(rest)
			field := (uint64(1)<<(n[i]&255) - 1) << (pos[i] & 255) & mask
			d[i] = b[i]&^field | a[i]<<(pos[i]&255)&field
		}
		w.init[in.d] |= m
	}
	return in, nil
}

// extract is bfe: n bits from pos on, the sign extended where the type has one.
func extract(a, pos, n uint64, t typ) uint64 {
	pos, n = pos&255, n&255
	msb := uint64(t.bits - 1)
	var sign uint64
	if t.kind == 's' && n > 0 {
		sign = a >> min(pos+n-1, msb) & 1
	}
	field := uint64(0)
	if pos <= msb {
		field = a >> pos
	}
	if n >= 64 {
		n = 64
	} else {
		field &= 1<<n - 1
	}
	// above the field, and above the register's last bit, stands the sign
	have := n
	if pos > msb {
		have = 0
	} else {
		have = min(have, msb+1-pos)
	}
	if sign != 0 && have < 64 {
		field |= ^uint64(0) << have
	}
	return field & widthMask(t.bits)
}

func decodePermute(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil || t != types["b32"] {
		return instr{}, c.fail("prmt takes b32")
	}
	mode := s.oneOf("f4e", "b4e", "rc8", "ecl", "ecr", "rc16")
	return c.ternary(wrap3(func(a, b, sel uint32) uint32 { return permute(a, b, sel, mode) }), t)
}

// permute picks four of the eight bytes of a and b.
func permute(a, b, sel uint32, mode string) uint32 {
	all := uint64(b)<<32 | uint64(a)
	at := func(n uint32) uint32 { return uint32(all>>(n&7*8)) & 255 }
	var d uint32
	k := sel & 3
	for i := range uint32(4) {
		var v uint32
		switch mode {
		case "f4e":
			v = at(k + i)
		case "b4e":
			v = at(k - i)
		case "rc8":
			v = at(k)
		case "ecl":
			v = at(max(i, k))
		case "ecr":
			v = at(min(i, k))
		case "rc16":
			v = at(k&1*2 + i&1)
		default:
			nibble := sel >> (4 * i) & 15
			v = at(nibble)
			if nibble&8 != 0 {
				v = -(v >> 7) & 255
			}
		}
		d |= v << (8 * i)
	}
	return d
}

func decodeLop3(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil || t != types["b32"] || len(s.ops) != 5 || s.ops[4].kind != operandNumber {
		return instr{}, c.fail("lop3.b32 takes a table as its fifth operand")
	}
	table := s.ops[4].number.bits
	s.ops = s.ops[:4]
	return c.ternary(wrap3(func(a, b, c uint32) uint32 {
		var d uint32
		for row := range 8 {
			if table>>row&1 == 0 {
				continue
			}
			x, y, z := a, b, c
			if row&4 == 0 {
				x = ^x
			}
			if row&2 == 0 {
				y = ^y
			}
			if row&1 == 0 {
				z = ^z
			}
			d |= x & y & z
		}
		return d
	}), t)
}

// decodeDot is dp4a: c and the products of four bytes each.
func decodeDot(c *compiler, s *statement) (instr, error) {
	if err := c.want(4, 2); err != nil {
		return instr{}, err
	}
	byteOf := func(v uint32, i int, t typ) int32 {
		if t.kind == 's' {
			return int32(int8(v >> (8 * i)))
		}
		return int32(uint8(v >> (8 * i)))
	}
	at, bt := s.types[0], s.types[1]
	return c.ternary(wrap3(func(a, b, sum uint32) uint32 {
		for i := range 4 {
			sum += uint32(byteOf(a, i, at) * byteOf(b, i, bt))
		}
		return sum
	}), types["u32"])
}
