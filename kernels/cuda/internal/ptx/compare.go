package ptx

import (
	"cmp"
	"math"
	"math/bits"
	"strconv"
)

// comparisons of one type: what a name of a comparison says of a and b. unordered: one
// of them is no number.
func compares(name string) func(order int, unordered bool) bool {
	switch name {
	case "eq":
		return func(o int, u bool) bool { return !u && o == 0 }
	case "ne":
		return func(o int, u bool) bool { return !u && o != 0 }
	case "lt", "lo":
		return func(o int, u bool) bool { return !u && o < 0 }
	case "le", "ls":
		return func(o int, u bool) bool { return !u && o <= 0 }
	case "gt", "hi":
		return func(o int, u bool) bool { return !u && o > 0 }
	case "ge", "hs":
		return func(o int, u bool) bool { return !u && o >= 0 }
	case "equ":
		return func(o int, u bool) bool { return u || o == 0 }
	case "neu":
		return func(o int, u bool) bool { return u || o != 0 }
	case "ltu":
		return func(o int, u bool) bool { return u || o < 0 }
	case "leu":
		return func(o int, u bool) bool { return u || o <= 0 }
	case "gtu":
		return func(o int, u bool) bool { return u || o > 0 }
	case "geu":
		return func(o int, u bool) bool { return u || o >= 0 }
	case "num":
		return func(_ int, u bool) bool { return !u }
	case "nan":
		return func(_ int, u bool) bool { return u }
	}
	return nil
}

var comparisonNames = []string{"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"}

// outcomes is the table of a comparison: unordered, less, equal, greater.
func outcomes(name string) [4]uint32 {
	f := compares(name)
	var table [4]uint32
	for i, yes := range []bool{f(0, true), f(-1, false), f(0, false), f(1, false)} {
		if yes {
			table[i] = 1
		}
	}
	return table
}

func outcome[T cmp.Ordered](x, y T) int {
	switch {
	case x < y:
		return 1
	case x == y:
		return 2
	case x > y:
		return 3
	}
	return 0
}

// compareInts compares the integers of whole warps.
func compareInts[T int16 | int32 | int64 | uint16 | uint32 | uint64](name string) func(a, b []uint64) uint32 {
	table := outcomes(name)
	return func(a, b []uint64) uint32 {
		b = b[:len(a)]
		var m uint32
		for i := range a {
			m |= table[outcome(T(a[i]), T(b[i]))&3] << (i & 31)
		}
		return m
	}
}

func compareF32(name string) func(a, b []uint64) uint32 {
	table := outcomes(name)
	return func(a, b []uint64) uint32 {
		b = b[:len(a)]
		var m uint32
		for i := range a {
			m |= table[outcome(f32(a[i]), f32(b[i]))&3] << (i & 31)
		}
		return m
	}
}

// compareOf compares whole warps by what a function makes of a register.
func compareOf[T cmp.Ordered](name string, of func(uint64) T) func(a, b []uint64) uint32 {
	table := outcomes(name)
	return func(a, b []uint64) uint32 {
		var m uint32
		for i := range a {
			m |= table[outcome(of(a[i]), of(b[i]))] << i
		}
		return m
	}
}

// comparison finds the function of a comparison of a type.
func comparison(name string, t typ, flush bool) func(a, b []uint64) uint32 {
	if name == "" {
		return nil
	}
	switch {
	case t.kind == 'f' && t.bits == 32 && flush:
		return compareOf(name, func(v uint64) float32 { return f32(flushBits(v)) })
	case t.kind == 'f' && t.bits == 32:
		return compareF32(name)
	case t.kind == 'f' && t.bits == 64:
		return compareOf(name, math.Float64frombits)
	case t.kind == 'f' && t.bits == 16:
		return compareOf(name, func(v uint64) float32 { return halfToFloat(uint16(v)) })
	case t.kind == 'h':
		return compareOf(name, func(v uint64) float32 { return f32(v << 16 & 0xffffffff) })
	}
	kind := "u"
	if t.kind == 's' {
		kind = "s"
	}
	compare := map[string]func(string) func(a, b []uint64) uint32{
		"s16": compareInts[int16], "s32": compareInts[int32], "s64": compareInts[int64],
		"u16": compareInts[uint16], "u32": compareInts[uint32], "u64": compareInts[uint64],
	}[kind+strconv.Itoa(t.bits)]
	if compare == nil {
		return nil
	}
	return compare(name)
}

// decodeSetp is setp.CMP[.BOOL].T p[|q], a, b[, [!]c].
func decodeSetp(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	in := instr{cmp: comparison(s.oneOf(comparisonNames...), t, s.has("ftz"))}
	if in.cmp == nil {
		return in, c.fail("no such comparison")
	}
	boolOp := s.oneOf("and", "or", "xor")
	want := 3
	if boolOp != "" {
		want = 4
	}
	if err := c.want(want, 1); err != nil {
		return in, err
	}
	if in.d, err = c.predicate(s.ops[0].name); err != nil {
		return in, err
	}
	if in.a, err = c.src(s.ops[1], t); err != nil {
		return in, err
	}
	if in.b, err = c.src(s.ops[2], t); err != nil {
		return in, err
	}
	in.run = runSetp
	if boolOp == "" && s.ops[0].second == "" {
		return in, nil
	}
	return in, c.setpCombined(&in, boolOp)
}

// setpCombined completes a setp with a second result, or with a third operand.
func (c *compiler) setpCombined(in *instr, boolOp string) error {
	s := c.s
	second, not := int32(-1), false
	var err error
	if s.ops[0].second != "" {
		if second, err = c.predicate(s.ops[0].second); err != nil {
			return err
		}
	}
	if boolOp != "" {
		if in.c, err = c.predicate(s.ops[3].name); err != nil {
			return err
		}
		not = s.ops[3].not
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.a, in.b)
		p := in.cmp(w.regs[in.a][:], w.regs[in.b][:])
		q := ^p
		if boolOp != "" {
			w.needPred(in, m, in.c)
			r := w.preds[in.c]
			if not {
				r = ^r
			}
			p, q = combine(boolOp, p, r), combine(boolOp, q, r)
		}
		w.setPred(in.d, p, m)
		if second >= 0 {
			w.setPred(second, q, m)
		}
	}
	return nil
}

func combine(op string, a, b uint32) uint32 {
	switch op {
	case "and":
		return a & b
	case "or":
		return a | b
	}
	return a ^ b
}

func runSetp(w *warp, in *instr, m uint32) {
	if w.init[in.a]&w.init[in.b]&m != m {
		w.unset(in, m, in.a, in.b)
	}
	w.setPred(in.d, in.cmp(w.regs[in.a][:], w.regs[in.b][:]), m)
}

// decodeSet is set.CMP.D.S d, a, b: all ones, or 1.0, where it holds.
func decodeSet(c *compiler, s *statement) (instr, error) {
	if err := c.want(3, 2); err != nil {
		return instr{}, err
	}
	t := s.types[1]
	in := instr{cmp: comparison(s.oneOf(comparisonNames...), t, s.has("ftz"))}
	if in.cmp == nil {
		return in, c.fail("no such comparison")
	}
	yes := uint64(0xffffffff)
	if s.types[0].float() {
		yes = 0x3f800000
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.a, in.b)
		p := in.cmp(w.regs[in.a][:], w.regs[in.b][:])
		d := &w.regs[in.d]
		for rest := m; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros32(rest)
			d[i] = yes * uint64(p>>i&1)
		}
		w.init[in.d] |= m
	}
	return in, c.three(&in, t)
}

func decodeSelp(c *compiler, s *statement) (instr, error) {
	if err := c.want(4, 1); err != nil {
		return instr{}, err
	}
	in := instr{run: runSelp}
	p := s.ops[3]
	s.ops = s.ops[:3]
	if err := c.three(&in, s.types[0]); err != nil {
		return in, err
	}
	var err error
	in.c, err = c.predicate(p.name)
	return in, err
}

func runSelp(w *warp, in *instr, m uint32) {
	w.needPred(in, m, in.c)
	p := w.preds[in.c]
	w.need(in, m&p, in.a)
	w.need(in, m&^p, in.b)
	d, a, b := &w.regs[in.d], &w.regs[in.a], &w.regs[in.b]
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		if p>>i&1 != 0 {
			d[i] = a[i]
		} else {
			d[i] = b[i]
		}
	}
	w.init[in.d] |= m
	if w.shadow != nil {
		w.shadowSelect(in, m, p)
	}
}

// decodeSlct chooses by the sign of the third operand.
func decodeSlct(c *compiler, s *statement) (instr, error) {
	if err := c.want(4, 2); err != nil {
		return instr{}, err
	}
	s.has("ftz")
	sign := s.types[1]
	in, err := c.ternary(func(d, a, b, c []uint64) {
		for i := range d {
			yes := int32(c[i]) >= 0
			if sign.kind == 'f' {
				yes = f32(c[i]) >= 0
			}
			if yes {
				d[i] = a[i]
			} else {
				d[i] = b[i]
			}
		}
	}, s.types[0])
	if err == nil {
		in.c, err = c.src(s.ops[3], sign)
	}
	return in, err
}

func decodeTestp(c *compiler, s *statement) (instr, error) {
	if err := c.want(2, 1); err != nil {
		return instr{}, err
	}
	t := s.types[0]
	what := s.oneOf("finite", "infinite", "number", "notanumber", "normal", "subnormal")
	if what == "" || t.kind != 'f' || t.bits < 32 {
		return instr{}, c.fail("no such test")
	}
	in := instr{}
	var err error
	if in.d, err = c.predicate(s.ops[0].name); err != nil {
		return in, err
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.need(in, m, in.a)
		var p uint32
		for i, v := range w.regs[in.a] {
			if testFloat(v, t, what) {
				p |= 1 << i
			}
		}
		w.setPred(in.d, p, m)
	}
	in.a, err = c.src(s.ops[1], t)
	return in, err
}

func testFloat(v uint64, t typ, what string) bool {
	mantissa := 23
	if t.bits == 64 {
		mantissa = 52
	}
	fraction := v & widthMask(mantissa)
	exponent := v >> mantissa & widthMask(t.bits-1-mantissa)
	special := exponent == widthMask(t.bits-1-mantissa)
	switch what {
	case "finite":
		return !special
	case "infinite":
		return special && fraction == 0
	case "number":
		return !special || fraction == 0
	case "notanumber":
		return special && fraction != 0
	case "normal":
		return !special && exponent != 0
	}
	return exponent == 0 && fraction != 0
}
