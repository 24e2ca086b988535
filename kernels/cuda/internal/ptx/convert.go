package ptx

import "math"

// decodeConvert is cvt.
func decodeConvert(c *compiler, s *statement) (instr, error) {
	if len(s.types) != 2 {
		return instr{}, c.fail("cvt takes two types")
	}
	to, from := s.types[0], s.types[1]
	r := rounding(s.oneOf("rn", "rz", "rm", "rp", "rna"))
	whole := s.oneOf("rni", "rzi", "rmi", "rpi")
	sat, flush, relu := s.has("sat"), s.has("ftz"), s.has("relu")
	if to.pair && from == types["f32"] {
		return packPair(c, to, r, relu)
	}
	if to.pair || from.pair {
		return instr{}, c.fail("no such conversion")
	}
	read := readFloat(from)
	wide := 64
	if len(s.ops) > 0 {
		wide = c.width(s.ops[0])
	}
	switch {
	case !from.float() && !to.float():
		return c.unary(intToInt(to, from, sat, wide), from)
	case !from.float():
		return c.unary(intToFloat(to, from, r), from)
	case !to.float():
		if whole == "" {
			return instr{}, c.fail("cvt of a float to an integer says how it rounds")
		}
		return c.unary(func(d, a []uint64) {
			for i := range d {
				v := a[i]
				if flush && from.bits == 32 {
					v = flushBits(v)
				}
				d[i] = floatToInt(integral(read(v), whole), to) & widthMask(wide)
			}
		}, from)
	}
	return c.floatToFloat(to, from, conversion{r: r, whole: whole, sat: sat, flush: flush, relu: relu})
}

// conversion says how a float is converted.
type conversion struct {
	r                rounding
	whole            string // rounds to a whole number
	sat, flush, relu bool
}

func (c *compiler) floatToFloat(to, from typ, how conversion) (instr, error) {
	read, write := readFloat(from), writeFloat(to, how.r)
	in, err := c.unary(func(d, a []uint64) {
		for i := range d {
			v := a[i]
			if how.flush && from.bits == 32 {
				v = flushBits(v)
			}
			f := read(v)
			if how.whole != "" {
				f = integral(f, how.whole)
			}
			if how.relu && f < 0 {
				f = 0
			}
			u := write(f)
			if how.sat {
				u = clampAs(u, to)
			}
			if how.flush && to == types["f32"] {
				u = flushBits(u)
			}
			d[i] = u
		}
	}, from)
	if to == types["f32"] && from == to {
		in.s1 = overShadow(func(a float64) float64 {
			if how.whole != "" {
				a = integral(a, how.whole)
			}
			if how.sat {
				a = min(max(a, 0), 1)
			}
			return a
		})
	}
	return in, err
}

// clampAs is .sat of a float type.
func clampAs(u uint64, to typ) uint64 {
	v := readFloat(to)(u)
	switch {
	case !(v > 0):
		return 0
	case v > 1:
		return writeFloat(to, "rn")(1)
	}
	return u
}

// readFloat returns what widens a float, exactly.
func readFloat(t typ) func(uint64) float64 {
	switch {
	case t.kind == 'h':
		return func(v uint64) float64 { return float64(brainToFloat(uint16(v))) }
	case t.bits == 16:
		return func(v uint64) float64 { return float64(halfToFloat(uint16(v))) }
	case t.bits == 32:
		return func(v uint64) float64 { return float64(f32(v)) }
	}
	return f64
}

// writeFloat returns what rounds a float64 to a type.
func writeFloat(t typ, r rounding) func(float64) uint64 {
	switch {
	case t.kind == 'h':
		return func(f float64) uint64 { return uint64(toBrain(f, r)) }
	case t.kind == 't':
		return func(f float64) uint64 {
			if f != f {
				return canonical
			}
			return uint64(math.Float32bits(float32(narrow(f, 10, -126, 127, r))))
		}
	case t.bits == 16:
		return func(f float64) uint64 { return uint64(toHalf(f, r)) }
	case t.bits == 32 && (r == "rn" || r == ""):
		return func(f float64) uint64 { return b32(float32(f)) }
	case t.bits == 32:
		return func(f float64) uint64 { return b32(r.to32(f)) }
	}
	return b64
}

// integral rounds to a whole number.
func integral(f float64, mode string) float64 {
	switch mode {
	case "rni":
		return math.RoundToEven(f)
	case "rzi":
		return math.Trunc(f)
	case "rmi":
		return math.Floor(f)
	}
	return math.Ceil(f)
}

// floatToInt clamps to the range of the type; what is no number becomes 0.
func floatToInt(f float64, t typ) uint64 {
	if f != f {
		return 0
	}
	if t.kind == 's' {
		top := math.Ldexp(1, t.bits-1)
		switch {
		case f >= top:
			return widthMask(t.bits - 1)
		case f <= -top:
			return ^widthMask(t.bits - 1)
		}
		return uint64(int64(f))
	}
	switch {
	case f <= 0:
		return 0
	case f >= math.Ldexp(1, t.bits):
		return widthMask(t.bits)
	case f >= 0x1p63:
		return uint64(f-0x1p63) + 1<<63
	}
	return uint64(f)
}

// signExtend reads an integer of a type.
func signExtend(v uint64, t typ) int64 {
	shift := 64 - t.bits
	if t.kind == 's' {
		return int64(v<<shift) >> shift
	}
	return int64(v << shift >> shift)
}

// intToInt converts to an integer in a register of some bits, which holds 8-bit integers
// extended.
func intToInt(to, from typ, sat bool, register int) func(d, a []uint64) {
	mask := widthMask(register)
	if sat {
		return wrap1(func(v uint64) uint64 { return saturateTo(v, to, from) & mask })
	}
	in := from
	if from.bits > to.bits {
		in = typ{to.kind, to.bits, false} // cut first; then extended as the destination is
	}
	if in.kind != 's' {
		mask &= widthMask(in.bits)
		return func(d, a []uint64) {
			for i := range d {
				d[i] = a[i] & mask
			}
		}
	}
	shift := 64 - in.bits
	return func(d, a []uint64) {
		for i := range d {
			d[i] = uint64(int64(a[i]<<shift)>>shift) & mask
		}
	}
}

// saturateTo clamps an integer to the range of another type.
func saturateTo(v uint64, to, from typ) uint64 {
	x := signExtend(v, from)
	negative := from.kind == 's' && x < 0
	big := from.kind != 's' && from.bits == 64 && x < 0
	if to.kind == 's' {
		top := int64(widthMask(to.bits - 1))
		switch {
		case big || !negative && x > top:
			x = top
		case negative && x < -top-1:
			x = -top - 1
		}
		return uint64(x)
	}
	switch {
	case negative:
		return 0
	case uint64(x) > widthMask(to.bits):
		return widthMask(to.bits)
	}
	return uint64(x)
}

func intToFloat(to, from typ, r rounding) func(d, a []uint64) {
	write := writeFloat(to, r)
	return func(d, a []uint64) {
		for i := range d {
			x := signExtend(a[i], from)
			unsigned := from.kind != 's' && x < 0 // 64 bits
			if to.bits == 64 {
				d[i] = b64(int64ToFloat(x, unsigned, r))
			} else {
				d[i] = write(int64ToOdd(x, unsigned))
			}
		}
	}
}

// int64ToOdd is an integer as a float64, rounded to odd.
func int64ToOdd(x int64, unsigned bool) float64 {
	if unsigned {
		return 2 * float64(int64(uint64(x)>>12<<11|sticky(uint64(x)&0xfff, 11)))
	}
	if x > -1<<53 && x < 1<<53 {
		return float64(x)
	}
	// 64 bits: keep the upper 52 of the magnitude, and whether anything was below.
	u := uint64(x)
	if x < 0 {
		u = -u
	}
	f := float64(u>>12<<12 | sticky(u&0xfff, 12))
	if x < 0 {
		return -f
	}
	return f
}

// sticky is one bit, at place, if anything of rest is set.
func sticky(rest uint64, place int) uint64 {
	if rest != 0 {
		return 1 << place
	}
	return 0
}

// int64ToFloat rounds an integer to float64 in a mode.
func int64ToFloat(x int64, unsigned bool, r rounding) float64 {
	hi, lo := float64(x>>32)*0x1p32, float64(uint32(x))
	if unsigned {
		hi = float64(uint64(x)>>32) * 0x1p32
	}
	s := hi + lo
	return r.orNearest().to64(s, sumRest(hi, lo, s))
}

func (r rounding) orNearest() rounding {
	if r == "" {
		return "rn"
	}
	return r
}

// packPair is cvt.rn.bf16x2.f32 d, a, b: a in the upper half.
func packPair(c *compiler, to typ, r rounding, relu bool) (instr, error) {
	_, round := halves(to)
	one := func(v uint64) uint64 {
		f := float64(f32(v))
		if relu && f < 0 {
			f = 0
		}
		return uint64(round(f, r))
	}
	return c.binary(func(d, a, b []uint64) {
		for i := range d {
			d[i] = one(a[i])<<16 | one(b[i])
		}
	}, types["f32"])
}
