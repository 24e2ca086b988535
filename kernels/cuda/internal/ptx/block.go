package ptx

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
)

// block is the block that a worker runs.
type block struct {
	index    [3]int
	shared   region
	placed   []placed
	barriers [16]barrier
}

// barrier is one of the sixteen of a block.
type barrier struct {
	id      int
	arrived int    // threads
	want    int    // threads that it waits for; 0: nobody is there
	warps   uint32 // that wait
	joined  uint32 // that came, waiting or not
	in      *instr
	yes     int // threads whose predicate holds
	threads int // that gave a predicate
}

// whereShared describes an address in shared memory.
func (b *block) whereShared(address uint64) string {
	off := address - sharedStart
	for _, p := range b.placed {
		if off-uint64(p.offset) < uint64(p.size) {
			return fmt.Sprintf("byte %d of shared variable %s of %d bytes", off-uint64(p.offset), p.v.name, p.size)
		}
	}
	return fmt.Sprintf("outside the shared variables (%d bytes)", len(b.shared.data))
}

// runBlock runs all threads of a block.
func (k *worker) runBlock(index [3]int, random *rand.Rand) {
	k.startBlock(index)
	order := make([]int, len(k.warps))
	for i := range order {
		order[i] = i
	}
	for {
		if random != nil {
			random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		ran, ended := false, true
		for _, i := range order {
			w := k.warps[i]
			if w.live != 0 && w.wait == nil {
				w.run()
				ran = true
			}
			if w.live != 0 {
				ended = false
			}
		}
		if ended {
			return
		}
		if !k.releaseBarriers() && !ran {
			k.stuck()
		}
	}
}

// releaseBarriers lets go the warps of barriers that are complete.
func (k *worker) releaseBarriers() bool {
	released := false
	for i := range k.blk.barriers {
		b := &k.blk.barriers[i]
		if b.want == 0 || b.arrived < b.want {
			continue
		}
		released = true
		k.ordered(b.joined)
		for rest := b.warps; rest != 0; rest &= rest - 1 {
			w := k.warps[bits.TrailingZeros32(rest)]
			w.wait = nil
			if red, ok := b.in.x.(*barrierOf); ok {
				red.result(w, b)
			}
		}
		*b = barrier{id: i}
	}
	return released
}

// stuck faults: warps wait, and nobody comes.
func (k *worker) stuck() {
	for _, w := range k.warps {
		if w.wait == nil {
			continue
		}
		b := w.wait
		w.fault(b.in, bits.TrailingZeros32(w.live), DivergentBarrier, 0, "",
			fmt.Sprintf("%d of %d threads are at barrier %d, and no other comes to it", b.arrived, b.want, b.id))
	}
}

// barrierOf is a bar or barrier instruction.
type barrierOf struct {
	id, count int32 // slots; count -1: the whole block
	arrive    bool
	aligned   bool
	red       string // and, or, popc
	pred      int32
	not       bool
	toPred    bool
}

func decodeBarrier(c *compiler, s *statement) (instr, error) {
	s.has("cta")
	if s.op == "bar" && s.has("warp") {
		return decodeWarpBarrier(c, s)
	}
	x := &barrierOf{count: -1, aligned: s.op == "bar" || s.has("aligned")}
	s.has("aligned")
	ops := s.ops
	in := instr{run: runBarrier, x: x}
	var err error
	kind := s.oneOf("sync", "arrive", "red")
	switch kind {
	case "arrive":
		x.arrive = true
	case "red":
		if err := c.reduction(s, x, &in); err != nil {
			return in, err
		}
		ops = ops[1 : len(ops)-1]
	case "":
		return in, c.fail("no such barrier")
	}
	if len(ops) < 1 || len(ops) > 2 {
		return in, c.fail("a barrier takes its number, and a count of threads")
	}
	if x.id, err = c.src(ops[0], types["u32"]); err != nil {
		return in, err
	}
	if len(ops) == 2 {
		x.count, err = c.src(ops[1], types["u32"])
	} else if x.arrive {
		return in, c.fail("arrive takes a count of threads")
	}
	return in, err
}

// reduction reads bar.red.OP.T d, a{, b}, p.
func (c *compiler) reduction(s *statement, x *barrierOf, in *instr) error {
	if len(s.ops) < 3 || len(s.types) != 1 {
		return c.fail("no such reduction")
	}
	x.red = s.oneOf("and", "or", "popc")
	x.toPred = s.types[0].kind == 'p'
	var err error
	if x.toPred {
		in.d, err = c.predicate(s.ops[0].name)
	} else {
		in.d, err = c.dst(s.ops[0])
	}
	if err != nil {
		return err
	}
	last := s.ops[len(s.ops)-1]
	x.not = last.not
	x.pred, err = c.predicate(last.name)
	return err
}

func runBarrier(w *warp, in *instr, m uint32) {
	x := in.x.(*barrierOf)
	w.need(in, m, x.id)
	lane := bits.TrailingZeros32(m)
	id := w.regs[x.id][lane]
	if id >= 16 {
		w.fault(in, lane, Limits, 0, "", fmt.Sprintf("there is no barrier %d", id))
	}
	all := w.everyThread()
	if m != all {
		missing := all &^ m
		who := "take another way"
		if missing&w.live == 0 {
			who = "have ended"
		}
		w.fault(in, bits.TrailingZeros32(missing), DivergentBarrier, 0, "", fmt.Sprintf("%d of the %d threads of the warp %s", bits.OnesCount32(missing), bits.OnesCount32(all), who))
	}
	want := w.k.threads
	if x.count >= 0 {
		want = int(uint32(w.regs[x.count][lane]))
		if want == 0 || want%32 != 0 {
			w.fault(in, lane, Limits, 0, "", fmt.Sprintf("a barrier of %d threads: no multiple of 32", want))
		}
	}
	b := &w.block.barriers[id]
	if b.want != 0 && b.want != want {
		w.fault(in, lane, DivergentBarrier, 0, "", fmt.Sprintf("barrier %d is for %d threads and for %d", id, b.want, want))
	}
	b.id, b.want, b.in = int(id), want, in
	// A barrier counts whole warps.
	if x.count >= 0 {
		b.arrived += 32
	} else {
		b.arrived += bits.OnesCount32(m)
	}
	b.joined |= 1 << w.id
	if x.red != "" {
		p := w.preds[x.pred]
		if x.not {
			p = ^p
		}
		b.yes += bits.OnesCount32(p & m)
		b.threads += bits.OnesCount32(m)
	}
	if x.arrive {
		return
	}
	b.warps |= 1 << w.id
	w.wait, w.stop = b, true
}

// result gives a warp what a barrier's reduction found.
func (x *barrierOf) result(w *warp, b *barrier) {
	if x.red == "" {
		return
	}
	value := uint64(b.yes)
	switch x.red {
	case "and":
		value = 0
		if b.yes == b.threads {
			value = 1
		}
	case "or":
		value = uint64(min(b.yes, 1))
	}
	m := w.ways[len(w.ways)-1].mask
	if x.toPred {
		w.setPred(b.in.d, uint32(-int32(value)), m)
		return
	}
	for i := range 32 {
		w.regs[b.in.d][i] = value
	}
	w.init[b.in.d] |= m
}

// everyThread is the mask of the threads that the warp began with.
func (w *warp) everyThread() uint32 {
	n := min(32, w.k.threads-32*w.id)
	return uint32(uint64(1)<<n - 1)
}

func decodeFence(c *compiler, s *statement) (instr, error) {
	for _, m := range []string{"cta", "gl", "gpu", "sys", "sc", "acq_rel", "cluster", "proxy", "async", "alias", "global"} {
		s.has(m)
	}
	return instr{run: runNothing}, nil
}
