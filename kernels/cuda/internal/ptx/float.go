package ptx

import "math"

// f32 and b32 read and make the register of a float.
func f32(v uint64) float32 { return math.Float32frombits(uint32(v)) }

// canonical is what every F32 instruction returns for what is no number.
const canonical = 0x7fffffff

func b32(f float32) uint64 {
	if f != f {
		return canonical
	}
	return uint64(math.Float32bits(f))
}

func f64(v uint64) float64 { return math.Float64frombits(v) }

func b64(f float64) uint64 { return math.Float64bits(f) }

// flushBits makes a subnormal F32 zero, with its sign.
func flushBits(v uint64) uint64 {
	if v&0x7f800000 == 0 {
		return v & 0x80000000
	}
	return v
}

func addF32(d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = b32(f32(a[i]) + f32(b[i]))
	}
}

func subF32(d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = b32(f32(a[i]) - f32(b[i]))
	}
}

func mulF32(d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = b32(f32(a[i]) * f32(b[i]))
	}
}

func divF32(d, a, b []uint64) {
	for i := range d {
		d[i] = b32(f32(a[i]) / f32(b[i]))
	}
}

func fmaF32(d, a, b, c []uint64) {
	a, b, c = a[:len(d)], b[:len(d)], c[:len(d)]
	for i := range d {
		x := float64(f32(a[i])) * float64(f32(b[i])) // exact
		y := float64(f32(c[i]))
		s := x + y
		u := math.Float64bits(s)
		// Rounding twice is rounding once, unless the first stops half way between two
		// F32, or the result is so small that F32 has fewer bits for it.
		if u&0x1fffffff == 0x10000000 || u&0x7ff0000000000000 < 897<<52 {
			s = oddSum(x, y)
		}
		d[i] = b32(float32(s))
	}
}

// oddSum is x + y rounded to odd: a sum that is not exact has its last bit set. Rounded
// again to fewer bits, by any mode, it is the exact sum rounded once.
func oddSum(x, y float64) float64 {
	s := x + y
	if math.IsInf(s, 0) || s != s {
		return s
	}
	t := s - x
	return odd(s, (x-(s-t))+(y-t))
}

// odd rounds to odd: s is the nearest float64 to s + rest.
func odd(s, rest float64) float64 {
	u := math.Float64bits(s)
	if rest == 0 || u&1 != 0 {
		return s
	}
	if (rest > 0) == (s > 0) {
		return math.Float64frombits(u + 1)
	}
	return math.Float64frombits(u - 1)
}

// minF32 and maxF32: what is no number loses, and -0 is less than 0.
func minF32(a, b float32) float32 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	case a == 0 && b == 0:
		return math.Float32frombits(math.Float32bits(a) | math.Float32bits(b))
	case b < a:
		return b
	}
	return a
}

func maxF32(a, b float32) float32 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	case a == 0 && b == 0:
		return math.Float32frombits(math.Float32bits(a) & math.Float32bits(b))
	case b > a:
		return b
	}
	return a
}

func minF64(a, b float64) float64 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	}
	return math.Min(a, b)
}

func maxF64(a, b float64) float64 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	}
	return math.Max(a, b)
}

// over32 and over64 make a function of one float into one over a warp.
func over32(f func(float32) float32) func(d, a []uint64) {
	return func(d, a []uint64) {
		for i := range d {
			d[i] = b32(f(f32(a[i])))
		}
	}
}

func over64(f func(float64) float64) func(d, a []uint64) {
	return func(d, a []uint64) {
		for i := range d {
			d[i] = b64(f(f64(a[i])))
		}
	}
}

func pair32(f func(a, b float32) float32) func(d, a, b []uint64) {
	return func(d, a, b []uint64) {
		for i := range d {
			d[i] = b32(f(f32(a[i]), f32(b[i])))
		}
	}
}

func pair64(f func(a, b float64) float64) func(d, a, b []uint64) {
	return func(d, a, b []uint64) {
		for i := range d {
			d[i] = b64(f(f64(a[i]), f64(b[i])))
		}
	}
}

// rounding is a mode: rn, rz, rm or rp.
type rounding string

// to32 rounds a float64 that was rounded to odd.
func (r rounding) to32(s float64) float32 {
	f := float32(s)
	if r == "rn" || float64(f) == s || s != s {
		return f
	}
	up := r == "rp" || r == "rz" && s < 0
	if up && float64(f) < s {
		return math.Nextafter32(f, float32(math.Inf(1)))
	}
	if !up && float64(f) > s {
		return math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

// to64 corrects s, the nearest float64 to s + rest.
func (r rounding) to64(s, rest float64) float64 {
	if r == "rn" || rest == 0 || s != s {
		return s
	}
	up := r == "rp" || r == "rz" && s < 0
	if up && rest > 0 {
		return math.Nextafter(s, math.Inf(1))
	}
	if !up && rest < 0 {
		return math.Nextafter(s, math.Inf(-1))
	}
	return s
}

// sumRest is what a rounded sum lacks.
func sumRest(x, y, s float64) float64 {
	t := s - x
	return (x - (s - t)) + (y - t)
}

// quotient is a/b of two F32, rounded to odd.
func quotient(a, b float32) float64 {
	x, y := float64(a), float64(b)
	q := x / y
	if math.IsInf(q, 0) || q != q || b == 0 {
		return q
	}
	rest := math.FMA(-q, y, x)
	if y < 0 {
		rest = -rest
	}
	return odd(q, rest)
}

// root is the square root of an F32, rounded to odd.
func root(a float32) float64 {
	x := float64(a)
	s := math.Sqrt(x)
	if s == 0 || s != s || math.IsInf(s, 0) {
		return s
	}
	return odd(s, math.FMA(-s, s, x))
}

// binary32 returns an operation of two F32 in a rounding mode.
func binary32(op string, r rounding) func(d, a, b []uint64) {
	if r == "rn" {
		return map[string]func(d, a, b []uint64){"add": addF32, "sub": subF32, "mul": mulF32, "div": divF32}[op]
	}
	f := map[string]func(a, b float32) float64{
		"add": func(a, b float32) float64 { return oddSum(float64(a), float64(b)) },
		"sub": func(a, b float32) float64 { return oddSum(float64(a), -float64(b)) },
		"mul": func(a, b float32) float64 { return float64(a) * float64(b) },
		"div": quotient,
	}[op]
	zero := op == "add" || op == "sub"
	return pair32(func(a, b float32) float32 {
		s := f(a, b)
		if zero && s == 0 && r == "rm" && (a != 0 || b != 0) {
			return float32(math.Copysign(0, -1)) // x - x, rounded down
		}
		return r.to32(s)
	})
}

// binary64 returns an operation of two F64 in a rounding mode.
func binary64(op string, r rounding) func(d, a, b []uint64) {
	return pair64(map[string]func(a, b float64) float64{
		"add": func(a, b float64) float64 { s := a + b; return r.to64(s, sumRest(a, b, s)) },
		"sub": func(a, b float64) float64 { s := a - b; return r.to64(s, sumRest(a, -b, s)) },
		"mul": func(a, b float64) float64 { p := a * b; return r.to64(p, math.FMA(a, b, -p)) },
		"div": func(a, b float64) float64 {
			q := a / b
			rest := math.FMA(-q, b, a)
			if b < 0 {
				rest = -rest
			}
			return r.to64(q, rest)
		},
	}[op])
}

// fma32 is a fused product and sum in a rounding mode.
func fma32(r rounding) func(d, a, b, c []uint64) {
	if r == "rn" {
		return fmaF32
	}
	return func(d, a, b, c []uint64) {
		for i := range d {
			d[i] = b32(r.to32(oddSum(float64(f32(a[i]))*float64(f32(b[i])), float64(f32(c[i])))))
		}
	}
}

// fma64 is a fused product and sum of F64. What a directed mode needs beyond the nearest
// is whether the exact result lies above or below it: exact, by the product in two parts.
func fma64(r rounding) func(d, a, b, c []uint64) {
	return func(d, a, b, c []uint64) {
		for i := range d {
			x, y, z := f64(a[i]), f64(b[i]), f64(c[i])
			s := math.FMA(x, y, z)
			if r != "rn" {
				s = r.to64(s, fmaRest(x, y, z, s))
			}
			d[i] = b64(s)
		}
	}
}

// fmaRest has the sign of x·y + z - s.
func fmaRest(x, y, z, s float64) float64 {
	p := x * y
	low := math.FMA(x, y, -p)
	t := z - s // exact or nearly: s is close to z, or p to s
	rest := sumRest(z, -s, t)
	u := p + t
	return u + (sumRest(p, t, u) + (low + rest))
}
