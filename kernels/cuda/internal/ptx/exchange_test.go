package ptx

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"testing"
)

// threads runs a snippet in one block, and returns a word of each thread: %r9.
func threads(t *testing.T, n int, declarations, body string) []uint32 {
	t.Helper()
	b, err := one(t, declarations, body+`
	mul.wide.u32 %rd9, %r1, 4; add.u64 %rd9, %rd9, %rd1; st.global.u32 [%rd9], %r9;`, n, make([]uint32, 64), 4*n)
	if err != nil {
		t.Fatal(err)
	}
	v := make([]uint32, n)
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return v
}

func wantEach(t *testing.T, got []uint32, want func(i int) uint32) {
	t.Helper()
	for i, v := range got {
		if v != want(i) {
			t.Fatalf("thread %d has %#x, not %#x", i, v, want(i))
		}
	}
}

func TestShuffles(t *testing.T) {
	for _, c := range []struct {
		text string
		want func(lane int) (int, bool)
	}{
		{"idx.b32 %r9|%p1, %r8, 5, 31", func(int) (int, bool) { return 5, true }},
		{"idx.b32 %r9|%p1, %r8, 9, 0x181f", func(l int) (int, bool) { return l&^7 | 1, true }}, // segments of 8
		{"up.b32 %r9|%p1, %r8, 3, 0", func(l int) (int, bool) {
			if l < 3 {
				return l, false
			}
			return l - 3, true
		}},
		{"down.b32 %r9|%p1, %r8, 4, 31", func(l int) (int, bool) {
			if l > 27 {
				return l, false
			}
			return l + 4, true
		}},
		{"down.b32 %r9|%p1, %r8, 2, 0x1c1f", func(l int) (int, bool) { // segments of 4
			if l&3 > 1 {
				return l, false
			}
			return l + 2, true
		}},
		{"bfly.b32 %r9|%p1, %r8, 7, 31", func(l int) (int, bool) { return l ^ 7, true }},
	} {
		got := threads(t, 64, "", "mul.lo.u32 %r8, %r1, 100; shfl.sync."+c.text+", -1; @%p1 add.u32 %r9, %r9, 1;")
		wantEach(t, got, func(i int) uint32 {
			from, within := c.want(i % 32)
			v := uint32(i/32*32+from) * 100
			if within {
				v++
			}
			return v
		})
	}
	// Only those that are named, in a branch of their own.
	got := threads(t, 32, "", `mov.u32 %r9, 7; setp.lt.u32 %p1, %r1, 16; @!%p1 bra over;
		shfl.sync.bfly.b32 %r9, %r1, 1, 31, 0xffff; over:`)
	wantEach(t, got, func(i int) uint32 {
		if i < 16 {
			return uint32(i ^ 1)
		}
		return 7
	})
}

func TestVotes(t *testing.T) {
	odd := "and.b32 %r2, %r1, 1; setp.ne.u32 %p1, %r2, 0; "
	wantEach(t, threads(t, 64, "", odd+"vote.sync.ballot.b32 %r9, %p1, -1;"), func(int) uint32 { return 0xaaaaaaaa })
	wantEach(t, threads(t, 20, "", odd+"vote.sync.ballot.b32 %r9, !%p1, -1;"), func(int) uint32 { return 0x55555 })
	wantEach(t, threads(t, 32, "", odd+"vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, %p1, -1; vote.sync.uni.pred %p4, %p2, -1; selp.u32 %r9, 1, 0, %p2; @%p3 add.u32 %r9, %r9, 2; @%p4 add.u32 %r9, %r9, 4;"), func(int) uint32 { return 5 })
	wantEach(t, threads(t, 32, "", odd+"mov.u32 %r9, 0; @%p1 activemask.b32 %r9;"), func(i int) uint32 { return 0xaaaaaaaa * uint32(i&1) })
	wantEach(t, threads(t, 32, "", "shr.u32 %r2, %r1, 3; match.any.sync.b32 %r9, %r2, -1;"), func(i int) uint32 { return 255 << (i / 8 * 8) })
	wantEach(t, threads(t, 32, "", "shr.u32 %r2, %r1, 5; match.all.sync.b32 %r9|%p1, %r2, -1; @%p1 add.u32 %r9, %r9, 1;"), func(int) uint32 { return 0 })
	for op, want := range map[string]uint32{"add.u32": 496, "min.s32": 0, "max.u32": 31, "or.b32": 31, "and.b32": 0, "xor.b32": 0} {
		wantEach(t, threads(t, 32, "", "redux.sync."+op+" %r9, %r1, -1;"), func(int) uint32 { return want })
	}
}

func TestBarriers(t *testing.T) {
	// Each thread reads what the next warp wrote.
	got := threads(t, 128, ".shared .b8 room[512];", `
	mul.wide.u32 %rd4, %r1, 4; mov.u64 %rd5, room; add.u64 %rd4, %rd4, %rd5; st.shared.u32 [%rd4], %r1;
	bar.sync 0;
	add.u32 %r2, %r1, 32; and.b32 %r2, %r2, 127; mul.wide.u32 %rd6, %r2, 4; add.u64 %rd6, %rd6, %rd5; ld.shared.u32 %r9, [%rd6];`)
	wantEach(t, got, func(i int) uint32 { return uint32((i + 32) % 128) })
	// Two pairs of warps with a barrier each.
	got = threads(t, 128, ".shared .b8 room[512];", `
	mul.wide.u32 %rd4, %r1, 4; mov.u64 %rd5, room; add.u64 %rd4, %rd4, %rd5; st.shared.u32 [%rd4], %r1;
	shr.u32 %r3, %r1, 6; add.u32 %r3, %r3, 1;
	barrier.sync %r3, 64;
	xor.b32 %r2, %r1, 32; mul.wide.u32 %rd6, %r2, 4; add.u64 %rd6, %rd6, %rd5; ld.shared.u32 %r9, [%rd6];`)
	wantEach(t, got, func(i int) uint32 { return uint32(i ^ 32) })
	// One warp produces and goes on, the other waits.
	got = threads(t, 64, ".shared .b8 room[512];", `
	mul.wide.u32 %rd4, %r1, 4; mov.u64 %rd5, room; add.u64 %rd4, %rd4, %rd5; mov.u32 %r9, 1;
	setp.lt.u32 %p1, %r1, 32; @%p1 bra consume;
	st.shared.u32 [%rd4], %r1; bar.arrive 3, 64; bra done;
	consume: bar.sync 3, 64; ld.shared.u32 %r9, [%rd4+128];
	done:`)
	wantEach(t, got, func(i int) uint32 {
		if i < 32 {
			return uint32(i + 32)
		}
		return 1
	})
	got = threads(t, 96, "", `setp.lt.u32 %p1, %r1, 50; bar.red.popc.u32 %r9, 0, %p1; bar.red.or.pred %p2, 0, %p1; bar.red.and.pred %p3, 0, !%p1; @%p2 add.u32 %r9, %r9, 100; @%p3 add.u32 %r9, %r9, 1000;`)
	wantEach(t, got, func(int) uint32 { return 150 })
	// Within a warp.
	got = threads(t, 32, ".shared .b8 room[128];", `
	mul.wide.u32 %rd4, %r1, 4; mov.u64 %rd5, room; add.u64 %rd4, %rd4, %rd5; st.shared.u32 [%rd4], %r1;
	bar.warp.sync -1; xor.b64 %rd4, %rd4, 4; ld.shared.u32 %r9, [%rd4];`)
	wantEach(t, got, func(i int) uint32 { return uint32(i ^ 1) })
}

func TestFlow(t *testing.T) {
	// Loops of as many turns as the thread has ones, and a join behind.
	got := threads(t, 64, "", `
	mov.u32 %r2, %r1; mov.u32 %r9, 0;
	loop: setp.eq.u32 %p1, %r2, 0; @%p1 bra out;
	sub.u32 %r3, %r2, 1; and.b32 %r2, %r2, %r3; add.u32 %r9, %r9, 1; bra loop;
	out: activemask.b32 %r4; popc.b32 %r4, %r4; mul.lo.u32 %r4, %r4, 100; add.u32 %r9, %r9, %r4;`)
	wantEach(t, got, func(i int) uint32 { return uint32(bits.OnesCount(uint(i))) + 3200 })
	// A jump by a table.
	got = threads(t, 40, "", `
	and.b32 %r2, %r1, 3;
	list: .branchtargets a, b, c, d;
	brx.idx %r2, list;
	a: mov.u32 %r9, 10; bra.uni end;
	b: mov.u32 %r9, 20;
	c: mov.u32 %r9, 30; bra.uni end;
	d: mov.u32 %r9, 40;
	end:`)
	wantEach(t, got, func(i int) uint32 { return []uint32{10, 30, 30, 40}[i&3] })
	// Labels of the same name in blocks of their own.
	got = threads(t, 4, "", `mov.u32 %r9, 0;
	{ bra x; add.u32 %r9, %r9, 100; x: add.u32 %r9, %r9, 1; }
	{ bra x; add.u32 %r9, %r9, 100; x: add.u32 %r9, %r9, 2; }`)
	wantEach(t, got, func(int) uint32 { return 3 })
	// Threads that end early, one after another.
	got = threads(t, 32, "", `mov.u32 %r9, %r1; mul.wide.u32 %rd9, %r1, 4; add.u64 %rd9, %rd9, %rd1; st.global.u32 [%rd9], %r9;
	mov.u32 %r2, 0;
	loop: setp.eq.u32 %p1, %r2, %r1; @%p1 exit; add.u32 %r2, %r2, 1; bra loop;`)
	wantEach(t, got, func(i int) uint32 { return uint32(i) })
}

func TestCalls(t *testing.T) {
	// Fibonacci, by calls of itself; only some threads call.
	got := threads(t, 12, `
.func (.param .b32 r) fib(.param .b32 n)
{
	.reg .b32 %r<9>; .reg .pred %p<2>;
	.local .align 4 .b8 keep[4];
	ld.param.u32 %r1, [n];
	setp.lt.u32 %p1, %r1, 2;
	mov.u32 %r4, %r1;
	@%p1 bra done;
	sub.u32 %r2, %r1, 1;
	{ .param .b32 p; .param .b32 q; st.param.b32 [p], %r2; call (q), fib, (p); ld.param.u32 %r3, [q]; }
	st.local.u32 [keep], %r3;
	sub.u32 %r2, %r1, 2;
	{ .param .b32 p; .param .b32 q; st.param.b32 [p], %r2; call (q), fib, (p); ld.param.u32 %r4, [q]; }
	ld.local.u32 %r3, [keep];
	add.u32 %r4, %r4, %r3;
	done: st.param.b32 [r], %r4;
	ret;
}`, `mov.u32 %r9, 99; setp.eq.u32 %p1, %r1, 5; @%p1 bra over;
	{ .param .b32 p; .param .b32 q; st.param.b32 [p], %r1; call.uni (q), fib, (p); ld.param.u32 %r9, [q]; }
	over:`)
	fib := []uint32{0, 1, 1, 2, 3, 99, 8, 13, 21, 34, 55, 89}
	wantEach(t, got, func(i int) uint32 { return fib[i] })
	// Without an end.
	p := parse(t, snippet(`.func f() { call f; ret; }`, `call f;`))
	caught(t, New(Options{}).Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(uint64(0), uint64(0))), Limits, "too deep")
}

func TestSpecialRegisters(t *testing.T) {
	p := parse(t, snippet("", `
	mov.u32 %r2, %tid.y; mov.u32 %r3, %ntid.x; mad.lo.u32 %r4, %r2, %r3, %r1; mov.u32 %r5, %ctaid.x; mov.u32 %r6, %ctaid.y; mov.u32 %r7, %nctaid.x;
	mad.lo.u32 %r8, %r6, %r7, %r5; mov.u32 %r9, %ntid.y; mul.lo.u32 %r9, %r9, %r3; mad.lo.u32 %r8, %r8, %r9, %r4;
	mov.u32 %r10, %laneid; mov.u32 %r11, %warpid; mov.u32 %r12, %nctaid.y; mad.lo.u32 %r11, %r11, 100, %r10; mad.lo.u32 %r11, %r12, 10000, %r11;
	mov.u32 %r13, %lanemask_lt; popc.b32 %r13, %r13; sub.u32 %r11, %r11, %r13; mov.u32 %r14, WARP_SZ; add.u32 %r11, %r11, %r14;
	mov.u32 %r15, %clock; mov.u64 %rd8, %clock64;
	mul.wide.u32 %rd4, %r8, 4; add.u64 %rd4, %rd4, %rd1; st.global.u32 [%rd4], %r11;`))
	m := New(Options{})
	out := m.Alloc(4 * 6 * 60)
	if err := m.Launch(p, "k", [3]int{2, 3, 1}, [3]int{10, 6, 1}, 0, arguments(out, out)); err != nil {
		t.Fatal(err)
	}
	for i, got := range download[uint32](t, m, out, 6*60) {
		if want := uint32(30000 + i%60/32*100 + 32); got != want {
			t.Fatalf("thread %d: %d, not %d", i, got, want)
		}
	}
}

func TestAtomics(t *testing.T) {
	for op, want := range map[string]uint32{
		"add.u32": 5 + 64*63/2, "max.s32": 63, "min.u32": 0, "or.b32": 63, "and.b32": 0, "xor.b32": 5, "exch.b32": 63,
		"inc.u32": 0, "dec.u32": 0,
	} {
		for _, space := range []string{"global", "shared", ""} {
			text := strings.ReplaceAll("atom.SPACE."+op, ".SPACE", map[bool]string{true: "", false: "." + space}[space == ""])
			body := `mov.u32 %r2, 5; setp.eq.u32 %p1, %r1, 0; mov.u64 %rd4, room; cvta.shared.u64 %rd5, %rd4; @%p1 st.shared.u32 [room], %r2; @%p1 st.global.u32 [%rd1], %r2; bar.sync 0; `
			where := map[string]string{"global": "[%rd1]", "shared": "[room]", "": "[%rd5]"}[space]
			body += text + " %r3, " + where + ", %r1; bar.sync 0; @!%p1 ret; ld" + strings.TrimSuffix("."+space, ".") + ".u32 %r4, " + where + "; bar.warp.sync 1; st.global.u32 [%rd1], %r4;"
			b, err := one(t, ".shared .align 4 .b8 room[4];", body, 64, make([]uint32, 1), 4)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			got := binary.LittleEndian.Uint32(b)
			if op == "inc.u32" || op == "dec.u32" {
				// Threads in order: a model of it.
				v := uint32(5)
				for i := range uint32(64) {
					if op == "inc.u32" {
						if v >= i {
							v = 0
						} else {
							v++
						}
					} else if v == 0 || v > i {
						v = i
					} else {
						v--
					}
				}
				want = v
			}
			if got != want {
				t.Errorf("%s: %d, not %d", text, got, want)
			}
		}
	}
	b, err := one(t, "", `mov.u64 %rd5, 0; setp.eq.u32 %p1, %r1, 0; @%p1 st.global.u64 [%rd1], %rd5; bar.sync 0; add.u64 %rd6, %rd3, 1; atom.global.cas.b64 %rd7, [%rd1], %rd3, %rd6;`, 64, make([]uint32, 1), 8)
	if err != nil || binary.LittleEndian.Uint64(b) != 64 {
		t.Errorf("64 exchanges in a chain: %v, %v", b, err)
	}
}
