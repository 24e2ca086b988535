package ptx

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// floats32 is triples of F32: edges, results that lie half way, and some at random.
func floats32() [][3]uint64 {
	edges := []uint32{0, 1 << 31, 0x3f800000, 0xbf800000, 0x3f800001, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x33800000, 0x4b800000, 0x4b800001}
	var rows [][3]uint64
	for i, a := range edges {
		for j, b := range edges {
			rows = append(rows, [3]uint64{uint64(a), uint64(b), uint64(edges[(i*5+j)%len(edges)])})
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		rows = append(rows, [3]uint64{uint64(r.Uint32()), uint64(r.Uint32()), uint64(r.Uint32())})
	}
	near := func() uint64 { return uint64(0x3f000000 + r.Uint32N(1<<25)) }
	for range 3000 {
		rows = append(rows, [3]uint64{near(), near() | uint64(r.Uint32N(2))<<31, near() | uint64(r.Uint32N(2))<<31})
	}
	// Products just beside a tie, and the last bit from far below: where rounding twice
	// goes wrong.
	for range 2000 {
		a := uint64(0x3f800000 + r.Uint32N(1<<12)<<11)
		b := uint64(0x3f800000 + r.Uint32N(1<<12)<<11)
		c := uint64(0x0d000000+r.Uint32N(1<<26)) | uint64(r.Uint32N(2))<<31
		rows = append(rows, [3]uint64{a, b, c})
	}
	// 2^-150·(1-2^-46) beside a subnormal that is odd: not half way, but nearly.
	low, high := b32(0x1p-75*(1-0x1p-23)), b32(0x1p-75*(1+0x1p-23))
	return append(rows, [3]uint64{low, high, 0x400001}, [3]uint64{low | 1<<31, high, 0x80400001})
}

// round rounds an exact value to F32 in a mode, subnormals too; overflow as IEEE 754 has it.
func round(x *big.Float, r string) float32 {
	if x.Sign() == 0 {
		return 0
	}
	mode := map[string]big.RoundingMode{"rn": big.ToNearestEven, "rz": big.ToZero, "rm": big.ToNegativeInf, "rp": big.ToPositiveInf}[r]
	// In units of the last place: an integer, rounded.
	exponent := max(x.MantExp(nil)-1, -126) - 23
	scaled := new(big.Float).SetMantExp(x, -exponent)
	var n big.Float
	whole, acc := scaled.Int(nil)
	n.SetPrec(4000).SetInt(whole)
	if acc != big.Exact {
		down, up := new(big.Int).Set(whole), new(big.Int).Set(whole)
		if x.Sign() < 0 {
			down.Sub(down, big.NewInt(1))
		} else {
			up.Add(up, big.NewInt(1))
		}
		lower := new(big.Float).SetPrec(4000).SetInt(down)
		upper := new(big.Float).SetPrec(4000).SetInt(up)
		var fromLower, fromUpper big.Float
		fromLower.SetPrec(4000).Sub(scaled, lower)
		fromUpper.SetPrec(4000).Sub(upper, scaled)
		nearer := fromLower.Cmp(&fromUpper)
		even := down.Bit(0) == 0
		goUp := mode == big.ToPositiveInf || mode == big.ToZero && x.Sign() < 0 || mode == big.ToNearestEven && (nearer > 0 || nearer == 0 && !even)
		if n = *lower; goUp {
			n = *upper
		}
	}
	f, _ := new(big.Float).SetMantExp(&n, exponent).Float64()
	if math.Abs(f) > math.MaxFloat32 {
		if mode == big.ToZero || mode == big.ToNegativeInf && f > 0 || mode == big.ToPositiveInf && f < 0 {
			return math.Float32frombits(0x7f7fffff | math.Float32bits(float32(f))&(1<<31))
		}
	}
	if f == 0 && x.Sign() < 0 {
		return float32(math.Copysign(0, -1))
	}
	return float32(f) // exact
}

func exact(f float32) *big.Float { return new(big.Float).SetPrec(4000).SetFloat64(float64(f)) }

func finite(v ...float32) bool {
	for _, f := range v {
		if math.IsInf(float64(f), 0) || f != f {
			return false
		}
	}
	return true
}

// same compares bits, but for zeros of exact cancellation, whose sign hard below checks.
func same(got uint64, want float32) bool {
	return uint32(got) == math.Float32bits(want) || want == 0 && got&0x7fffffff == 0
}

func TestF32IsRoundedOnce(t *testing.T) {
	rows := floats32()
	ops := map[string]func(a, b, c float32) *big.Float{
		"add": func(a, b, _ float32) *big.Float { return exact(a).Add(exact(a), exact(b)) },
		"sub": func(a, b, _ float32) *big.Float { return exact(a).Sub(exact(a), exact(b)) },
		"mul": func(a, b, _ float32) *big.Float { return exact(a).Mul(exact(a), exact(b)) },
		"div": func(a, b, _ float32) *big.Float { return exact(a).Quo(exact(a), exact(b)) },
		"fma": func(a, b, c float32) *big.Float { p := exact(a).Mul(exact(a), exact(b)); return p.Add(p, exact(c)) },
	}
	for op, f := range ops {
		for _, r := range []string{"rn", "rz", "rm", "rp"} {
			text := op + "." + r + ".f32 %x, %a, %b"
			if op == "fma" {
				text += ", %c"
			}
			for i, got := range each(t, text, "f32", "f32", "f32", "f32", rows) {
				a, b, c := f32(rows[i][0]), f32(rows[i][1]), f32(rows[i][2])
				if !finite(a, b) || op == "fma" && !finite(c) || op == "div" && b == 0 {
					continue
				}
				if want := round(f(a, b, c), r); !same(got, want) {
					t.Fatalf("%s of %v, %v, %v is %#x, not %#x (%v)", text, a, b, c, got, math.Float32bits(want), want)
				}
			}
		}
	}
	for _, r := range []string{"rn", "rz", "rm", "rp"} {
		roots := each(t, "sqrt."+r+".f32 %x, %a", "f32", "f32", "f32", "f32", rows)
		inverses := each(t, "rcp."+r+".f32 %x, %a", "f32", "f32", "f32", "f32", rows)
		for i := range rows {
			a := f32(rows[i][0])
			if !finite(a) || a == 0 {
				continue
			}
			if want := round(exact(1).Quo(exact(1), exact(a)), r); !same(inverses[i], want) {
				t.Fatalf("rcp.%s of %v is %#x, not %v", r, a, inverses[i], want)
			}
			if a > 0 {
				if want := round(exact(a).Sqrt(exact(a)), r); !same(roots[i], want) {
					t.Fatalf("sqrt.%s of %v is %#x, not %v", r, a, roots[i], want)
				}
			}
		}
	}
}

// What is no number, infinite, zero or subnormal.
func TestF32AtTheEdges(t *testing.T) {
	const inf, nan, one, tiny, top, zero, minus = 0x7f800000, 0x7fc00123, 0x3f800000, 0x00000001, 0x7f7fffff, 0, 0x80000000
	for _, c := range []struct {
		op         string
		a, b, want uint64
	}{
		{"add.f32 %x, %a, %b", inf, inf | minus, canonical}, {"add.f32 %x, %a, %b", nan, one, canonical}, {"add.f32 %x, %a, %b", inf, one, inf},
		{"add.f32 %x, %a, %b", one, one | minus, zero}, {"add.rm.f32 %x, %a, %b", one, one | minus, minus}, {"add.f32 %x, %a, %b", minus, minus, minus},
		{"sub.rm.f32 %x, %a, %b", one, one, minus},
		{"mul.f32 %x, %a, %b", inf, zero, canonical}, {"mul.f32 %x, %a, %b", minus, one, minus}, {"div.rn.f32 %x, %a, %b", one, zero, inf}, {"div.rn.f32 %x, %a, %b", zero, zero, canonical},
		{"mul.ftz.f32 %x, %a, %b", tiny, one, zero}, {"mul.f32 %x, %a, %b", tiny, one, tiny}, {"add.ftz.f32 %x, %a, %b", tiny | minus, minus, minus},
		{"mul.f32 %x, %a, %b", top, top, inf}, {"mul.rz.f32 %x, %a, %b", top, top, top}, {"add.sat.f32 %x, %a, %b", one, one, one}, {"add.sat.f32 %x, %a, %b", nan, one, zero},
		{"min.f32 %x, %a, %b", nan, one, one}, {"max.f32 %x, %a, %b", one, nan, one}, {"min.f32 %x, %a, %b", nan, nan, canonical}, {"min.NaN.f32 %x, %a, %b", nan, one, canonical},
		{"min.f32 %x, %a, %b", zero, minus, minus}, {"max.f32 %x, %a, %b", minus, zero, zero},
		{"neg.f32 %x, %a", one, 0, one | minus}, {"abs.f32 %x, %a", one | minus, 0, one}, {"copysign.f32 %x, %a, %b", minus, one, one | minus},
		{"sqrt.rn.f32 %x, %a", minus, 0, minus}, {"sqrt.rn.f32 %x, %a", one | minus, 0, canonical}, {"rsqrt.approx.f32 %x, %a", zero, 0, inf}, {"rsqrt.approx.ftz.f32 %x, %a", tiny, 0, inf},
		{"ex2.approx.f32 %x, %a", inf | minus, 0, zero}, {"lg2.approx.f32 %x, %a", zero, 0, inf | minus}, {"lg2.approx.f32 %x, %a", one, 0, zero}, {"rcp.approx.f32 %x, %a", minus, 0, inf | minus},
		{"tanh.approx.f32 %x, %a", inf | minus, 0, one | minus}, {"sin.approx.f32 %x, %a", zero, 0, zero}, {"cos.approx.f32 %x, %a", zero, 0, one},
	} {
		if got := each(t, c.op, "f32", "f32", "f32", "f32", [][3]uint64{{c.a, c.b}}); got[0] != c.want {
			t.Errorf("%s of %#x, %#x is %#x, not %#x", c.op, c.a, c.b, got[0], c.want)
		}
	}
	for _, c := range []struct {
		op   string
		a, b uint64
		want uint64
	}{
		{"eq", nan, nan, 0}, {"ne", nan, one, 0}, {"neu", nan, one, 1}, {"equ", nan, one, 1}, {"ltu", nan, one, 1}, {"lt", one, inf, 1}, {"eq", zero, minus, 1},
		{"num", one, one, 1}, {"num", one, nan, 0}, {"nan", nan, one, 1}, {"geu", one, inf, 0}, {"gtu", inf, one, 1}, {"leu", one, one, 1},
	} {
		text := "{ .reg .pred %q; setp." + c.op + ".f32 %q, %a, %b; selp.b32 %x, 1, 0, %q; }"
		if got := each(t, text, "b32", "f32", "f32", "f32", [][3]uint64{{c.a, c.b}}); got[0] != c.want {
			t.Errorf("setp.%s.f32 of %#x, %#x is %d", c.op, c.a, c.b, got[0])
		}
	}
	for what, want := range map[string]uint64{"finite": 0, "infinite": 1, "number": 1, "notanumber": 0, "normal": 0, "subnormal": 0} {
		text := "{ .reg .pred %q; testp." + what + ".f32 %q, %a; selp.b32 %x, 1, 0, %q; }"
		if got := each(t, text, "b32", "f32", "f32", "f32", [][3]uint64{{inf}}); got[0] != want {
			t.Errorf("testp.%s of inf is %d", what, got[0])
		}
	}
}

func TestApproximateFunctions(t *testing.T) {
	var rows [][3]uint64
	for i := range 500 {
		rows = append(rows, [3]uint64{uint64(math.Float32bits(float32(i)*0.05 + 0.01))})
	}
	for op, f := range map[string]func(float64) float64{
		"ex2": math.Exp2, "lg2": math.Log2, "sin": math.Sin, "cos": math.Cos, "tanh": math.Tanh,
		"rcp": func(a float64) float64 { return 1 / a }, "sqrt": math.Sqrt, "rsqrt": func(a float64) float64 { return 1 / math.Sqrt(a) },
	} {
		for i, got := range each(t, op+".approx.f32 %x, %a", "f32", "f32", "f32", "f32", rows) {
			if want := float32(f(float64(f32(rows[i][0])))); f32(got) != want {
				t.Fatalf("%s.approx of %v is %v, not %v", op, f32(rows[i][0]), f32(got), want)
			}
		}
	}
}

func TestF64(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var rows [][3]uint64
	for range 2000 {
		n := func() uint64 { return math.Float64bits(math.Ldexp(r.Float64()*2-1, r.IntN(40)-20)) }
		rows = append(rows, [3]uint64{n(), n(), n()})
	}
	x := func(v uint64) *big.Float { return new(big.Float).SetPrec(4000).SetFloat64(f64(v)) }
	for op, f := range map[string]func(a, b, c *big.Float) *big.Float{
		"add": func(a, b, _ *big.Float) *big.Float { return a.Add(a, b) }, "sub": func(a, b, _ *big.Float) *big.Float { return a.Sub(a, b) },
		"mul": func(a, b, _ *big.Float) *big.Float { return a.Mul(a, b) }, "div": func(a, b, _ *big.Float) *big.Float { return a.Quo(a, b) },
		"fma":  func(a, b, c *big.Float) *big.Float { return a.Add(a.Mul(a, b), c) },
		"sqrt": func(a, _, _ *big.Float) *big.Float { return a.Sqrt(a.Abs(a)) }, "rcp": func(a, _, _ *big.Float) *big.Float { return b1().Quo(b1(), a) },
	} {
		for mode, name := range map[big.RoundingMode]string{big.ToNearestEven: "rn", big.ToZero: "rz", big.ToNegativeInf: "rm", big.ToPositiveInf: "rp"} {
			text := op + "." + name + ".f64 %x, %a"
			in := rows
			switch op {
			case "fma":
				text += ", %b, %c"
			case "sqrt":
				in = nil
				for _, row := range rows {
					in = append(in, [3]uint64{row[0] &^ (1 << 63)})
				}
			case "rcp":
			default:
				text += ", %b"
			}
			for i, got := range each(t, text, "f64", "f64", "f64", "f64", in) {
				want, _ := f(x(in[i][0]), x(in[i][1]), x(in[i][2])).SetMode(mode).SetPrec(53).Float64()
				if f64(got) != want {
					t.Fatalf("%s of %v is %v, not %v", text, in[i], f64(got), want)
				}
			}
		}
	}
	if got := each(t, "rcp.approx.ftz.f64 %x, %a", "f64", "f64", "f64", "f64", [][3]uint64{{b64(3)}}); math.Abs(f64(got[0])*3-1) > 1e-6 || got[0]&0xffffffff != 0 {
		t.Errorf("rcp.approx.ftz.f64 of 3 is %v", f64(got[0]))
	}
	if got := each(t, "max.f64 %x, %a, %b", "f64", "f64", "f64", "f64", [][3]uint64{{b64(math.NaN()), b64(2)}}); f64(got[0]) != 2 {
		t.Errorf("max.f64 of no number and 2 is %v", f64(got[0]))
	}
}

func b1() *big.Float { return new(big.Float).SetPrec(4000).SetInt64(1) }
