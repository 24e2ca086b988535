package ptx_test

import (
	"encoding/binary"
	"fmt"

	"lamina/kernels/cuda/internal/ptx"
)

// A kernel that adds one too far.
func Example() {
	p, err := ptx.Parse([]byte(`
.version 7.8
.target sm_80
.address_size 64
.visible .entry add_one(.param .u64 x)
{
	.reg .b32 %r<3>; .reg .b64 %rd<3>;
	ld.param.u64 %rd1, [x];
	mov.u32 %r1, %tid.x;
	mul.wide.u32 %rd2, %r1, 4;
	add.s64 %rd1, %rd1, %rd2;
	ld.global.u32 %r2, [%rd1];
	add.s32 %r2, %r2, 1;
	st.global.u32 [%rd1], %r2;
	ret;
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	m := ptx.New(ptx.Options{})
	x := m.Alloc(12)
	if err := m.Set(x, 0, 12); err != nil {
		fmt.Println(err)
		return
	}
	params := binary.LittleEndian.AppendUint64(nil, x)
	one := [3]int{1, 1, 1}
	for _, threads := range []int{3, 4} {
		err := m.Launch(p, "add_one", one, [3]int{threads, 1, 1}, 0, params)
		b, _ := m.Bytes(x, 12)
		fmt.Println(b, err)
	}
	// Output:
	// [1 0 0 0 1 0 0 0 1 0 0 0] <nil>
	// [1 0 0 0 1 0 0 0 1 0 0 0] ptx: OutOfBounds in add_one: line 12: ld.global.u32 %r2, [%rd1];: block [0 0 0] thread [3 0 0]: address 0x70000000c (0 bytes behind 12 bytes allocated at 0x700000000): 4 bytes read from global memory
}
