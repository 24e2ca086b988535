package ptx

// decoder makes an instruction of a statement.
type decoder func(c *compiler, s *statement) (instr, error)

// opcodes is every instruction that is known.
var opcodes map[string]decoder

func init() {
	opcodes = map[string]decoder{
		"add": decodeAdd, "sub": decodeAdd, "addc": decodeCarry, "subc": decodeCarry,
		"mul": decodeMul, "mad": decodeMad, "madc": decodeCarry, "mul24": decodeMul24, "mad24": decodeMul24, "fma": decodeFMA,
		"div": decodeDiv, "rem": decodeInteger, "min": decodeMinMax, "max": decodeMinMax,
		"neg": decodeSign, "abs": decodeSign, "sad": decodeSad,
		"and": decodeLogic, "or": decodeLogic, "xor": decodeLogic, "not": decodeLogic, "cnot": decodeLogic,
		"shl": decodeShift, "shr": decodeShift, "shf": decodeFunnel,
		"popc": decodeBits, "clz": decodeBits, "brev": decodeBits, "bfind": decodeFind,
		"bfe": decodeField, "bfi": decodeField, "prmt": decodePermute, "lop3": decodeLop3, "dp4a": decodeDot,
		"setp": decodeSetp, "set": decodeSet, "selp": decodeSelp, "slct": decodeSlct, "testp": decodeTestp, "copysign": decodeCopysign,
		"rcp": decodeUnaryFloat, "sqrt": decodeUnaryFloat, "rsqrt": decodeUnaryFloat, "ex2": decodeUnaryFloat,
		"lg2": decodeUnaryFloat, "sin": decodeUnaryFloat, "cos": decodeUnaryFloat, "tanh": decodeUnaryFloat,
		"cvt": decodeConvert, "mov": decodeMove, "cvta": decodeCvta, "isspacep": decodeIsSpace,
		"ld": decodeLoad, "ldu": decodeLoad, "st": decodeStore, "atom": decodeAtomic, "red": decodeAtomic, "prefetch": decodePrefetch, "prefetchu": decodePrefetch,
		"bra": decodeBranch, "brx": decodeIndexed, "call": decodeCall, "ret": decodeReturn, "exit": decodeExit, "trap": decodeTrap, "nanosleep": decodeNothing,
		"bar": decodeBarrier, "barrier": decodeBarrier, "membar": decodeFence, "fence": decodeFence,
		"shfl": decodeShuffle, "vote": decodeVote, "activemask": decodeActive, "match": decodeMatch, "redux": decodeRedux,
		"ldmatrix": decodeLoadMatrix, "mma": decodeMMA, "cp": decodeAsync,
	}
}

// The runners of arithmetic: check that the operands were written, then run the
// instruction's function over each run of active threads.

func run1(w *warp, in *instr, m uint32) {
	if w.init[in.a]&m != m {
		w.unset(in, m, in.a)
	}
	d, a := &w.regs[in.d], &w.regs[in.a]
	if m == everyLane {
		in.f1(d[:], a[:])
	} else {
		for rest := m; rest != 0; {
			lo, hi := span(rest)
			in.f1(d[lo:hi], a[lo:hi])
			rest &= rest + 1<<lo
		}
	}
	w.init[in.d] |= m
	if w.shadow != nil {
		w.shadow1(in, m)
	}
}

func run2(w *warp, in *instr, m uint32) {
	if w.init[in.a]&w.init[in.b]&m != m {
		w.unset(in, m, in.a, in.b)
	}
	d, a, b := &w.regs[in.d], &w.regs[in.a], &w.regs[in.b]
	if m == everyLane {
		in.f2(d[:], a[:], b[:])
	} else {
		for rest := m; rest != 0; {
			lo, hi := span(rest)
			in.f2(d[lo:hi], a[lo:hi], b[lo:hi])
			rest &= rest + 1<<lo
		}
	}
	w.init[in.d] |= m
	if w.shadow != nil {
		w.shadow2(in, m)
	}
}

func run3(w *warp, in *instr, m uint32) {
	if w.init[in.a]&w.init[in.b]&w.init[in.c]&m != m {
		w.unset(in, m, in.a, in.b, in.c)
	}
	d, a, b, c := &w.regs[in.d], &w.regs[in.a], &w.regs[in.b], &w.regs[in.c]
	if m == everyLane {
		in.f3(d[:], a[:], b[:], c[:])
	} else {
		for rest := m; rest != 0; {
			lo, hi := span(rest)
			in.f3(d[lo:hi], a[lo:hi], b[lo:hi], c[lo:hi])
			rest &= rest + 1<<lo
		}
	}
	w.init[in.d] |= m
	if w.shadow != nil {
		w.shadow3(in, m)
	}
}

// unary, binary and ternary make an instruction of a function, with operands of type t.

func (c *compiler) unary(f func(d, a []uint64), t typ) (instr, error) {
	in := instr{run: run1, f1: f}
	if err := c.want(2, len(c.s.types)); err != nil {
		return in, err
	}
	return in, c.three(&in, t)
}

func (c *compiler) binary(f func(d, a, b []uint64), t typ) (instr, error) {
	in := instr{run: run2, f2: f}
	if err := c.want(3, len(c.s.types)); err != nil {
		return in, err
	}
	return in, c.three(&in, t)
}

func (c *compiler) ternary(f func(d, a, b, cc []uint64), t typ) (instr, error) {
	in := instr{run: run3, f3: f}
	if err := c.want(4, len(c.s.types)); err != nil {
		return in, err
	}
	return in, c.three(&in, t)
}

// typed returns the only type of a statement.
func (c *compiler) typed() (typ, error) {
	if len(c.s.types) != 1 {
		return typ{}, c.fail("%s takes one type", c.s.op)
	}
	return c.s.types[0], nil
}

func decodeAdd(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.float() {
		return decodeFloat2(c, s, t)
	}
	if s.has("cc") {
		return decodeCarry(c, s)
	}
	if s.has("sat") {
		if t != types["s32"] {
			return instr{}, c.fail(".sat is for s32")
		}
		if s.op == "sub" {
			return c.binary(wrap2(func(a, b uint32) uint32 { return saturate(int64(int32(a)) - int64(int32(b))) }), t)
		}
		return c.binary(wrap2(func(a, b uint32) uint32 { return saturate(int64(int32(a)) + int64(int32(b))) }), t)
	}
	k, ok := integers[t]
	if !ok {
		return instr{}, c.fail("no such type")
	}
	if s.op == "sub" {
		return c.binary(k.sub, t)
	}
	return c.binary(k.add, t)
}

func saturate(v int64) uint32 { return uint32(int32(max(-1<<31, min(1<<31-1, v)))) }

func decodeMul(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.float() {
		return decodeFloat2(c, s, t)
	}
	k := integers[t]
	switch s.oneOf("lo", "hi", "wide") {
	case "lo":
		if k.mul != nil {
			return c.binary(k.mul, t)
		}
	case "hi":
		if k.high != nil {
			return c.binary(k.high, t)
		}
	case "wide":
		if k.wide != nil {
			return c.binary(k.wide, t)
		}
	}
	return instr{}, c.fail("no such product")
}

func decodeMad(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.float() {
		return decodeFMA(c, s)
	}
	if s.has("cc") {
		return decodeCarry(c, s)
	}
	k, ok := integers[t]
	if !ok {
		return instr{}, c.fail("no such type")
	}
	switch s.oneOf("lo", "hi", "wide") {
	case "lo":
		return c.ternary(k.mad, t)
	case "hi":
		return c.ternary(then(k.high, k.add), t)
	case "wide":
		if k.wide == nil {
			break
		}
		add := addInt[uint64]
		wide := t
		wide.bits *= 2
		if t.bits == 16 {
			add = addInt[uint32]
		}
		in, err := c.ternary(then(k.wide, add), t)
		if err == nil {
			in.c, err = c.src(s.ops[3], wide)
		}
		return in, err
	}
	return instr{}, c.fail("no such product")
}

// then composes a product and a sum.
func then(mul, add func(d, a, b []uint64)) func(d, a, b, c []uint64) {
	return func(d, a, b, c []uint64) {
		var product [32]uint64
		p := product[:len(d)]
		mul(p, a, b)
		add(d, p, c)
	}
}

func decodeMul24(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if !s.has("lo") || t.bits != 32 || t.float() {
		return instr{}, c.fail("no such product")
	}
	low := func(a uint32) uint32 { return a & 0xffffff }
	if t.kind == 's' {
		low = func(a uint32) uint32 { return uint32(int32(a<<8) >> 8) }
	}
	if s.op == "mad24" {
		return c.ternary(wrap3(func(a, b, c uint32) uint32 { return low(a)*low(b) + c }), t)
	}
	return c.binary(wrap2(func(a, b uint32) uint32 { return low(a) * low(b) }), t)
}

func decodeDiv(c *compiler, s *statement) (instr, error) {
	if t, err := c.typed(); err != nil || t.float() {
		if err != nil {
			return instr{}, err
		}
		return decodeFloat2(c, s, t)
	}
	return decodeInteger(c, s)
}

// decodeInteger is div and rem.
func decodeInteger(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	k, ok := integers[t]
	if !ok || t.kind == 'b' {
		return instr{}, c.fail("no such type")
	}
	if s.op == "div" {
		return c.binary(k.div, t)
	}
	return c.binary(k.rem, t)
}

func decodeMinMax(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.float() {
		return decodeFloat2(c, s, t)
	}
	k, ok := integers[t]
	if !ok || t.kind == 'b' {
		return instr{}, c.fail("no such type")
	}
	if s.op == "min" {
		return c.binary(k.min, t)
	}
	return c.binary(k.max, t)
}

// decodeSign is neg and abs.
func decodeSign(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	if t.float() {
		return decodeFloatSign(c, s, t)
	}
	k, ok := integers[t]
	if !ok || t.kind != 's' {
		return instr{}, c.fail("no such type")
	}
	if s.op == "neg" {
		return c.unary(k.neg, t)
	}
	return c.unary(k.abs, t)
}

func decodeSad(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	k, ok := integers[t]
	if !ok || t.kind == 'b' {
		return instr{}, c.fail("no such type")
	}
	return c.ternary(func(d, a, b, c []uint64) {
		var high, low [32]uint64
		h, l := high[:len(d)], low[:len(d)]
		k.max(h, a, b)
		k.min(l, a, b)
		k.sub(h, h, l)
		k.add(d, c, h)
	}, t)
}
