package ptx

import "math"

// flush2 makes an operation flush subnormal operands and results.
func flush2(f func(d, a, b []uint64)) func(d, a, b []uint64) {
	return func(d, a, b []uint64) {
		var x, y [32]uint64
		f(d, flushed(&x, a), flushed(&y, b))
		flushed2(d)
	}
}

func flush1(f func(d, a []uint64)) func(d, a []uint64) {
	return func(d, a []uint64) {
		var x [32]uint64
		f(d, flushed(&x, a))
		flushed2(d)
	}
}

func flush3(f func(d, a, b, c []uint64)) func(d, a, b, c []uint64) {
	return func(d, a, b, c []uint64) {
		var x, y, z [32]uint64
		f(d, flushed(&x, a), flushed(&y, b), flushed(&z, c))
		flushed2(d)
	}
}

func flushed(to *[32]uint64, from []uint64) []uint64 {
	for i, v := range from {
		to[i] = flushBits(v)
	}
	return to[:len(from)]
}

func flushed2(d []uint64) {
	for i, v := range d {
		d[i] = flushBits(v)
	}
}

// clampF32 is .sat: into [0, 1], and what is no number becomes 0.
func clampF32(d []uint64) {
	for i, v := range d {
		f := f32(v)
		switch {
		case !(f > 0):
			d[i] = 0
		case f > 1:
			d[i] = 0x3f800000
		}
	}
}

func (s *statement) rounding() rounding {
	if r := s.oneOf("rn", "rz", "rm", "rp"); r != "" {
		return rounding(r)
	}
	return "rn"
}

// decodeFloat2 is add, sub, mul, div, min and max of floats.
func decodeFloat2(c *compiler, s *statement, t typ) (instr, error) {
	var f func(d, a, b []uint64)
	r := s.rounding()
	approx := s.op == "div" && (s.has("approx") || s.has("full"))
	extreme := s.op == "min" || s.op == "max"
	switch {
	case t.kind == 'f' && t.bits == 32 && extreme:
		f = extremeF32(s.op == "min", s.has("NaN"), s.has("xorsign") && s.has("abs"))
	case t.kind == 'f' && t.bits == 32 && approx:
		f = divF32 // correctly rounded: within the 2 ulp that .approx and .full allow
	case t.kind == 'f' && t.bits == 32:
		f = binary32(s.op, r)
	case t.kind == 'f' && t.bits == 64 && extreme:
		f = pair64(minF64)
		if s.op == "max" {
			f = pair64(maxF64)
		}
	case t.kind == 'f' && t.bits == 64:
		f = binary64(s.op, r)
	default:
		f = half2(s.op, t, s.has("NaN"))
	}
	if f == nil {
		return instr{}, c.fail("no such type")
	}
	if s.has("ftz") {
		if t == types["f32"] {
			f = flush2(f)
		}
	}
	if s.has("sat") {
		if t != types["f32"] {
			return instr{}, c.fail(".sat is for f32")
		}
		g := f
		f = func(d, a, b []uint64) { g(d, a, b); clampF32(d) }
	}
	in, err := c.binary(f, t)
	in.s2 = shadows2[s.op]
	if t != types["f32"] {
		in.s2 = nil
	}
	return in, err
}

func extremeF32(least, nan, xorsign bool) func(d, a, b []uint64) {
	pick := maxF32
	if least {
		pick = minF32
	}
	return pair32(func(a, b float32) float32 {
		if nan && (a != a || b != b) {
			return float32(math.NaN())
		}
		if xorsign {
			sign := math.Float32bits(a) ^ math.Float32bits(b)
			f := pick(float32(math.Abs(float64(a))), float32(math.Abs(float64(b))))
			return math.Float32frombits(math.Float32bits(f)&^(1<<31) | sign&(1<<31))
		}
		return pick(a, b)
	})
}

func decodeFMA(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	r := s.rounding()
	var f func(d, a, b, c []uint64)
	switch {
	case t == types["f32"]:
		f = fma32(r)
	case t == types["f64"]:
		f = fma64(r)
	default:
		f = halfFMA(t, s.has("relu"))
	}
	if f == nil {
		return instr{}, c.fail("no such type")
	}
	if s.has("ftz") && t == types["f32"] {
		f = flush3(f)
	}
	if s.has("sat") {
		if t != types["f32"] {
			return instr{}, c.fail(".sat is for f32")
		}
		g := f
		f = func(d, a, b, c []uint64) { g(d, a, b, c); clampF32(d) }
	}
	in, err := c.ternary(f, t)
	if t == types["f32"] {
		in.s3 = func(d, a, b, c []float64) {
			for i := range d {
				d[i] = a[i]*b[i] + c[i]
			}
		}
	}
	return in, err
}

// decodeFloatSign is neg and abs.
func decodeFloatSign(c *compiler, s *statement, t typ) (instr, error) {
	s.has("ftz")
	width := uint64(1) << (t.bits - 1)
	if t.pair {
		width |= width << 16
	}
	if s.op == "neg" {
		in, err := c.unary(wrap1(func(a uint64) uint64 { return a ^ width }), t)
		if t == types["f32"] {
			in.s1 = overShadow(func(a float64) float64 { return -a })
		}
		return in, err
	}
	in, err := c.unary(wrap1(func(a uint64) uint64 { return a &^ width }), t)
	if t == types["f32"] {
		in.s1 = overShadow(math.Abs)
	}
	return in, err
}

// rcp64 is rcp.approx.ftz.f64: 20 bits of the fraction; the lower word is zero.
func rcp64(a float64) float64 {
	if math.Abs(a) < 0x1p-1022 {
		a = math.Copysign(0, a)
	}
	r := 1 / a
	if math.Abs(r) < 0x1p-1022 {
		r = math.Copysign(0, r)
	}
	return math.Float64frombits(math.Float64bits(r) &^ 0xffffffff)
}

func rsqrt(a float64) float64 { return 1 / math.Sqrt(a) }

// unary64 is what functions of one float compute, before rounding.
var unary64 = map[string]func(float64) float64{
	"rcp": func(a float64) float64 { return 1 / a }, "sqrt": math.Sqrt, "rsqrt": rsqrt, "ex2": math.Exp2,
	"lg2": math.Log2, "sin": math.Sin, "cos": math.Cos, "tanh": math.Tanh,
}

// decodeUnaryFloat is the functions of one float. The approximate ones are computed in
// float64 and rounded to nearest: closer than the hardware, never further than PTX allows.
func decodeUnaryFloat(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	approx := s.has("approx")
	r := s.rounding()
	f := unary64[s.op]
	flush := s.has("ftz")
	exact := s.op == "rcp" || s.op == "sqrt"
	switch {
	case t == types["f64"] && s.op == "rcp" && approx:
		return c.unary(over64(rcp64), t)
	case t == types["f64"] && s.op == "rsqrt":
		return c.unary(over64(func(a float64) float64 {
			return math.Float64frombits(math.Float64bits(rsqrt(a)) &^ 0xffffffff)
		}), t)
	case t == types["f64"] && exact:
		return c.unary(exact64(s.op, r), t)
	case t != types["f32"]:
		if g := halfUnary(s.op, t); g != nil {
			return c.unary(g, t)
		}
		return instr{}, c.fail("no such type")
	}
	if !approx && !exact {
		return instr{}, c.fail("%s is .approx", s.op)
	}
	g := over32(func(a float32) float32 { return float32(f(float64(a))) })
	switch {
	case s.op == "sqrt" && r != "rn":
		g = over32(func(a float32) float32 { return r.to32(root(a)) })
	case s.op == "rcp":
		g = over32(func(a float32) float32 { return r.to32(quotient(1, a)) })
	}
	if flush {
		g = flush1(g)
	}
	in, err := c.unary(g, t)
	in.s1 = overShadow(f)
	return in, err
}

func exact64(op string, r rounding) func(d, a []uint64) {
	if op == "rcp" {
		return over64(func(a float64) float64 {
			q := 1 / a
			rest := math.FMA(-q, a, 1)
			if a < 0 {
				rest = -rest
			}
			return r.to64(q, rest)
		})
	}
	return over64(func(a float64) float64 {
		s := math.Sqrt(a)
		return r.to64(s, math.FMA(-s, s, a))
	})
}

func decodeCopysign(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	if err != nil {
		return instr{}, err
	}
	sign := uint64(1) << (t.bits - 1)
	// copysign d, a, b: the sign of a, the rest of b
	return c.binary(wrap2(func(a, b uint64) uint64 { return a&sign | b&^sign }), t)
}
