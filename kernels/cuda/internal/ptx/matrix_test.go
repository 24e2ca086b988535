package ptx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// operandsOfMMA is a product D = A·B + C of one warp.
type operandsOfMMA struct {
	shape string
	typ   string
	k     int
	a     [16][16]float32
	b     [16][8]float32
	c     [16][8]float32
}

// fragments lays the operands out for the lanes, as PTX's tables have them, here written
// down once more, element by element: for each lane A, B, C. na and nb are the registers.
func (o *operandsOfMMA) fragments() (words []uint32, na, nb int) {
	typ := types[o.typ]
	half := typ.bits == 16
	bits := func(v float32) uint32 { return uint32(writeFloat(typ, "rn")(float64(v))) }
	na, nb = 16*o.k*typ.bits/1024, 8*o.k*typ.bits/1024
	for lane := range 32 {
		group, place := lane/4, lane%4
		for i := range na * 32 / typ.bits {
			row, col := group+i%2*8, place+i/2*4
			if half {
				row, col = group+i/2%2*8, place*2+i%2+i/4*8
			}
			words = pushHalf(words, i, typ.bits, bits(o.a[row][col]))
		}
		for i := range nb * 32 / typ.bits {
			row := place + 4*i
			if half {
				row = place*2 + i%2 + i/2*8
			}
			words = pushHalf(words, i, typ.bits, bits(o.b[row][group]))
		}
		for i := range 4 {
			words = append(words, math.Float32bits(o.c[group+8*(i/2)][place*2+i%2]))
		}
	}
	return words, na, nb
}

// registersOf writes {%r10, %r11, …}.
func registersOf(kind string, from, n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%%%s%d", kind, from+i))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func TestMMA(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	value := func() float32 { return float32(r.IntN(64)-32) / 8 } // exact in every type
	for _, o := range []operandsOfMMA{{shape: "m16n8k16", typ: "bf16", k: 16}, {shape: "m16n8k16", typ: "f16", k: 16}, {shape: "m16n8k8", typ: "bf16", k: 8},
		{shape: "m16n8k8", typ: "f16", k: 8}, {shape: "m16n8k8", typ: "tf32", k: 8}, {shape: "m16n8k4", typ: "tf32", k: 4}} {
		for i := range 16 {
			for k := range o.k {
				o.a[i][k] = value()
			}
			for j := range 8 {
				o.b[i][j], o.c[i][j] = value(), value()
			}
		}
		in, na, nb := o.fragments()
		body := fmt.Sprintf("mul.wide.u32 %%rd4, %%r1, %d; add.u64 %%rd4, %%rd4, %%rd2; mul.wide.u32 %%rd5, %%r1, 16; add.u64 %%rd5, %%rd5, %%rd1;\n", 4*(na+nb+4))
		for i := range na + nb {
			body += fmt.Sprintf("ld.global.b32 %%r%d, [%%rd4+%d];\n", 10+i, 4*i)
		}
		for i := range 4 {
			body += fmt.Sprintf("ld.global.f32 %%f%d, [%%rd4+%d];\n", 10+i, 4*(na+nb+i))
		}
		acc := registersOf("f", 10, 4)
		body += fmt.Sprintf("mma.sync.aligned.%s.row.col.f32.%s.%s.f32 %s, %s, %s, %s;\n", o.shape, o.typ, o.typ, acc, registersOf("r", 10, na), registersOf("r", 10+na, nb), acc)
		body += "st.global.v4.f32 [%rd5], " + acc + ";"
		m := New(Options{})
		out := m.Alloc(32 * 16)
		if err := m.Launch(parse(t, snippet("", body)), "k", [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, arguments(out, upload(t, m, in))); err != nil {
			t.Fatal(o.shape, o.typ, err)
		}
		for i, got := range download[float32](t, m, out, 128) {
			row, col := i/4/4+8*(i%4/2), i/4%4*2+i%2
			want := o.c[row][col]
			for k := range o.k {
				want += o.a[row][k] * o.b[k][col] // exact
			}
			if got != want {
				t.Fatalf("%s %s: element %d, %d is %v, not %v", o.shape, o.typ, row, col, got, want)
			}
		}
	}
}

// pushHalf appends a value, as the upper half of the last word where it belongs there.
func pushHalf(to []uint32, i, width int, v uint32) []uint32 {
	if width == 16 && i%2 == 1 {
		to[len(to)-1] |= v << 16
		return to
	}
	return append(to, v)
}

// ldmatrix gives a lane two neighbours of a row, or, transposed, of a column.
func TestLoadMatrix(t *testing.T) {
	for _, trans := range []bool{false, true} {
		for _, n := range []int{1, 2, 4} {
			mode := fmt.Sprintf("x%d", n)
			if trans {
				mode += ".trans"
			}
			list := []string{"%r10", "%r11", "%r12", "%r13"}[:n]
			// Element (row, col) of matrix k is 64k + 8·row + col; rows are 16 bytes
			// apart, each lane writes its own, and lanes beyond give no address.
			body := `
	mul.wide.u32 %rd4, %r1, 16; mov.u64 %rd5, room; add.u64 %rd6, %rd5, %rd4; mul.lo.u32 %r2, %r1, 8;`
			for col := range 8 {
				body += fmt.Sprintf("add.u32 %%r3, %%r2, %d; st.shared.u16 [%%rd6+%d], %%r3;\n", col, 2*col)
			}
			body += fmt.Sprintf("bar.sync 0; ldmatrix.sync.aligned.m8n8.%s.shared.b16 {%s}, [%%rd6];\n", mode, strings.Join(list, ", "))
			body += fmt.Sprintf("mul.wide.u32 %%rd7, %%r1, %d; add.u64 %%rd7, %%rd7, %%rd1;\n", 4*n)
			for i, r := range list {
				body += fmt.Sprintf("st.global.b32 [%%rd7+%d], %s;\n", 4*i, r)
			}
			m := New(Options{})
			out := m.Alloc(128 * n)
			if err := m.Launch(parse(t, snippet(".shared .align 16 .b8 room[512];", body)), "k", [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, arguments(out, out)); err != nil {
				t.Fatal(err)
			}
			for i, got := range download[uint32](t, m, out, 32*n) {
				lane, k := i/n, i%n
				first, second := 64*k+lane/4*8+lane%4*2, 64*k+lane/4*8+lane%4*2+1
				if trans {
					first, second = 64*k+lane%4*16+lane/4, 64*k+lane%4*16+8+lane/4
				}
				if want := uint32(first | second<<16); got != want {
					t.Fatalf("%s: lane %d, register %d: %#x, not %#x", mode, lane, k, got, want)
				}
			}
		}
	}
}
