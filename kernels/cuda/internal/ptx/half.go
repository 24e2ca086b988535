package ptx

import "math"

// halfToFloat widens an F16.
func halfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10&31), uint32(h&0x3ff)
	switch {
	case exponent == 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	case exponent == 0:
		f := float32(fraction) * 0x1p-24
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// narrow rounds to a float of fewer bits: bits of fraction, the smallest exponent, and
// the largest. s is exact or was rounded to odd.
func narrow(s float64, fraction, least, most int, r rounding) float64 {
	if s == 0 || s != s || math.IsInf(s, 0) {
		return s
	}
	_, e := math.Frexp(s)
	unit := math.Ldexp(1, max(e-1, least)-fraction)
	q := s / unit // exact: a power of two
	switch r {
	case "rz":
		q = math.Trunc(q)
	case "rm":
		q = math.Floor(q)
	case "rp":
		q = math.Ceil(q)
	case "rna":
		q = math.Round(q)
	default:
		q = math.RoundToEven(q)
	}
	q *= unit
	top := math.Ldexp(2-math.Ldexp(1, -fraction), most)
	if math.Abs(q) > top {
		if r == "rz" || r == "rm" && s > 0 || r == "rp" && s < 0 {
			return math.Copysign(top, s)
		}
		return math.Copysign(math.Inf(1), s)
	}
	return math.Copysign(q, s)
}

// toHalf rounds to F16.
func toHalf(s float64, r rounding) uint16 {
	if s != s {
		return 0x7fff
	}
	v := narrow(s, 10, -14, 15, r)
	sign := uint16(math.Float64bits(v)>>63) << 15
	v = math.Abs(v)
	switch {
	case math.IsInf(v, 0):
		return sign | 0x7c00
	case v < 0x1p-14:
		return sign | uint16(v*0x1p24)
	}
	f, e := math.Frexp(v)
	return sign | uint16(e+14)<<10 | uint16(f*2048)&0x3ff
}

// toBrain rounds to BF16.
func toBrain(s float64, r rounding) uint16 {
	if s != s {
		return 0x7fff
	}
	return uint16(math.Float32bits(float32(narrow(s, 7, -126, 127, r))) >> 16)
}

func brainToFloat(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// halves says how values of a 16-bit float type are read and written.
func halves(t typ) (from func(uint16) float32, to func(float64, rounding) uint16) {
	if t.kind == 'h' {
		return brainToFloat, toBrain
	}
	return halfToFloat, toHalf
}

// half2 is an operation of two 16-bit floats, or of two pairs of them.
func half2(op string, t typ, nan bool) func(d, a, b []uint64) {
	from, to := halves(t)
	f := map[string]func(a, b float64) float64{
		"add": oddSum,
		"sub": func(a, b float64) float64 { return oddSum(a, -b) },
		"mul": func(a, b float64) float64 { return a * b },
		"min": func(a, b float64) float64 { return float64(minF32(float32(a), float32(b))) },
		"max": func(a, b float64) float64 { return float64(maxF32(float32(a), float32(b))) },
	}[op]
	if f == nil || t.bits != 16 {
		return nil
	}
	one := func(a, b uint16) uint16 {
		x, y := from(a), from(b)
		if nan && (x != x || y != y) {
			return 0x7fff
		}
		return to(f(float64(x), float64(y)), "rn")
	}
	if !t.pair {
		return wrap2(one)
	}
	return wrap2(func(a, b uint32) uint32 {
		return uint32(one(uint16(a), uint16(b))) | uint32(one(uint16(a>>16), uint16(b>>16)))<<16
	})
}

func halfFMA(t typ, relu bool) func(d, a, b, c []uint64) {
	if t.bits != 16 {
		return nil
	}
	from, to := halves(t)
	one := func(a, b, c uint16) uint16 {
		s := oddSum(float64(from(a))*float64(from(b)), float64(from(c)))
		if relu && s < 0 {
			s = 0
		}
		return to(s, "rn")
	}
	if !t.pair {
		return wrap3(one)
	}
	return wrap3(func(a, b, c uint32) uint32 {
		return uint32(one(uint16(a), uint16(b), uint16(c))) | uint32(one(uint16(a>>16), uint16(b>>16), uint16(c>>16)))<<16
	})
}

// halfUnary is ex2 and tanh of 16-bit floats.
func halfUnary(op string, t typ) func(d, a []uint64) {
	if t.bits != 16 || op != "ex2" && op != "tanh" {
		return nil
	}
	from, to := halves(t)
	f := unary64[op]
	one := func(a uint16) uint16 { return to(f(float64(from(a))), "rn") }
	if !t.pair {
		return wrap1(one)
	}
	return wrap1(func(a uint32) uint32 { return uint32(one(uint16(a))) | uint32(one(uint16(a>>16)))<<16 })
}
