package ptx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// arguments lays out the parameters of a kernel.
func arguments(values ...any) []byte {
	var b []byte
	for _, v := range values {
		for n := binary.Size(v); n <= 8 && len(b)%n != 0; {
			b = append(b, 0)
		}
		b, _ = binary.Append(b, binary.LittleEndian, v)
	}
	return b
}

func bytesOf(v any) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, v)
	return b
}

// upload returns the address of new memory that holds v.
func upload(t testing.TB, m *Machine, v any) uint64 {
	t.Helper()
	b := bytesOf(v)
	a := m.Alloc(len(b))
	if err := m.Write(a, b); err != nil {
		t.Fatal(err)
	}
	return a
}

// download reads values back.
func download[T any](t testing.TB, m *Machine, a uint64, n int) []T {
	t.Helper()
	v := make([]T, n)
	b, err := m.Bytes(a, n*binary.Size(v[0]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := binary.Decode(b, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(t testing.TB, src string) *Program {
	t.Helper()
	p, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func kernels(t testing.TB) *Program {
	t.Helper()
	b, err := os.ReadFile("testdata/kernels.ptx")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(b))
}

// snippet is a kernel of some lines: %rd1 is the address of out, %rd2 of in, %r1 the
// thread, %rd3 the thread as 64 bits.
func snippet(declarations, body string) string {
	return fmt.Sprintf(`.version 7.8
.target sm_80
.address_size 64
%s
.visible .entry k(.param .u64 out, .param .u64 in)
{
	.reg .pred %%p<20>; .reg .b16 %%h<20>; .reg .b32 %%r<60>; .reg .f32 %%f<60>; .reg .b64 %%rd<60>; .reg .f64 %%d<20>;
	ld.param.u64 %%rd1, [out];
	ld.param.u64 %%rd2, [in];
	mov.u32 %%r1, %%tid.x;
	cvt.u64.u32 %%rd3, %%r1;
%s
	ret;
}
`, declarations, body)
}

// one runs a snippet in one block.
func one(t testing.TB, declarations, body string, threads int, in any, outBytes int) ([]byte, error) {
	t.Helper()
	p := parse(t, snippet(declarations, body))
	m := New(Options{MaxSteps: 1e6})
	out := m.Alloc(outBytes)
	err := m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{threads, 1, 1}, 0, arguments(out, upload(t, m, in)))
	b, _ := m.Bytes(out, outBytes)
	return b, err
}

// each runs an instruction on every row of operands: registers %a, %b, %c and %d of
// types; it returns the bits of %d.
func each(t testing.TB, op string, dType string, aType, bType, cType string, rows [][3]uint64) []uint64 {
	t.Helper()
	var flat []uint64
	for _, r := range rows {
		flat = append(flat, r[:]...)
	}
	width := func(typ string) string { return strings.TrimLeft(typ, "bsuf") }
	body := fmt.Sprintf(`
	.reg .%s %%x; .reg .%s %%a; .reg .%s %%b; .reg .%s %%c;
	mov.u32 %%r2, %%ctaid.x; mov.u32 %%r3, %%ntid.x; mad.lo.u32 %%r1, %%r2, %%r3, %%r1;
	setp.ge.u32 %%p1, %%r1, %d;
	@%%p1 ret;
	mul.wide.u32 %%rd4, %%r1, 24; add.u64 %%rd4, %%rd4, %%rd2;
	ld.global.b%s %%a, [%%rd4]; ld.global.b%s %%b, [%%rd4+8]; ld.global.b%s %%c, [%%rd4+16];
	%s;
	mul.wide.u32 %%rd5, %%r1, 8; add.u64 %%rd5, %%rd5, %%rd1;
	st.global.b%s [%%rd5], %%x;`, dType, aType, bType, cType, len(rows), width(aType), width(bType), width(cType), op, width(dType))
	p := parse(t, snippet("", body))
	m := New(Options{})
	out := m.Alloc(8 * len(rows))
	m.Set(out, 0, 8*len(rows))
	blocks := (len(rows) + 127) / 128
	if err := m.Launch(p, "k", [3]int{blocks, 1, 1}, [3]int{128, 1, 1}, 0, arguments(out, upload(t, m, flat))); err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return download[uint64](t, m, out, len(rows))
}

// caught wants a fault of a kind, that names a text.
func caught(t testing.TB, err error, kind Kind, texts ...string) *Fault {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault, but %v", err)
	}
	if f.Kind != kind {
		t.Fatalf("a fault of kind %v, not %v: %v", f.Kind, kind, f)
	}
	for _, text := range texts {
		if !strings.Contains(f.Error(), text) {
			t.Fatalf("%q says nothing of %q", f.Error(), text)
		}
	}
	return f
}
