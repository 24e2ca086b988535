package ptx

import (
	"fmt"
	"math/bits"
)

// lanes is a register of the threads of a warp.
type lanes [32]uint64

// everyLane is the mask of a whole warp.
const everyLane = ^uint32(0)

// span returns the bounds of the lowest run of ones.
func span(m uint32) (lo, hi int) {
	lo = bits.TrailingZeros32(m)
	return lo, lo + bits.TrailingZeros32(^(m >> lo))
}

// way is what some threads of a warp do next: they run from pc on, until join, where
// others wait for them (-1: until they end).
type way struct {
	pc, join int32
	mask     uint32
}

// frame is a running function of a warp.
type frame struct {
	fn     *function
	regs   []lanes
	init   []uint32 // per register, the threads that wrote it
	preds  []uint32
	pset   []uint32
	shadow [][32]float64
	ways   []way
	params []byte // of its calls, and its own: fn.paramBytes for each thread
	base   int    // of its local memory
	call   *callOf
	mask   uint32 // the threads that entered
}

// warp is up to 32 threads that run together.
type warp struct {
	*frame  // the innermost
	k       *worker
	block   *block
	frames  []*frame
	id      int
	live    uint32 // threads that have not ended
	carry   uint32
	stop    bool // the warp waits, or has ended
	wait    *barrier
	local   [32]region
	pending [32]asyncCopies
	// of race.go
	syncs uint32
	seen  [32]uint32
	// value is what is being written.
	value  []byte
	buffer [32]byte
}

// run runs the warp until it waits at a barrier or all of its threads have ended.
func (w *warp) run() {
	w.stop = false
	for !w.stop {
		f := w.frame
		n := len(f.ways)
		if n == 0 {
			w.leave()
			continue
		}
		top := &f.ways[n-1]
		if top.pc == top.join || top.mask == 0 {
			f.ways = f.ways[:n-1]
			continue
		}
		in := &f.fn.code[top.pc]
		top.pc++
		w.k.steps--
		if w.k.steps < 0 {
			w.fault(in, bits.TrailingZeros32(top.mask), Limits, 0, "", "the launch runs too long")
		}
		m := top.mask
		if in.pred >= 0 {
			w.needPred(in, m, in.pred)
			if in.not {
				m &^= f.preds[in.pred]
			} else {
				m &= f.preds[in.pred]
			}
			if m == 0 {
				continue
			}
		}
		in.run(w, in, m)
	}
}

// need faults where a thread of m reads a register that it has not written.
func (w *warp) need(in *instr, m uint32, slots ...int32) {
	for _, s := range slots {
		if w.init[s]&m != m {
			w.unset(in, m, s)
		}
	}
}

// unset faults for the first of the registers that was not written.
func (w *warp) unset(in *instr, m uint32, slots ...int32) {
	if !w.k.uninit {
		return
	}
	for _, s := range slots {
		if not := m &^ w.init[s]; not != 0 {
			w.fault(in, bits.TrailingZeros32(not), Uninitialised, 0, "", fmt.Sprintf("register %s is read before it is written", in.nameOf(s)))
		}
	}
}

// nameOf returns what the text calls a register that the instruction reads.
func (in *instr) nameOf(slot int32) string {
	for _, r := range in.reads {
		if r.slot == slot {
			return r.name
		}
	}
	return "?"
}

func (w *warp) needPred(in *instr, m uint32, p int32) {
	if not := m &^ w.pset[p]; not != 0 && w.k.uninit {
		w.fault(in, bits.TrailingZeros32(not), Uninitialised, 0, "", fmt.Sprintf("predicate %s is read before it is written", w.fn.preds[p]))
	}
}

func (w *warp) setPred(p int32, value, m uint32) {
	w.preds[p] = w.preds[p]&^m | value&m
	w.pset[p] |= m
}

// fault ends the launch.
func (w *warp) fault(in *instr, lane int, kind Kind, address uint64, allocation, what string) {
	panic(&Fault{
		Kind: kind, Entry: w.k.entry.name, Line: int(in.line), Text: in.text, Block: w.block.index, Thread: w.thread(lane),
		Address: address, Allocation: allocation, What: what,
	})
}

// thread returns a lane's place in the block.
func (w *warp) thread(lane int) [3]int {
	n := w.id*32 + lane
	x, y := w.k.dims[0], w.k.dims[1]
	return [3]int{n % x, n / x % y, n / x / y}
}

// areaOf returns a thread's parameters of calls in a frame.
func (w *warp) areaOf(f *frame, lane int) []byte {
	n := f.fn.frameBytes
	return f.params[lane*n : (lane+1)*n]
}

// frameBytes returns n of them.
func (w *warp) frameBytes(in *instr, lane, off, n int) []byte {
	area := w.areaOf(w.frame, lane)
	if off < 0 || off+n > len(area) {
		w.fault(in, lane, OutOfBounds, uint64(off), "parameters of a call", fmt.Sprintf("%d bytes", n))
	}
	return area[off : off+n]
}
