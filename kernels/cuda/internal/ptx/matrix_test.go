package ptx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// A product D = A·B + C of one warp: fragments are laid out as PTX's tables have them,
// here written down once more, element by element.
func TestMMA(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		shape, typ string
		k          int
	}{{"m16n8k16", "bf16", 16}, {"m16n8k16", "f16", 16}, {"m16n8k8", "bf16", 8}, {"m16n8k8", "f16", 8}, {"m16n8k8", "tf32", 8}, {"m16n8k4", "tf32", 4}} {
		typ := types[c.typ]
		value := func() float32 { return float32(r.IntN(64)-32) / 8 } // exact in every type
		var a [16][16]float32
		var b [16][8]float32
		var acc [16][8]float32
		for i := range 16 {
			for k := range c.k {
				a[i][k] = value()
			}
			for j := range 8 {
				b[i][j], acc[i][j] = value(), value()
			}
		}
		bits := func(v float32) uint32 { return uint32(writeFloat(typ, "rn")(float64(v))) }
		na, nb := 16*c.k*typ.bits/1024, 8*c.k*typ.bits/1024
		perRegister := 32 / typ.bits
		var in []uint32 // per lane: A, B, C
		for lane := range 32 {
			group, place := lane/4, lane%4
			for i := range na * perRegister {
				row := group
				var col int
				if typ.bits == 16 {
					if i/2%2 == 1 {
						row += 8
					}
					col = place*2 + i%2
					if i >= 4 {
						col += 8
					}
				} else {
					if i%2 == 1 {
						row += 8
					}
					col = place
					if i >= 2 {
						col += 4
					}
				}
				in = pushHalf(in, i, typ.bits, bits(a[row][col]))
			}
			for i := range nb * perRegister {
				var row int
				if typ.bits == 16 {
					row = place*2 + i%2
					if i >= 2 {
						row += 8
					}
				} else {
					row = place + 4*i
				}
				in = pushHalf(in, i, typ.bits, bits(b[row][group]))
			}
			for i := range 4 {
				in = append(in, math.Float32bits(acc[group+8*(i/2)][place*2+i%2]))
			}
		}
		per := na + nb + 4
		names := func(from, n int, float bool) string {
			var all []string
			for i := range n {
				all = append(all, fmt.Sprintf("%%%s%d", map[bool]string{true: "f", false: "r"}[float], from+i))
			}
			return "{" + strings.Join(all, ", ") + "}"
		}
		body := fmt.Sprintf("mul.wide.u32 %%rd4, %%r1, %d; add.u64 %%rd4, %%rd4, %%rd2; mul.wide.u32 %%rd5, %%r1, 16; add.u64 %%rd5, %%rd5, %%rd1;\n", 4*per)
		for i := range na + nb {
			body += fmt.Sprintf("ld.global.b32 %%r%d, [%%rd4+%d];\n", 10+i, 4*i)
		}
		for i := range 4 {
			body += fmt.Sprintf("ld.global.f32 %%f%d, [%%rd4+%d];\n", 10+i, 4*(na+nb+i))
		}
		body += fmt.Sprintf("mma.sync.aligned.%s.row.col.f32.%s.%s.f32 %s, %s, %s, %s;\n", c.shape, c.typ, c.typ, names(10, 4, true), names(10, na, false), names(10+na, nb, false), names(10, 4, true))
		body += "st.global.v4.f32 [%rd5], {%f10, %f11, %f12, %f13};"
		m := New(Options{})
		out := m.Alloc(32 * 16)
		if err := m.Launch(parse(t, snippet("", strings.ReplaceAll(body, "v4.f32", "v4.f32"))), "k", [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, arguments(out, upload(t, m, in))); err != nil {
			t.Fatal(c, err)
		}
		for i, got := range download[float32](t, m, out, 128) {
			row, col := i/4/4+8*(i%4/2), i/4%4*2+i%2
			want := acc[row][col]
			for k := range c.k {
				want += a[row][k] * b[k][col] // exact
			}
			if got != want {
				t.Fatalf("%v: element %d, %d is %v, not %v", c, row, col, got, want)
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
