package ptx

import (
	"fmt"
	"math/bits"
)

// asyncCopies are the copies to shared memory that a thread has begun. The data arrives
// at the wait; until then what it goes to counts as not written.
type asyncCopies struct {
	open   []asyncCopy   // in no group yet
	groups [][]asyncCopy // committed, oldest first
}

type asyncCopy struct {
	to   uint64
	data []byte
}

// asyncOf is a cp.async.
type asyncOf struct {
	bytes int
	size  int32 // slot of the source's size; -1: all
	skip  int32 // predicate; -1: none
}

// decodeAsync is cp.async and its groups.
func decodeAsync(c *compiler, s *statement) (instr, error) {
	if !s.has("async") {
		return instr{}, c.fail("unknown instruction cp")
	}
	switch {
	case s.has("commit_group"):
		return instr{run: runCommit}, c.want(0, 0)
	case s.has("wait_all"):
		return instr{run: runWaitAll}, c.want(0, 0)
	case s.has("wait_group"):
		if len(s.ops) != 1 || s.ops[0].kind != operandNumber {
			return instr{}, c.fail("wait_group takes a number")
		}
		return instr{run: runWaitGroup, off: int64(s.ops[0].number.bits)}, nil
	}
	s.has("ca")
	s.has("cg")
	s.hints()
	toShared := s.has("shared") || s.has("shared::cta")
	if !toShared || !s.has("global") || len(s.ops) < 3 || len(s.ops) > 4 || s.ops[2].kind != operandNumber {
		return instr{}, c.fail("no such copy")
	}
	x := &asyncOf{bytes: int(s.ops[2].number.bits), size: -1, skip: -1}
	if x.bytes != 4 && x.bytes != 8 && x.bytes != 16 {
		return instr{}, c.fail("a copy has 4, 8 or 16 bytes")
	}
	in := instr{run: runAsync, x: x, space: shared}
	to, from := instr{space: shared}, instr{space: global}
	if err := c.addressing(&to, s.ops[0]); err != nil {
		return in, err
	}
	if err := c.addressing(&from, s.ops[1]); err != nil {
		return in, err
	}
	in.a, in.off, in.b, in.regs = to.b, to.off, from.b, nil
	in.fromOff = from.off
	if len(s.ops) == 4 {
		var err error
		if x.size, err = c.src(s.ops[3], types["u32"]); err != nil {
			x.size = -1
			x.skip, err = c.predicate(s.ops[3].name)
		}
		return in, err
	}
	return in, nil
}

func runAsync(w *warp, in *instr, m uint32) {
	x := in.x.(*asyncOf)
	w.need(in, m, in.a, in.b)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		n := x.bytes
		if x.size >= 0 {
			w.need(in, 1<<i, x.size)
			n = int(w.regs[x.size][i])
		}
		if x.skip >= 0 && w.preds[x.skip]>>i&1 != 0 {
			n = 0
		}
		if n > x.bytes {
			w.fault(in, i, Limits, 0, "", fmt.Sprintf("a copy of %d bytes, with %d of a source", x.bytes, n))
		}
		to := w.regs[in.a][i] + uint64(in.off)
		data := make([]byte, x.bytes)
		from := w.regs[in.b][i] + uint64(in.fromOff)
		if from%uint64(x.bytes) != 0 {
			w.fault(in, i, Misaligned, from, w.where(global, from, i), fmt.Sprintf("a copy of %d bytes", x.bytes))
		}
		for k := 0; k < n; {
			step := 4
			if n-k < 4 {
				step = 1
			}
			r, at := w.place(in, i, global, from+uint64(k), step, read)
			copy(data[k:], r.data[at:at+step])
			k += step
		}
		r, at := w.place(in, i, shared, to, x.bytes, 0)
		fill(r.state[at:at+x.bytes], unset)
		p := &w.pending[i]
		p.open = append(p.open, asyncCopy{to, data})
	}
}

func runCommit(w *warp, in *instr, m uint32) {
	for rest := m; rest != 0; rest &= rest - 1 {
		p := &w.pending[bits.TrailingZeros32(rest)]
		p.groups = append(p.groups, p.open)
		p.open = nil
	}
}

func runWaitGroup(w *warp, in *instr, m uint32) { w.arrive(in, m, int(in.off), false) }

func runWaitAll(w *warp, in *instr, m uint32) { w.arrive(in, m, 0, true) }

// arrive writes what the threads of m have copied, but for the newest groups that may
// still be under way.
func (w *warp) arrive(in *instr, m uint32, left int, open bool) {
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		p := &w.pending[i]
		for len(p.groups) > left {
			w.land(in, i, p.groups[0])
			p.groups = p.groups[1:]
		}
		if open {
			w.land(in, i, p.open)
			p.open = nil
		}
	}
}

func (w *warp) land(in *instr, lane int, copies []asyncCopy) {
	for _, c := range copies {
		w.value = c.data
		r, at := w.place(in, lane, shared, c.to, len(c.data), write)
		copy(r.data[at:], c.data)
	}
}
