package drv_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/ptx"
	"lamina/kernels/cuda/internal/sim"
)

// count writes its number to the word of each thread of a block of 32: parameters
// (pointer, words), where words says how many the pointer has.
const count = `.version 7.8
.target sm_80
.address_size 64
.visible .entry count(.param .u64 p, .param .u32 n)
.maxntid 32, 1, 1
{
	.reg .pred %p<2>;
	.reg .b32 %r<4>;
	.reg .b64 %rd<4>;
	ld.param.u64 %rd1, [p];
	ld.param.u32 %r1, [n];
	mov.u32 %r2, %tid.x;
	setp.ge.u32 %p1, %r2, %r1;
	@%p1 bra DONE;
	cvta.to.global.u64 %rd1, %rd1;
	mul.wide.u32 %rd2, %r2, 4;
	add.s64 %rd3, %rd1, %rd2;
	st.global.u32 [%rd3], %r2;
DONE:
	ret;
}
`

// PTX runs where the stream comes to it, and what it does wrong is a fault of the device
// for the program, and by name for the test.
func TestPTXRuns(t *testing.T) {
	for _, words := range []uint32{8, 9} {
		b := newBench(t, sim.Options{})
		mod, err := b.dev.Load([]byte(count))
		b.must(err)
		f, err := mod.Function("count")
		b.must(err)
		x, h := b.alloc(32), b.host(32)
		params := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, uint64(x)), words)
		b.must(b.s.Launch(f, one, [3]int{32, 1, 1}, 0, params))
		b.must(b.s.CopyOut(h, 0, x, 32))
		err = b.s.Sync()
		if words == 8 {
			b.must(err)
			for i := range uint32(8) {
				if got := binary.LittleEndian.Uint32(h.Bytes()[4*i:]); got != i {
					t.Errorf("word %d is %d", i, got)
				}
			}
			b.must(errors.Join(b.dev.Free(x), h.Free(), mod.Unload()))
			b.close()
			continue
		}
		if !errors.Is(err, drv.ErrSticky) || !strings.Contains(err.Error(), "\n  count 1x1x1 of 32") {
			t.Errorf("a word too many: %v", err)
		}
		var fault *ptx.Fault
		if !errors.As(b.m.Err(), &fault) || fault.Kind != ptx.OutOfBounds || fault.Thread[0] != 8 {
			t.Errorf("the simulation says %v", b.m.Err())
		}
	}
}

// first reads the first word of what its parameter points to.
const first = `.version 7.8
.target sm_80
.address_size 64
.visible .entry first(.param .u64 p)
{
	.reg .b32 %r<2>;
	.reg .b64 %rd<2>;
	ld.param.u64 %rd1, [p];
	cvta.to.global.u64 %rd1, %rd1;
	ld.global.u32 %r1, [%rd1];
	st.global.u32 [%rd1+4], %r1;
	ret;
}
`

// A word at an address that is none of a word.
func TestMisalignedAddress(t *testing.T) {
	b := newBench(t, sim.Options{})
	mod, err := b.dev.Load([]byte(first))
	b.must(err)
	f, err := mod.Function("first")
	b.must(err)
	x := b.alloc(16)
	b.must(b.s.Fill8(x, 1, 16))
	b.must(b.s.Launch(f, one, one, 0, binary.LittleEndian.AppendUint64(nil, uint64(x+2))))
	expect(t, "misaligned", b.s.Sync(), []string{"misaligned address (CUDA_ERROR_MISALIGNED_ADDRESS, 716)"}, drv.ErrSticky)
}

// What a stream writes may be read; fresh memory, and a copy of it, may not.
func TestUnwrittenMemoryIsFound(t *testing.T) {
	for name, write := range map[string]func(b *bench, x, fresh drv.Ptr, h *drv.Host) error{
		"":           func(b *bench, x, fresh drv.Ptr, h *drv.Host) error { return nil },
		"copy of it": func(b *bench, x, fresh drv.Ptr, h *drv.Host) error { return b.s.Copy(x, fresh, 4) },
		"CopyIn, ok": func(b *bench, x, fresh drv.Ptr, h *drv.Host) error { return b.s.CopyIn(x, h, 0, 4) },
		"Fill8, ok":  func(b *bench, x, fresh drv.Ptr, h *drv.Host) error { return b.s.Fill8(x, 1, 4) },
		"Fill32, ok": func(b *bench, x, fresh drv.Ptr, h *drv.Host) error { return b.s.Fill32(x, 1, 1) },
		"written, ok": func(b *bench, x, fresh drv.Ptr, h *drv.Host) error {
			return errors.Join(b.s.Fill8(fresh, 1, 4), b.s.Copy(x, fresh, 4))
		},
	} {
		b := newBench(t, sim.Options{})
		mod, err := b.dev.Load([]byte(first))
		b.must(err)
		f, err := mod.Function("first")
		b.must(err)
		x, fresh, h := b.alloc(8), b.alloc(4), b.host(4)
		b.must(write(b, x, fresh, h))
		b.must(b.s.Launch(f, one, one, 0, binary.LittleEndian.AppendUint64(nil, uint64(x))))
		err = b.s.Sync()
		if ok := strings.HasSuffix(name, "ok"); ok != (err == nil) {
			t.Errorf("%q: %v", name, err)
		}
		var fault *ptx.Fault
		if err != nil && (!errors.As(b.m.Err(), &fault) || fault.Kind != ptx.Uninitialised) {
			t.Errorf("%q: the simulation says %v", name, b.m.Err())
		}
	}
}
