package ptx

import "math/bits"

type unsigned interface{ uint16 | uint32 | uint64 }

type signed interface{ int16 | int32 | int64 }

func wrap1[U unsigned](f func(U) U) func(d, a []uint64) {
	return func(d, a []uint64) {
		for i := range d {
			d[i] = uint64(f(U(a[i])))
		}
	}
}

func wrap2[U unsigned](f func(a, b U) U) func(d, a, b []uint64) {
	return func(d, a, b []uint64) {
		for i := range d {
			d[i] = uint64(f(U(a[i]), U(b[i])))
		}
	}
}

func wrap3[U unsigned](f func(a, b, c U) U) func(d, a, b, c []uint64) {
	return func(d, a, b, c []uint64) {
		for i := range d {
			d[i] = uint64(f(U(a[i]), U(b[i]), U(c[i])))
		}
	}
}

func addInt[U unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(U(a[i]) + U(b[i]))
	}
}

func subInt[U unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(U(a[i]) - U(b[i]))
	}
}

func mulInt[U unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(U(a[i]) * U(b[i]))
	}
}

func madInt[U unsigned](d, a, b, c []uint64) {
	a, b, c = a[:len(d)], b[:len(d)], c[:len(d)]
	for i := range d {
		d[i] = uint64(U(a[i])*U(b[i]) + U(c[i]))
	}
}

func and64(d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] & b[i]
	}
}

func or64(d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] | b[i]
	}
}

func xor64(d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] ^ b[i]
	}
}

// shl and shr clamp the distance: what is shifted by the width or more is gone.
func shlInt[U unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(U(a[i]) << uint32(b[i]))
	}
}

func shrInt[U unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(U(a[i]) >> uint32(b[i]))
	}
}

func shrSigned[S signed, U unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(U(S(a[i]) >> uint32(b[i])))
	}
}

func wideUnsigned[U, W unsigned](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(W(U(a[i])) * W(U(b[i])))
	}
}

func wideSigned[S, W signed](d, a, b []uint64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = uint64(W(S(a[i])) * W(S(b[i])))
	}
}

func divUnsigned[U unsigned](a, b U) U {
	if b == 0 {
		return ^U(0) // as the hardware does; PTX says unspecified
	}
	return a / b
}

func remUnsigned[U unsigned](a, b U) U {
	if b == 0 {
		return a
	}
	return a % b
}

func divSigned[S signed, U unsigned](a, b U) U {
	if b == 0 {
		return ^U(0)
	}
	return U(S(a) / S(b)) // the least by -1 wraps, in Go too
}

func remSigned[S signed, U unsigned](a, b U) U {
	if b == 0 {
		return a
	}
	return U(S(a) % S(b))
}

func mulHigh[U unsigned](width int) func(a, b U) U {
	if width == 64 {
		return func(a, b U) U {
			hi, _ := bits.Mul64(uint64(a), uint64(b))
			return U(hi)
		}
	}
	return func(a, b U) U { return U(uint64(a) * uint64(b) >> width) }
}

func mulHighSigned[S signed, U unsigned](width int) func(a, b U) U {
	if width == 64 {
		return func(a, b U) U {
			hi, _ := bits.Mul64(uint64(a), uint64(b))
			if S(a) < 0 {
				hi -= uint64(b)
			}
			if S(b) < 0 {
				hi -= uint64(a)
			}
			return U(hi)
		}
	}
	return func(a, b U) U { return U(uint64(int64(S(a)) * int64(S(b)) >> width)) }
}

// integer is what the operations of one integer type are.
type integer struct {
	add, sub, mul, high, div, rem, min, max, shl, shr func(d, a, b []uint64)
	wide                                              func(d, a, b []uint64) // nil for 64 bits
	neg, abs                                          func(d, a []uint64)
	mad                                               func(d, a, b, c []uint64)
}

func unsignedOf[U unsigned](width int) integer {
	return integer{
		add: addInt[U], sub: subInt[U], mul: mulInt[U], mad: madInt[U], shl: shlInt[U], shr: shrInt[U],
		high: wrap2(mulHigh[U](width)), div: wrap2(divUnsigned[U]), rem: wrap2(remUnsigned[U]),
		min: wrap2(func(a, b U) U { return min(a, b) }), max: wrap2(func(a, b U) U { return max(a, b) }),
		neg: wrap1(func(a U) U { return -a }), abs: wrap1(func(a U) U { return a }),
	}
}

func signedOf[S signed, U unsigned](width int) integer {
	k := unsignedOf[U](width)
	k.shr = shrSigned[S, U]
	k.high, k.div, k.rem = wrap2(mulHighSigned[S, U](width)), wrap2(divSigned[S, U]), wrap2(remSigned[S, U])
	k.min = wrap2(func(a, b U) U { return U(min(S(a), S(b))) })
	k.max = wrap2(func(a, b U) U { return U(max(S(a), S(b))) })
	k.abs = wrap1(func(a U) U {
		if S(a) < 0 {
			return -a
		}
		return a
	})
	return k
}

var integers = map[typ]integer{}

func init() {
	u16, u32, u64 := unsignedOf[uint16](16), unsignedOf[uint32](32), unsignedOf[uint64](64)
	s16, s32, s64 := signedOf[int16, uint16](16), signedOf[int32, uint32](32), signedOf[int64, uint64](64)
	u16.wide, u32.wide = wideUnsigned[uint16, uint32], wideUnsigned[uint32, uint64]
	s16.wide = func(d, a, b []uint64) {
		for i := range d {
			d[i] = uint64(uint32(int32(int16(a[i])) * int32(int16(b[i]))))
		}
	}
	s32.wide = wideSigned[int32, int64]
	integers[types["u16"]], integers[types["u32"]], integers[types["u64"]] = u16, u32, u64
	integers[types["s16"]], integers[types["s32"]], integers[types["s64"]] = s16, s32, s64
	integers[types["b16"]], integers[types["b32"]], integers[types["b64"]] = u16, u32, u64
}
