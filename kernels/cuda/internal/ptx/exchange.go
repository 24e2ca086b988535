package ptx

import (
	"fmt"
	"math/bits"
)

// members checks that the threads that a warp's exchange names are those that came to
// it, and returns them.
func (w *warp) members(in *instr, m uint32, slot int32) uint32 {
	w.need(in, m, slot)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		named := uint32(w.regs[slot][i])
		if named>>i&1 == 0 {
			w.fault(in, i, DivergentBarrier, 0, "", fmt.Sprintf("the thread is not among those that it names: %#x", named))
		}
		if missing := named & w.live &^ m; missing != 0 {
			w.fault(in, bits.TrailingZeros32(missing), DivergentBarrier, 0, "", fmt.Sprintf("threads %#x of the warp are named, and %#x take another way", named, missing))
		}
	}
	return m
}

func decodeWarpBarrier(c *compiler, s *statement) (instr, error) {
	s.has("sync")
	in := instr{run: func(w *warp, in *instr, m uint32) {
		w.members(in, m, in.a)
		w.syncs++
	}}
	if len(s.ops) != 1 {
		return in, c.fail("bar.warp.sync takes a mask")
	}
	var err error
	in.a, err = c.src(s.ops[0], types["b32"])
	return in, err
}

// shuffle is a shfl.sync.
type shuffle struct {
	mode string
	pred int32 // -1: none
	c    int32
	mask int32
}

func decodeShuffle(c *compiler, s *statement) (instr, error) {
	x := &shuffle{mode: s.oneOf("up", "down", "bfly", "idx"), pred: -1}
	in := instr{run: runShuffle, x: x}
	if !s.has("sync") || x.mode == "" || len(s.types) != 1 || s.types[0].bits != 32 || len(s.ops) != 5 {
		return in, c.fail("no such exchange")
	}
	var err error
	if s.ops[0].second != "" {
		if x.pred, err = c.predicate(s.ops[0].second); err != nil {
			return in, err
		}
	}
	if in.d, err = c.dst(s.ops[0]); err != nil {
		return in, err
	}
	for i, at := range []*int32{&in.a, &in.b, &x.c, &x.mask} {
		if *at, err = c.src(s.ops[i+1], types["b32"]); err != nil {
			return in, err
		}
	}
	return in, nil
}

// source returns the lane that a lane reads, and whether it is within its segment.
func (x *shuffle) source(lane, b, c int) (int, bool) {
	segment := c >> 8 & 31
	b &= 31
	most := lane&segment | c&31&^segment
	j := lane
	ok := false
	switch x.mode {
	case "up":
		j = lane - b
		ok = j >= most
	case "down":
		j = lane + b
		ok = j <= most
	case "bfly":
		j = lane ^ b
		ok = j <= most
	default:
		j = lane&segment | b&^segment
		ok = j <= most
	}
	if !ok {
		j = lane
	}
	return j, ok
}

func runShuffle(w *warp, in *instr, m uint32) {
	x := in.x.(*shuffle)
	w.members(in, m, x.mask)
	w.need(in, m, in.a, in.b, x.c)
	a := w.regs[in.a]
	var shade [32]float64
	if w.shadow != nil {
		shade = w.shadow[in.a]
	}
	var within uint32
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		j, ok := x.source(i, int(w.regs[in.b][i]), int(w.regs[x.c][i]))
		if m>>j&1 == 0 {
			w.fault(in, i, Uninitialised, 0, "", fmt.Sprintf("lane %d is read, which takes no part", j))
		}
		w.regs[in.d][i] = a[j]
		if w.shadow != nil {
			w.shadow[in.d][i] = shade[j]
		}
		if ok {
			within |= 1 << i
		}
	}
	w.init[in.d] |= m
	if x.pred >= 0 {
		w.setPred(x.pred, within, m)
	}
}

func decodeVote(c *compiler, s *statement) (instr, error) {
	mode := s.oneOf("all", "any", "uni", "ballot")
	in := instr{}
	if !s.has("sync") || mode == "" || len(s.ops) != 3 {
		return in, c.fail("no such vote")
	}
	var err error
	if mode == "ballot" {
		in.d, err = c.dst(s.ops[0])
	} else {
		in.d, err = c.predicate(s.ops[0].name)
	}
	if err != nil {
		return in, err
	}
	not, constant := s.ops[1].not, uint32(0)
	if in.a = -1; s.ops[1].kind == operandNumber {
		constant = -uint32(min(s.ops[1].number.bits, 1))
	} else if in.a, err = c.predicate(s.ops[1].name); err != nil {
		return in, err
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.members(in, m, in.b)
		p := constant
		if in.a >= 0 {
			w.needPred(in, m, in.a)
			p = w.preds[in.a]
		}
		if not {
			p = ^p
		}
		w.vote(in, mode, p&m, m)
	}
	in.b, err = c.src(s.ops[2], types["b32"])
	return in, err
}

func (w *warp) vote(in *instr, mode string, p, m uint32) {
	yes := false
	switch mode {
	case "ballot":
		w.give(in.d, uint64(p), m)
		return
	case "all":
		yes = p == m
	case "any":
		yes = p != 0
	case "uni":
		yes = p == m || p == 0
	}
	if yes {
		w.setPred(in.d, everyLane, m)
	} else {
		w.setPred(in.d, 0, m)
	}
}

// give sets a register of the threads of m to a value.
func (w *warp) give(d int32, v uint64, m uint32) {
	for rest := m; rest != 0; rest &= rest - 1 {
		w.regs[d][bits.TrailingZeros32(rest)&31] = v
	}
	w.init[d] |= m
}

func decodeActive(c *compiler, s *statement) (instr, error) {
	in := instr{run: func(w *warp, in *instr, m uint32) { w.give(in.d, uint64(m), m) }}
	if err := c.want(1, 1); err != nil {
		return in, err
	}
	var err error
	in.d, err = c.dst(s.ops[0])
	return in, err
}

func decodeMatch(c *compiler, s *statement) (instr, error) {
	all := s.has("all")
	in := instr{}
	if !all && !s.has("any") || !s.has("sync") || len(s.types) != 1 || len(s.ops) != 3 {
		return in, c.fail("no such match")
	}
	var err error
	pred := int32(-1)
	if s.ops[0].second != "" {
		if pred, err = c.predicate(s.ops[0].second); err != nil {
			return in, err
		}
	}
	if in.d, err = c.dst(s.ops[0]); err != nil {
		return in, err
	}
	if in.a, err = c.src(s.ops[1], s.types[0]); err != nil {
		return in, err
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.members(in, m, in.b)
		w.need(in, m, in.a)
		a := w.regs[in.a]
		every := uint32(0)
		for rest := m; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros32(rest) & 31
			same := uint32(0)
			for j := range 32 {
				if m>>j&1 != 0 && a[j] == a[i] {
					same |= 1 << j
				}
			}
			if all && same != m {
				same = 0
			}
			w.regs[in.d][i] = uint64(same)
			if same == m {
				every = m
			}
		}
		w.init[in.d] |= m
		if pred >= 0 {
			w.setPred(pred, every, m)
		}
	}
	in.b, err = c.src(s.ops[2], types["b32"])
	return in, err
}

func decodeRedux(c *compiler, s *statement) (instr, error) {
	t, err := c.typed()
	in := instr{}
	if err != nil || t.bits != 32 || t.float() || !s.has("sync") || len(s.ops) != 3 {
		return in, c.fail("no such reduction")
	}
	k := integers[t]
	f := map[string]func(d, a, b []uint64){"add": k.add, "min": k.min, "max": k.max, "and": and64, "or": or64, "xor": xor64}[s.oneOf("add", "min", "max", "and", "or", "xor")]
	if f == nil {
		return in, c.fail("no such reduction")
	}
	in.run = func(w *warp, in *instr, m uint32) {
		w.members(in, m, in.b)
		w.need(in, m, in.a)
		var sum [1]uint64
		for i, first := 0, true; i < 32; i++ {
			if m>>i&1 == 0 {
				continue
			}
			if first {
				sum[0], first = w.regs[in.a][i], false
				continue
			}
			f(sum[:], sum[:], w.regs[in.a][i:i+1])
		}
		w.give(in.d, sum[0], m)
	}
	if in.d, err = c.dst(s.ops[0]); err != nil {
		return in, err
	}
	if in.a, err = c.src(s.ops[1], t); err != nil {
		return in, err
	}
	in.b, err = c.src(s.ops[2], types["b32"])
	return in, err
}
