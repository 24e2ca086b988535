package ptx

import (
	"math"
	"testing"
)

// Single instructions on single operands, whose result follows from PTX's text.
func TestInstructionsByHand(t *testing.T) {
	f := func(v float32) uint64 { return uint64(math.Float32bits(v)) }
	d := math.Float64bits
	const nan, tiny = 0x7fc00000, 0x00000001
	for _, c := range []struct {
		op      string
		types   string // of %x, %a, %b, %c: b16, b32 or b64 by a letter
		a, b, c uint64
		want    uint64
	}{
		{"set.lt.u32.s32 %x, %a, %b", "wwww", 0xffffffff, 1, 0, 0xffffffff}, {"set.lt.f32.u32 %x, %a, %b", "wwww", 0xffffffff, 1, 0, 0}, {"set.gt.f32.f32 %x, %a, %b", "wwww", f(2), f(1), 0, f(1)},
		{"slct.u32.s32 %x, %a, %b, %c", "wwww", 7, 8, 0, 7}, {"slct.u32.s32 %x, %a, %b, %c", "wwww", 7, 8, 0x80000000, 8}, {"slct.f32.f32 %x, %a, %b, %c", "wwww", 7, 8, nan, 8},
		{"fma.rn.ftz.f32 %x, %a, %b, %c", "wwww", tiny, f(0x1p100), 0, 0}, {"fma.rn.f32 %x, %a, %b, %c", "wwww", tiny, f(0x1p100), 0, f(0x1p-49)},
		{"fma.rn.sat.f32 %x, %a, %b, %c", "wwww", f(2), f(2), 0, f(1)}, {"mad.rn.f32 %x, %a, %b, %c", "wwww", f(2), f(3), f(4), f(10)}, {"fma.rn.f64 %x, %a, %b, %c", "llll", d(2), d(3), d(4), d(10)},
		{"min.f64 %x, %a, %b", "llll", d(math.NaN()), d(3), 0, d(3)}, {"min.f64 %x, %a, %b", "llll", d(3), d(-4), 0, d(-4)}, {"max.f64 %x, %a, %b", "llll", d(3), d(math.NaN()), 0, d(3)}, {"neg.f64 %x, %a", "llll", d(3), 0, 0, d(-3)},
		{"max.xorsign.abs.f32 %x, %a, %b", "wwww", f(-3), f(2), 0, f(-3)}, {"min.f32 %x, %a, %b", "wwww", f(-3), nan, 0, f(-3)}, {"min.f32 %x, %a, %b", "wwww", f(3), f(2), 0, f(2)}, {"max.f32 %x, %a, %b", "wwww", f(3), f(5), 0, f(5)},
		{"rsqrt.approx.ftz.f64 %x, %a", "llll", d(4), 0, 0, d(0.5)}, {"rcp.approx.ftz.f64 %x, %a", "llll", 1, 0, 0, d(math.Inf(1))},
		{"sub.f16 %x, %a, %b", "hhhh", 0x4000, 0x3c00, 0, 0x3c00}, {"mul.rn.bf16 %x, %a, %b", "hhhh", 0x4000, 0x4040, 0, 0x40c0}, {"fma.rn.f16 %x, %a, %b, %c", "hhhh", 0x4000, 0x3c00, 0x3c00, 0x4200},
		{"min.bf16x2 %x, %a, %b", "wwww", 0x3f804000, 0x40003f80, 0, 0x3f803f80}, {"max.f16x2 %x, %a, %b", "wwww", 0x3c004000, 0x7e003c00, 0, 0x3c004000}, {"max.NaN.f16 %x, %a, %b", "hhhh", 0x3c00, 0x7e00, 0, 0x7fff},
		{"fma.rn.relu.bf16x2 %x, %a, %b, %c", "wwww", 0x3f803f80, 0xbf803f80, 0, 0x3f80}, {"neg.bf16x2 %x, %a", "wwww", 0x3f80bf80, 0, 0, 0xbf803f80}, {"abs.f16 %x, %a", "hhhh", 0xbc00, 0, 0, 0x3c00},
		{"ex2.approx.ftz.bf16x2 %x, %a", "wwww", 0x40003f80, 0, 0, 0x40804000}, {"tanh.approx.f16 %x, %a", "hhhh", 0, 0, 0, 0}, {"sub.f16x2 %x, %a, %b", "wwww", 0x42004000, 0x3c003c00, 0, 0x40003c00},
		{"prmt.b32.f4e %x, %a, %b, %c", "wwww", 0x33221100, 0x77665544, 1, 0x44332211}, {"prmt.b32.b4e %x, %a, %b, %c", "wwww", 0x33221100, 0x77665544, 1, 0x66770011}, {"prmt.b32.rc8 %x, %a, %b, %c", "wwww", 0x33221100, 0, 2, 0x22222222},
		{"prmt.b32.ecl %x, %a, %b, %c", "wwww", 0x33221100, 0, 2, 0x33222222}, {"prmt.b32.ecr %x, %a, %b, %c", "wwww", 0x33221100, 0, 2, 0x22221100}, {"prmt.b32.rc16 %x, %a, %b, %c", "wwww", 0x33221100, 0, 1, 0x33223322},
		{"mad.hi.u32 %x, %a, %b, %c", "wwww", 0x80000000, 4, 5, 7}, {"mad.wide.s32 %x, %a, %b, %c", "lwwl", 0xffffffff, 3, 10, 7}, {"mad.wide.u16 %x, %a, %b, %c", "whhw", 0xffff, 0xffff, 1, 0xfffe0002}, {"mul.wide.s16 %x, %a, %b", "whhh", 0xffff, 2, 0, 0xfffffffe},
		{"abs.s32 %x, %a", "wwww", 0x80000000, 0, 0, 0x80000000}, {"abs.s64 %x, %a", "llll", ^uint64(4), 0, 0, 5}, {"neg.s32 %x, %a", "wwww", 5, 0, 0, 0xfffffffb}, {"mad24.lo.u32 %x, %a, %b, %c", "wwww", 0xff000002, 3, 1, 7}, {"sub.sat.s32 %x, %a, %b", "wwww", 0x80000000, 1, 0, 0x80000000},
		{"div.s32 %x, %a, %b", "wwww", 0x80000000, 0xffffffff, 0, 0x80000000}, {"div.full.f32 %x, %a, %b", "wwww", f(1), f(4), 0, f(0.25)}, {"mov.b64 %x, {%a, %b}", "lwww", 1, 2, 0, 2<<32 | 1},
		{"{ .reg .pred %q; mov.pred %q, 1; selp.u32 %x, %a, %b, %q; }", "wwww", 1, 2, 0, 1}, {"{ .reg .pred %q, %s; setp.eq.u32 %q, %a, 1; mov.pred %s, !%q; selp.u32 %x, %a, %b, %s; }", "wwww", 1, 2, 0, 2},
		{"{ .reg .pred %q, %s; setp.eq.u32 %q, %a, 1; not.pred %s, %q; xor.pred %s, %s, %q; or.pred %s, %s, !%q; and.pred %s, %s, %q; selp.u32 %x, %a, %b, %s; }", "wwww", 1, 2, 0, 1},
		{"{ .reg .pred %q; setp.lt.xor.u32 %q, %a, %b, !%p1; setp.lt.or.u32 %q, %b, %a, %q; selp.u32 %x, 5, 6, %q; }", "wwww", 1, 2, 0, 6},
		{"{ .reg .pred %q; testp.normal.f64 %q, %a; selp.u32 %x, 5, 6, %q; }", "wlww", d(1), 0, 0, 5}, {"{ .reg .pred %q; testp.subnormal.f64 %q, %a; selp.u32 %x, 5, 6, %q; }", "wlww", 1, 0, 0, 5}, {"{ .reg .pred %q; setp.lt.f64 %q, %a, %b; selp.u32 %x, 5, 6, %q; }", "wllw", d(1), d(2), 0, 5},
		{"{ .reg .pred %q; setp.eq.ftz.f32 %q, %a, %b; selp.u32 %x, 5, 6, %q; }", "wwww", tiny, 0, 0, 5}, {"{ .reg .pred %q; setp.lt.f16 %q, %a, %b; selp.u32 %x, 5, 6, %q; }", "whhh", 0xbc00, 1, 0, 5}, {"{ .reg .pred %q; setp.gt.bf16 %q, %a, %b; selp.u32 %x, 5, 6, %q; }", "whhh", 0x3f80, 0xbf80, 0, 5},
		{"{ .reg .pred %q; setp.eq.s16 %q, %a, -1; selp.u32 %x, 5, 6, %q; }", "whhh", 0xffff, 0, 0, 5}, {"{ .reg .pred %q; vote.sync.any.pred %q, 1, -1; selp.u32 %x, 5, 6, %q; }", "wwww", 0, 0, 0, 5},
		{"cvt.sat.f16.f32 %x, %a", "hwww", f(3), 0, 0, 0x3c00}, {"cvt.rn.ftz.f32.s32 %x, %a", "wwww", 3, 0, 0, f(3)}, {"cvt.ftz.rzi.s32.f32 %x, %a", "wwww", f(-2.7), 0, 0, 0xfffffffe}, {"cvt.rz.f32.f64 %x, %a", "wlll", d(1 + 0x1p-24 + 0x1p-25), 0, 0, f(1)},
		{"mov.f32 %x, 1.5", "wwww", 0, 0, 0, f(1.5)}, {"mov.f64 %x, 0f3FC00000", "llll", 0, 0, 0, d(1.5)}, {"add.f32 %x, %a, -2", "wwww", f(5), 0, 0, f(3)}, {"add.f64 %x, %a, 0dC000000000000000", "llll", d(5), 0, 0, d(3)}, {"mov.u32 %x, 07", "wwww", 0, 0, 0, 7}, {"mov.u32 %x, 4294967295U", "wwww", 0, 0, 0, 0xffffffff},
		{"membar.gl; fence.acq_rel.gpu; nanosleep.u32 20; prefetch.global.L2 [%rd1]; mov.u32 %x, 5", "wwww", 0, 0, 0, 5}, {".pragma \"nounroll\"; mov.u32 %x, %lanemask_ge", "wwww", 0, 0, 0, 0xffffffff},
		{"mov.u32 %x, %lanemask_gt", "wwww", 0, 0, 0, 0xfffffffe}, {"mov.u32 %x, %lanemask_le", "wwww", 0, 0, 0, 1}, {"mov.u32 %x, %lanemask_eq", "wwww", 0, 0, 0, 1}, {"mov.u32 %x, %nwarpid", "wwww", 0, 0, 0, 4}, {"mov.u32 %x, %total_smem_size", "wwww", 0, 0, 0, 0}, {"mov.u32 %x, %nsmid", "wwww", 0, 0, 0, 132},
	} {
		typ := func(i int) string { return map[byte]string{'h': "b16", 'w': "b32", 'l': "b64"}[c.types[i]] }
		op := c.op
		if i := len("{ .reg .pred %q; "); len(op) > i && op[:i] == "{ .reg .pred %q; " {
			op = "{ .reg .pred %q; setp.ne.u32 %p1, %r1, 0; " + op[i:]
		}
		got := each(t, op, typ(0), typ(1), typ(2), typ(3), [][3]uint64{{c.a, c.b, c.c}})[0]
		if got != c.want {
			t.Errorf("%s of %#x, %#x, %#x is %#x, not %#x", c.op, c.a, c.b, c.c, got, c.want)
		}
	}
}
