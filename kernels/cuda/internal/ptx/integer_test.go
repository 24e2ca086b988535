package ptx

import (
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// operands is pairs and triples of values of a width: edges, and some at random.
func operands(width int) [][3]uint64 {
	edges := []uint64{0, 1, 2, 3, 31, 32, 63, 64, 1<<(width-1) - 1, 1 << (width - 1), 1<<(width-1) + 1, widthMask(width), widthMask(width) - 1, 0x5555555555555555 & widthMask(width)}
	var rows [][3]uint64
	r := rand.New(rand.NewPCG(1, 2))
	for i, a := range edges {
		for j, b := range edges {
			rows = append(rows, [3]uint64{a, b, edges[(i+3*j)%len(edges)]})
		}
	}
	for range 400 {
		rows = append(rows, [3]uint64{r.Uint64() >> r.IntN(width) & widthMask(width), r.Uint64() >> r.IntN(width) & widthMask(width), r.Uint64() & widthMask(width)})
	}
	return rows
}

// The reference for integers is math/big: exact, then cut to the width.
func TestIntegerArithmetic(t *testing.T) {
	for _, width := range []int{16, 32, 64} {
		rows := operands(width)
		for _, kind := range []string{"u", "s"} {
			typ := kind + itoa(width)
			read := func(v uint64) *big.Int {
				n := new(big.Int).SetUint64(v)
				if kind == "s" && v>>(width-1)&1 != 0 {
					n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(width)))
				}
				return n
			}
			high := func(p *big.Int) *big.Int { return new(big.Int).Rsh(p, uint(width)) }
			mul := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
			ops := map[string]func(a, b, c *big.Int) *big.Int{
				"add.":    func(a, b, _ *big.Int) *big.Int { return new(big.Int).Add(a, b) },
				"sub.":    func(a, b, _ *big.Int) *big.Int { return new(big.Int).Sub(a, b) },
				"mul.lo.": func(a, b, _ *big.Int) *big.Int { return mul(a, b) },
				"mul.hi.": func(a, b, _ *big.Int) *big.Int { return high(mul(a, b)) },
				"mad.lo.": func(a, b, c *big.Int) *big.Int { return new(big.Int).Add(mul(a, b), c) },
				"mad.hi.": func(a, b, c *big.Int) *big.Int { return new(big.Int).Add(high(mul(a, b)), c) },
				"div.":    func(a, b, _ *big.Int) *big.Int { return quotientOf(a, b) },
				"rem.":    func(a, b, _ *big.Int) *big.Int { return remainderOf(a, b) },
				"min.":    func(a, b, _ *big.Int) *big.Int { return pick(a, b, -1) },
				"max.":    func(a, b, _ *big.Int) *big.Int { return pick(a, b, 1) },
				"sad.":    func(a, b, c *big.Int) *big.Int { d := new(big.Int).Sub(a, b); return d.Abs(d).Add(d, c) },
			}
			for op, f := range ops {
				text := op + typ + " %x, %a, %b"
				if op[:3] == "mad" || op == "sad." {
					text += ", %c"
				}
				got := each(t, text, "b"+itoa(width), typ, typ, typ, rows)
				for i, r := range rows {
					want := f(read(r[0]), read(r[1]), read(r[2]))
					if want == nil {
						continue // what PTX leaves open
					}
					if w := cut(want, width); got[i] != w {
						t.Fatalf("%s of %#x, %#x, %#x is %#x, not %#x", op+typ, r[0], r[1], r[2], got[i], w)
					}
				}
			}
			if width == 64 {
				continue
			}
			wide := each(t, "mul.wide."+typ+" %x, %a, %b", "b"+itoa(2*width), typ, typ, typ, rows)
			for i, r := range rows {
				if w := cut(mul(read(r[0]), read(r[1])), 2*width); wide[i] != w {
					t.Fatalf("mul.wide.%s of %#x, %#x is %#x, not %#x", typ, r[0], r[1], wide[i], w)
				}
			}
		}
	}
}

func quotientOf(a, b *big.Int) *big.Int {
	if b.Sign() == 0 {
		return nil
	}
	return new(big.Int).Quo(a, b)
}

func remainderOf(a, b *big.Int) *big.Int {
	if b.Sign() == 0 {
		return nil
	}
	return new(big.Int).Rem(a, b)
}

func pick(a, b *big.Int, sign int) *big.Int {
	if a.Cmp(b) == sign {
		return a
	}
	return b
}

func cut(n *big.Int, width int) uint64 {
	mask := new(big.Int).SetUint64(widthMask(width))
	return new(big.Int).And(n, mask).Uint64()
}

func itoa(n int) string { return big.NewInt(int64(n)).String() }

// checker holds an instruction on operands of 32 bits against a function.
type checker func(op, d, a, b, c string, f func(a, b, c uint64) uint64)

func checks(t *testing.T) checker {
	rows := operands(32)
	return func(op, d, a, b, c string, f func(a, b, c uint64) uint64) {
		t.Helper()
		for i, got := range each(t, op, d, a, b, c, rows) {
			if r := rows[i]; got != f(r[0], r[1], r[2]) {
				t.Fatalf("%s of %#x, %#x, %#x is %#x, not %#x", op, r[0], r[1], r[2], got, f(r[0], r[1], r[2]))
			}
		}
	}
}

func u32(f func(a, b, c uint32) uint32) func(a, b, c uint64) uint64 {
	return func(a, b, c uint64) uint64 { return uint64(f(uint32(a), uint32(b), uint32(c))) }
}

func TestBits(t *testing.T) {
	check := checks(t)
	check("popc.b32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return uint32(bits.OnesCount32(a)) }))
	check("clz.b32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return uint32(bits.LeadingZeros32(a)) }))
	check("clz.b64 %x, %a", "b32", "b64", "b32", "b32", func(a, _, _ uint64) uint64 { return uint64(bits.LeadingZeros64(a)) })
	check("brev.b32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return bits.Reverse32(a) }))
	check("not.b32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return ^a }))
	check("cnot.b32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return map[bool]uint32{true: 1}[a == 0] }))
	check("xor.b32 %x, %a, %b", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 { return a ^ b }))
	check("shl.b32 %x, %a, %b", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 { return a << b }))
	check("shr.u32 %x, %a, %b", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 { return a >> b }))
	check("shr.s32 %x, %a, %b", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 { return uint32(int32(a) >> b) }))
	check("shf.l.wrap.b32 %x, %a, %b, %c", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 {
		return uint32((uint64(b)<<32 | uint64(a)) << (c & 31) >> 32)
	}))
	check("shf.r.clamp.b32 %x, %a, %b, %c", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 {
		return uint32((uint64(b)<<32 | uint64(a)) >> min(c, 32))
	}))
	check("bfind.u32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return uint32(bits.Len32(a) - 1) }))
	check("bfind.shiftamt.u32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 {
		if a == 0 {
			return ^uint32(0)
		}
		return uint32(bits.LeadingZeros32(a))
	}))
	check("bfind.s32 %x, %a", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return uint32(bits.Len32(a^uint32(int32(a)>>31)) - 1) }))
}

func TestTablesAndFields(t *testing.T) {
	check := checks(t)
	check("lop3.b32 %x, %a, %b, %c, 0x96", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 { return a ^ b ^ c }))
	check("lop3.b32 %x, %a, %b, %c, 0xE8", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 { return a&b | b&c | a&c }))
	check("lop3.b32 %x, %a, %b, %c, 0x2A", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 { return ^(a & b) & c }))
	check("prmt.b32 %x, %a, %b, 0x3715", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 {
		return b>>8&255 | a>>8&255<<8 | b>>24<<16 | a>>24<<24
	}))
	check("prmt.b32 %x, %a, %b, 0x88BB", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 {
		return uint32(int32(a)>>31)&0xffff | uint32(int32(a<<24)>>31)&0xffff<<16
	}))
	check("bfe.u32 %x, %a, 5, 9", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return a >> 5 & 511 }))
	check("bfe.s32 %x, %a, 5, 9", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return uint32(int32(a<<18) >> 23) }))
	check("bfe.s32 %x, %a, 28, 9", "b32", "b32", "b32", "b32", u32(func(a, _, _ uint32) uint32 { return uint32(int32(a) >> 28) }))
	check("bfi.b32 %x, %a, %b, 4, 8", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 { return b&^0xff0 | a<<4&0xff0 }))
	check("bfi.b64 %x, %a, %b, 32, 32", "b64", "b64", "b64", "b32", func(a, b, _ uint64) uint64 { return b&0xffffffff | a<<32 })
}

func TestCarriesAndDots(t *testing.T) {
	check := checks(t)
	check("add.sat.s32 %x, %a, %b", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 {
		return uint32(int32(max(-1<<31, min(1<<31-1, int64(int32(a))+int64(int32(b))))))
	}))
	check("{ .reg .b32 %l; add.cc.u32 %l, %a, %b; addc.u32 %x, %c, 0; }", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 {
		_, carry := bits.Add32(a, b, 0)
		return c + carry
	}))
	check("{ .reg .b32 %l; sub.cc.u32 %l, %a, %b; subc.u32 %x, %c, 0; }", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 {
		_, borrow := bits.Sub32(a, b, 0)
		return c - borrow
	}))
	check("{ .reg .b32 %l; mad.lo.cc.u32 %l, %a, %b, %c; madc.hi.u32 %x, %a, %b, 0; }", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 {
		return uint32((uint64(a)*uint64(b) + uint64(c)) >> 32)
	}))
	check("dp4a.s32.s32 %x, %a, %b, %c", "b32", "b32", "b32", "b32", u32(func(a, b, c uint32) uint32 {
		for i := range 4 {
			c += uint32(int32(int8(a>>(8*i))) * int32(int8(b>>(8*i))))
		}
		return c
	}))
	check("mul24.lo.s32 %x, %a, %b", "b32", "b32", "b32", "b32", u32(func(a, b, _ uint32) uint32 {
		return uint32(int32(a<<8) >> 8 * (int32(b<<8) >> 8))
	}))
}

func TestComparisons(t *testing.T) {
	rows := operands(32)
	for op, f := range map[string]func(a, b uint32) bool{
		"eq.s32": func(a, b uint32) bool { return a == b }, "ne.b32": func(a, b uint32) bool { return a != b },
		"lt.s32": func(a, b uint32) bool { return int32(a) < int32(b) }, "lt.u32": func(a, b uint32) bool { return a < b },
		"ge.s32": func(a, b uint32) bool { return int32(a) >= int32(b) }, "hs.u32": func(a, b uint32) bool { return a >= b },
		"ls.u32": func(a, b uint32) bool { return a <= b }, "gt.s32": func(a, b uint32) bool { return int32(a) > int32(b) },
	} {
		text := "{ .reg .pred %q; setp." + op + " %q, %a, %b; selp.u32 %x, 1, 0, %q; }"
		for i, got := range each(t, text, "b32", "b32", "b32", "b32", rows) {
			if r := rows[i]; (got == 1) != f(uint32(r[0]), uint32(r[1])) {
				t.Fatalf("%s of %#x, %#x is %d", op, r[0], r[1], got)
			}
		}
	}
	text := "{ .reg .pred %q, %s, %u; setp.eq.u32 %u, %c, 0; setp.lt.and.s32 %q|%s, %a, %b, !%u; selp.u32 %x, 1, 0, %q; @%s add.u32 %x, %x, 2; }"
	for i, got := range each(t, text, "b32", "b32", "b32", "b32", rows) {
		r := rows[i]
		want := uint64(0)
		if r[2] != 0 {
			if want = 2; int32(r[0]) < int32(r[1]) {
				want = 1
			}
		}
		if got != want {
			t.Fatalf("setp.lt.and of %#x, %#x, %#x is %d, not %d", r[0], r[1], r[2], got, want)
		}
	}
}
