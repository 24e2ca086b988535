package ptx

import (
	"encoding/binary"
	"testing"
)

func TestSpaces(t *testing.T) {
	const vars = `.const .align 4 .u32 numbers[4] = {10, 20, 30, 40};
.global .align 8 .u64 pointer = numbers+8;
.global .align 4 .f32 floats[2] = {0f3FC00000, 2.5};
.global .align 1 .b8 text[3] = {104, 105, 0};
.shared .align 4 .b8 room[64];
.extern .shared .align 8 .b8 more[];`
	// Every space by its own addresses, and by generic ones.
	got := threads(t, 1, vars, `
	.local .align 16 .b8 mem[32];
	ld.const.u32 %r2, [numbers+4];
	ld.global.u64 %rd4, [pointer]; ld.u32 %r3, [%rd4]; add.u32 %r2, %r2, %r3;
	mov.u64 %rd5, mem; st.local.u32 [%rd5+4], %r3; cvta.local.u64 %rd6, %rd5; ld.u32 %r4, [%rd6+4]; add.u32 %r2, %r2, %r4;
	st.shared.u32 [room+8], %r4; mov.u64 %rd7, room; cvta.shared.u64 %rd8, %rd7; ld.u32 %r5, [%rd8+8]; add.u32 %r2, %r2, %r5;
	cvta.to.shared.u64 %rd9, %rd8; ld.shared.u32 %r5, [%rd9+8]; add.u32 %r2, %r2, %r5;
	isspacep.shared %p1, %rd8; isspacep.global %p2, %rd8; @%p1 add.u32 %r2, %r2, 1000; @%p2 add.u32 %r2, %r2, 2000;
	isspacep.local %p1, %rd6; @%p1 add.u32 %r2, %r2, 4000;
	ld.global.f32 %f1, [floats]; ld.global.f32 %f2, [floats+4]; add.f32 %f1, %f1, %f2; cvt.rzi.u32.f32 %r6, %f1; add.u32 %r2, %r2, %r6;
	mov.u64 %rd10, text; ld.global.nc.u8 %r7, [%rd10+1]; add.u32 %r9, %r2, %r7;`)
	if want := uint32(20 + 30*5 - 30 + 1000 + 4000 + 4 + 105); got[0] != want {
		t.Errorf("%d, not %d", got[0], want)
	}
	// The address of a parameter, reckoned.
	got = threads(t, 2, "", `mov.b64 %rd4, in; mul.lo.u64 %rd5, %rd3, 0; add.u64 %rd4, %rd4, %rd5; ld.param.u32 %r9, [%rd4]; ld.param.u32 %r8, [in]; sub.u32 %r9, %r9, %r8;`)
	wantEach(t, got, func(int) uint32 { return 0 })
}

func TestVectorsAndWidths(t *testing.T) {
	in := make([]byte, 64)
	for i := range in {
		in[i] = byte(200 + i)
	}
	b, err := one(t, "", `
	ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd2]; st.global.v4.u32 [%rd1], {%r5, %r4, %r3, %r2};
	ld.global.v2.u64 {%rd4, %rd5}, [%rd2+16]; st.global.v2.u64 [%rd1+16], {%rd5, %rd4};
	ld.global.v2.u16 {%h1, %h2}, [%rd2+32]; st.global.v2.u16 [%rd1+32], {%h2, %h1};
	ld.global.v4.u8 {%h1, %h2, %h3, %h4}, [%rd2+36]; st.global.v4.u8 [%rd1+36], {%h4, %h3, %h2, %h1};
	ld.global.s8 %r6, [%rd2]; st.global.u32 [%rd1+40], %r6;
	ld.global.s16 %r7, [%rd2]; st.global.u32 [%rd1+44], %r7;
	ld.global.s32 %rd6, [%rd2]; st.global.u64 [%rd1+48], %rd6;
	mov.b64 {%r10, %r11}, %rd4; mov.b32 {%h5, %h6}, %r10; mov.b32 %r12, {%h6, %h5}; mov.b64 %rd7, {%r12, %r11}; st.global.u64 [%rd1+56], %rd7;
	`, 1, in, 64)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{}
	for _, from := range []int{12, 8, 4, 0} {
		want = append(want, in[from:from+4]...)
	}
	want = append(append(want, in[24:32]...), in[16:24]...)
	want = append(append(want, in[34:36]...), in[32:34]...)
	want = append(want, in[39], in[38], in[37], in[36])
	want = binary.LittleEndian.AppendUint32(want, 0xffffffc8)
	want = binary.LittleEndian.AppendUint32(want, 0xffffc9c8)
	want = binary.LittleEndian.AppendUint64(want, 0xffffffffcbcac9c8)
	want = append(append(append(want, in[18:20]...), in[16:18]...), in[20:24]...)
	for i, v := range want {
		if b[i] != v {
			t.Fatalf("byte %d is %d, not %d", i, b[i], v)
		}
	}
}

// Data of cp.async arrives at the wait for its group, the rest of a short source is zero.
func TestAsynchronousCopies(t *testing.T) {
	in := []uint32{1, 2, 3, 4, 5, 6, 7, 8}
	p := parse(t, snippet(".shared .align 16 .b8 room[64];", `
	cp.async.cg.shared.global [room], [%rd2], 16; cp.async.commit_group;
	cp.async.ca.shared.global [room+32], [%rd2], 16, 8; cp.async.commit_group;
	cp.async.wait_group 1; ld.shared.u32 %r2, [room+4];
	setp.eq.u32 %p1, %r1, 0;
	cp.async.wait_all; ld.shared.v4.u32 {%r3, %r4, %r5, %r6}, [room+32];
	st.global.v4.u32 [%rd1], {%r2, %r4, %r5, %r6};`))
	m := New(Options{})
	out := m.Alloc(16)
	if err := m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(out, upload(t, m, in))); err != nil {
		t.Fatal(err)
	}
	for i, v := range download[uint32](t, m, out, 4) {
		if want := []uint32{2, 2, 0, 0}[i]; v != want {
			t.Errorf("word %d is %d, not %d", i, v, want)
		}
	}
	// The newest group may still be under way.
	p = parse(t, snippet(".shared .align 16 .b8 room[64];", `
	cp.async.cg.shared.global [room], [%rd2], 16; cp.async.commit_group; cp.async.wait_group 1; ld.shared.u32 %r2, [room];`))
	caught(t, m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(out, upload(t, m, in))), Uninitialised)
}
