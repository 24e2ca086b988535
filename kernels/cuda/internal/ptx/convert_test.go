package ptx

import (
	"math"
	"math/big"
	"testing"
)

// Every F16 and BF16 widens exactly, and narrows to itself.
func TestHalvesRoundTrip(t *testing.T) {
	var rows [][3]uint64
	for h := range uint64(1 << 16) {
		rows = append(rows, [3]uint64{h})
	}
	for _, typ := range []string{"f16", "bf16"} {
		from, _ := halves(types[typ])
		wide := make([]uint64, len(rows))
		if typ == "f16" {
			wide = each(t, "cvt.f32.f16 %x, %a", "f32", "b16", "b16", "b16", rows)
		} else {
			for i := range wide {
				wide[i] = uint64(i) << 16
			}
		}
		var back [][3]uint64
		for _, w := range wide {
			back = append(back, [3]uint64{w})
		}
		for h, got := range each(t, "cvt.rn."+typ+".f32 %x, %a", "b16", "f32", "f32", "f32", back) {
			f := from(uint16(h))
			if f != f {
				if got != 0x7fff {
					t.Fatalf("%s %#x comes back as %#x", typ, h, got)
				}
				continue
			}
			if got != uint64(h) {
				t.Fatalf("%s %#x comes back as %#x by way of %v", typ, h, got, f32(wide[h]))
			}
		}
	}
	for h, want := range map[uint64]float32{0x3c00: 1, 0x0001: 0x1p-24, 0x8400: -0x1p-14, 0x7bff: 65504, 0x3555: 0.333251953125} {
		if got := each(t, "cvt.f32.f16 %x, %a", "f32", "b16", "b16", "b16", [][3]uint64{{h}}); f32(got[0]) != want {
			t.Errorf("F16 %#x is %v, not %v", h, f32(got[0]), want)
		}
	}
}

func TestNarrowing(t *testing.T) {
	f := func(v float32) uint64 { return uint64(math.Float32bits(v)) }
	for _, c := range []struct {
		op   string
		a, b float32
		want uint64
	}{
		{"cvt.rn.f16.f32 %x, %a", 65519.99, 0, 0x7bff}, {"cvt.rn.f16.f32 %x, %a", 65520, 0, 0x7c00}, {"cvt.rz.f16.f32 %x, %a", 1e9, 0, 0x7bff},
		{"cvt.rn.f16.f32 %x, %a", 0x1p-25, 0, 0}, {"cvt.rn.f16.f32 %x, %a", 0x1.8p-25, 0, 1}, {"cvt.rn.f16.f32 %x, %a", 1 + 0x1p-11, 0, 0x3c00}, {"cvt.rn.f16.f32 %x, %a", 1 + 0x3p-11, 0, 0x3c02},
		{"cvt.rn.bf16.f32 %x, %a", 1 + 0x1p-8, 0, 0x3f80}, {"cvt.rn.bf16.f32 %x, %a", 1 + 0x3p-8, 0, 0x3f82}, {"cvt.rz.bf16.f32 %x, %a", 1 + 0x3p-8, 0, 0x3f81},
		{"cvt.rn.bf16.f32 %x, %a", math.MaxFloat32, 0, 0x7f80}, {"cvt.rn.relu.bf16.f32 %x, %a", -3, 0, 0},
		{"cvt.rn.bf16x2.f32 %x, %a, %b", 1, -2, 0x3f80c000}, {"cvt.rn.f16x2.f32 %x, %a, %b", 1, -2, 0x3c00c000},
		{"cvt.rna.tf32.f32 %x, %a", 1 + 0x1p-11, 0, f(1 + 0x1p-10)},
		{"cvt.rni.f32.f32 %x, %a", 2.5, 0, f(2)}, {"cvt.rzi.f32.f32 %x, %a", -2.5, 0, f(-2)}, {"cvt.rmi.f32.f32 %x, %a", -2.5, 0, f(-3)}, {"cvt.rpi.f32.f32 %x, %a", 2.25, 0, f(3)},
		{"cvt.sat.f32.f32 %x, %a", 7, 0, f(1)}, {"cvt.sat.f32.f32 %x, %a", -7, 0, 0}, {"cvt.ftz.f32.f32 %x, %a", 0x1p-140, 0, 0},
		{"fma.rn.bf16x2 %x, %a, %b, %a", f32(0x3f803f80), f32(0x40003f80), 0x40404000},
		{"add.f16x2 %x, %a, %b", f32(0x3c003c00), f32(0x40003c00), 0x42004000},
	} {
		d := "b32"
		if c.want < 1<<16 {
			d = "b16"
		}
		if c.want == 0 || c.op[:5] == "cvt.s" || c.op[:7] == "cvt.ftz" {
			d = "b32"
		}
		if got := each(t, c.op, d, "b32", "b32", "b32", [][3]uint64{{f(c.a), f(c.b)}}); got[0] != c.want {
			t.Errorf("%s of %v, %v is %#x, not %#x", c.op, c.a, c.b, got[0], c.want)
		}
	}
}

// Floats become integers clamped, what is no number 0.
func TestFloatToInteger(t *testing.T) {
	var rows [][3]uint64
	for _, v := range []float32{0, -0.5, 0.5, 1.5, 2.5, -1.5, -2.5, 127.5, 128, -129, 255.5, 300, 32767.5, 65536, 2147483520, 2147483648, -2147483648, 4294967040, 4294967296, 9e18, 1e19, 2e19, -1e19, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())} {
		rows = append(rows, [3]uint64{uint64(math.Float32bits(v))})
	}
	for mode, f := range map[string]func(float64) float64{"rni": math.RoundToEven, "rzi": math.Trunc, "rmi": math.Floor, "rpi": math.Ceil} {
		for _, width := range []int{16, 32, 64} {
			for _, kind := range []string{"u", "s"} {
				low, high := new(big.Int), new(big.Int).SetUint64(widthMask(width))
				if kind == "s" {
					high.SetUint64(widthMask(width - 1))
					low.Sub(low.Neg(high), big.NewInt(1))
				}
				typ := kind + itoa(width)
				for i, got := range each(t, "cvt."+mode+"."+typ+".f32 %x, %a", "b"+itoa(width), "f32", "f32", "f32", rows) {
					v := f(float64(f32(rows[i][0])))
					n := new(big.Int)
					switch {
					case math.IsInf(v, 1):
						n.Set(high)
					case math.IsInf(v, -1):
						n.Set(low)
					case v == v:
						new(big.Float).SetFloat64(v).Int(n)
					}
					if n.Cmp(high) > 0 {
						n = high
					} else if n.Cmp(low) < 0 {
						n = low
					}
					if want := cut(n, width); got != want {
						t.Fatalf("cvt.%s.%s of %v is %#x, not %#x", mode, typ, f32(rows[i][0]), got, want)
					}
				}
			}
		}
	}
}

func TestIntegerToFloat(t *testing.T) {
	rows := operands(64)
	for _, v := range []uint64{1<<53 + 1, 1<<54 + 2, 1<<54 + 3, 1<<63 + 1<<10, 1<<63 + 1<<10 + 1, 1<<63 + 1<<39, 1<<63 + 1<<39 + 1, 1<<24 + 1, 1<<25 + 2, 1<<25 + 3} {
		rows = append(rows, [3]uint64{v}, [3]uint64{-v})
	}
	for name, mode := range map[string]big.RoundingMode{"rn": big.ToNearestEven, "rz": big.ToZero, "rm": big.ToNegativeInf, "rp": big.ToPositiveInf} {
		for _, kind := range []string{"u64", "s64", "u32", "s32"} {
			for width, precision := range map[string]uint{"f32": 24, "f64": 53} {
				for i, got := range each(t, "cvt."+name+"."+width+"."+kind+" %x, %a", width, "b"+kind[1:], "b32", "b32", rows) {
					n := new(big.Int)
					switch v := rows[i][0]; kind {
					case "u64":
						n.SetUint64(v)
					case "s64":
						n.SetInt64(int64(v))
					case "u32":
						n.SetUint64(uint64(uint32(v)))
					default:
						n.SetInt64(int64(int32(v)))
					}
					want, _ := new(big.Float).SetPrec(precision).SetMode(mode).SetInt(n).Float64()
					have := f64(got)
					if width == "f32" {
						have = float64(f32(got))
					}
					if have != want {
						t.Fatalf("cvt.%s.%s.%s of %v is %v, not %v", name, width, kind, n, have, want)
					}
				}
			}
		}
	}
}

func TestIntegerToInteger(t *testing.T) {
	for _, c := range []struct {
		op, d, a   string
		from, want uint64
	}{
		{"cvt.s64.s32", "b64", "b32", 0x80000000, 0xffffffff80000000}, {"cvt.u64.u32", "b64", "b32", 0x80000000, 0x80000000}, {"cvt.u32.u64", "b32", "b64", 0x1234567890, 0x34567890},
		{"cvt.s32.s8", "b32", "b32", 0x180, 0xffffff80}, {"cvt.u32.u8", "b32", "b32", 0x1ff, 0xff}, {"cvt.s16.s8", "b16", "b16", 0x80, 0xff80}, {"cvt.s32.s16", "b32", "b16", 0x8000, 0xffff8000},
		{"cvt.s8.s32", "b32", "b32", 0x1ff, 0xffffffff}, {"cvt.u8.u32", "b32", "b32", 0x1ff, 0xff}, {"cvt.u16.u32", "b16", "b32", 0x12345, 0x2345},
		{"cvt.sat.u8.s32", "b32", "b32", 0xffffffff, 0}, {"cvt.sat.s8.s32", "b32", "b32", 1000, 127}, {"cvt.sat.s8.s32", "b32", "b32", 0xfffff000, 0xffffff80}, {"cvt.sat.s32.u32", "b32", "b32", 0xffffffff, 0x7fffffff}, {"cvt.sat.s32.s64", "b32", "b64", 1 << 40, 0x7fffffff}, {"cvt.sat.u32.u64", "b32", "b64", 1 << 40, 0xffffffff},
	} {
		if got := each(t, c.op+" %x, %a", c.d, c.a, "b32", "b32", [][3]uint64{{c.from}}); got[0] != c.want {
			t.Errorf("%s of %#x is %#x, not %#x", c.op, c.from, got[0], c.want)
		}
	}
}
