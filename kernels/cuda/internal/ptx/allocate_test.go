package ptx

import "testing"

// A register that a loop does nothing with but count up lives all through the loop.
func TestCounterKeepsItsSlot(t *testing.T) {
	const src = `.version 7.8
.target sm_80
.address_size 64
.visible .entry k(.param .u64 out)
{
	.reg .pred %p<2>;
	.reg .b32 %r<5>;
	.reg .b64 %rd<2>;
	ld.param.u64 %rd1, [out];
	mov.u32 %r1, 0;
	mov.u32 %r2, 0;
L:
	add.s32 %r1, %r1, 1;
	st.global.u32 [%rd1], %r1;
	add.s32 %r3, %r2, 100;
	st.global.u32 [%rd1+4], %r3;
	add.s32 %r2, %r2, 1;
	setp.lt.u32 %p1, %r2, 3;
	@%p1 bra L;
	ret;
}
`
	m := New(Options{})
	out := upload(t, m, []uint32{0, 0})
	if err := m.Launch(parse(t, src), "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(out)); err != nil {
		t.Fatal(err)
	}
	if v := download[uint32](t, m, out, 2); v[0] != 3 || v[1] != 102 {
		t.Errorf("counted to %d, and %d", v[0], v[1])
	}
}
