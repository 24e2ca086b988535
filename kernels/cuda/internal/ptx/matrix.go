package ptx

import "fmt"

// decodeLoadMatrix is ldmatrix: 8×8 matrices of 16-bit values, the row addresses of
// matrix k by lanes 8k to 8k+7.
func decodeLoadMatrix(c *compiler, s *statement) (instr, error) {
	in := instr{space: shared}
	n := 0
	for i, name := range []string{"x1", "x2", "x4"} {
		if s.has(name) {
			n = 1 << i
		}
	}
	trans := s.has("trans")
	if !s.has("sync") || !s.has("aligned") || !s.has("m8n8") || s.space() != shared || n == 0 || len(s.ops) != 2 || len(s.ops[0].list) != n {
		return in, c.fail("no such load of matrices")
	}
	for _, o := range s.ops[0].list {
		at, err := c.dst(o)
		if err != nil {
			return in, err
		}
		in.regs = append(in.regs, at)
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.whole(in, m)
		w.need(in, uint32(uint64(1)<<(8*n)-1), in.b)
		rows := w.regs[in.b]
		for k, d := range in.regs {
			var tile [8][8]uint16
			for row := range 8 {
				lane := 8*k + row
				r, at := w.place(in, lane, shared, rows[lane]+uint64(in.off), 16, read)
				for col := range 8 {
					tile[row][col] = le.Uint16(r.data[at+2*col:])
				}
			}
			for lane := range 32 {
				row, col := lane/4, lane%4*2
				if trans {
					w.regs[d][lane] = uint64(tile[col][row]) | uint64(tile[col+1][row])<<16
				} else {
					w.regs[d][lane] = uint64(tile[row][col]) | uint64(tile[row][col+1])<<16
				}
			}
			w.init[d] = everyLane
			if w.shadow != nil {
				w.shadowSeed(d, everyLane)
			}
		}
	}
	return in, c.addressing(&in, s.ops[1])
}

// whole faults where not all 32 threads of a warp take part.
func (w *warp) whole(in *instr, m uint32) {
	if m != everyLane {
		w.fault(in, 0, DivergentBarrier, 0, "", fmt.Sprintf("only threads %#x of the warp take part", m))
	}
}

// mma is an mma.sync.
type mma struct {
	k     int // the inner length
	pairs bool
	a     []int32
	b     []int32
	c     []int32
	d     []int32
	read  func(uint64) float64
}

// decodeMMA is mma.sync.aligned.m16n8k{8,16}.row.col.f32.T.T.f32.
func decodeMMA(c *compiler, s *statement) (instr, error) {
	x := &mma{}
	in := instr{x: x, run: runMMA}
	shape := s.oneOf("m16n8k8", "m16n8k16", "m16n8k4")
	f := types["f32"]
	if !s.has("sync") || !s.has("aligned") || !s.has("row") || !s.has("col") || len(s.types) != 4 || s.types[0] != f || s.types[3] != f || s.types[1] != s.types[2] || len(s.ops) != 4 {
		return in, c.fail("no such product of matrices")
	}
	t := s.types[1]
	x.read = readFloat(t)
	na, nb := 0, 0
	switch {
	case shape == "m16n8k16" && t.bits == 16:
		x.k, x.pairs, na, nb = 16, true, 4, 2
	case shape == "m16n8k8" && t.bits == 16:
		x.k, x.pairs, na, nb = 8, true, 2, 1
	case shape == "m16n8k8" && t.kind == 't':
		x.k, na, nb = 8, 4, 2
	case shape == "m16n8k4" && t.kind == 't':
		x.k, na, nb = 4, 2, 1
	default:
		return in, c.fail("no such product of matrices")
	}
	if t.kind == 't' {
		// The lower 13 bits of an operand count for nothing.
		x.read = func(v uint64) float64 { return float64(f32(v &^ 0x1fff)) }
	}
	for i, n := range []int{4, na, nb, 4} {
		if len(s.ops[i].list) != n {
			return in, c.fail("operand %d has %d registers, not %d", i, len(s.ops[i].list), n)
		}
		for _, o := range s.ops[i].list {
			var at int32
			var err error
			if i == 0 {
				at, err = c.dst(o)
				x.d = append(x.d, at)
			} else if at, err = c.src(o, f); i == 1 {
				x.a = append(x.a, at)
			} else if i == 2 {
				x.b = append(x.b, at)
			} else {
				x.c = append(x.c, at)
			}
			if err != nil {
				return in, err
			}
		}
	}
	return in, nil
}

// runMMA adds the products exactly, in float64 in order of k, to the accumulator, and
// rounds once. The hardware rounds more often, and PTX does not say in which order.
func runMMA(w *warp, in *instr, m uint32) {
	x := in.x.(*mma)
	w.whole(in, m)
	for _, list := range [][]int32{x.a, x.b, x.c} {
		w.need(in, m, list...)
	}
	var a [16][16]float64
	var b [16][8]float64
	x.gather(w, &a, &b)
	var out [4]lanes
	var exact [4][32]float64
	for lane := range 32 {
		for i := range 4 {
			row, col := lane/4+8*(i/2), lane%4*2+i%2
			sum := 0.0
			for k := range x.k {
				sum += a[row][k] * b[k][col]
			}
			if w.shadow != nil {
				exact[i][lane] = sum + w.shadow[x.c[i]][lane]
			}
			out[i][lane] = b32(float32(sum + float64(f32(w.regs[x.c[i]][lane]))))
		}
	}
	for i, d := range x.d {
		w.regs[d] = out[i]
		w.init[d] = everyLane
		if w.shadow != nil {
			w.shadow[d] = exact[i]
		}
	}
}

// gather reads the operands out of the registers of the warp.
func (x *mma) gather(w *warp, a *[16][16]float64, b *[16][8]float64) {
	for lane := range 32 {
		group, place := lane/4, lane%4
		for i, r := range x.a {
			row, col := group+8*(i%2), place+4*(i/2)
			v := w.regs[r][lane]
			if x.pairs {
				col = place*2 + 8*(i/2)
				a[row][col], a[row][col+1] = x.read(v&0xffff), x.read(v>>16)
			} else {
				a[row][col] = x.read(v)
			}
		}
		for i, r := range x.b {
			v := w.regs[r][lane]
			if x.pairs {
				k := place*2 + 8*i
				b[k][group], b[k+1][group] = x.read(v&0xffff), x.read(v>>16)
			} else {
				b[place+4*i][group] = x.read(v)
			}
		}
	}
}
