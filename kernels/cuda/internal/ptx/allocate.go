package ptx

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// A PTX text has a new register for nearly every result: thousands, of which few are in
// use at a time. The slots of a warp would not fit a processor's cache, so a function is
// decoded twice: first to see where each register is written and read, then with the
// registers whose uses do not overlap in one slot. A register that is read before it is
// written counts as in use from the function's beginning, and so shares with nobody who
// could make it look written.

// access is a use of a register by an instruction.
type access struct {
	pc  int32
	reg int32
	def bool // writes it, whatever a guard says
}

// lifetime is where a register is in use: an instruction reads at twice its place, and
// writes one later.
type lifetime struct {
	reg      int32
	from, to int32
}

// maxLiveness bounds blocks times registers, for what allocation costs.
var maxLiveness = 1 << 28

// allocate returns a slot for each of n registers, and how many slots there are.
func allocate(code []instr, uses []access, n int) ([]int32, int) {
	g := flow(code)
	if len(g.start)*n > maxLiveness {
		all := make([]int32, n)
		for i := range all {
			all[i] = int32(i)
		}
		return all, n
	}
	lives := g.lifetimes(code, uses, n)
	slices.SortFunc(lives, func(a, b lifetime) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.reg, b.reg)) })
	slots := make([]int32, n)
	var active []lifetime // of the slots in use, by their end
	var free []int32
	count := 0
	for _, l := range lives {
		keep := active[:0]
		for _, a := range active {
			if a.to < l.from {
				free = append(free, slots[a.reg])
			} else {
				keep = append(keep, a)
			}
		}
		active = append(keep, l)
		if len(free) > 0 {
			slots[l.reg], free = free[len(free)-1], free[:len(free)-1]
		} else {
			slots[l.reg] = int32(count)
			count++
		}
	}
	return slots, count
}

// bitset is a set of registers.
type bitset []uint64

func (b bitset) has(i int32) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b bitset) set(i int32)      { b[i/64] |= 1 << (i % 64) }

func (b bitset) each(f func(i int32)) {
	for at, word := range b {
		for ; word != 0; word &= word - 1 {
			f(int32(64*at + bits.TrailingZeros64(word)))
		}
	}
}

// lifetimes finds where registers are in use: from what is live at the borders of basic
// blocks.
func (g *graph) lifetimes(code []instr, uses []access, n int) []lifetime {
	lives := make([]lifetime, n)
	for i := range lives {
		lives[i] = lifetime{int32(i), math.MaxInt32, -1}
	}
	extend := func(reg, at int32) {
		lives[reg].from, lives[reg].to = min(lives[reg].from, at), max(lives[reg].to, at)
	}
	for _, u := range uses {
		at := 2 * u.pc
		if u.def {
			at++
		}
		extend(u.reg, at)
	}
	in := g.live(code, uses, n)
	for b := range g.start {
		last := int32(len(code) - 1)
		if b+1 < len(g.start) {
			last = g.start[b+1] - 1
		}
		in[b].each(func(r int32) { extend(r, 2*g.start[b]) })
		for _, s := range g.next[b] {
			if int(s) < len(g.start) {
				in[s].each(func(r int32) { extend(r, 2*last+1) })
			}
		}
	}
	return slices.DeleteFunc(lives, func(l lifetime) bool { return l.to < 0 })
}

// live returns the registers that are in use at the beginning of each block: what it
// reads before it writes it, and what the blocks behind it need that it does not write.
// A write under a guard may leave the old value, and so does not end its use.
func (g *graph) live(code []instr, uses []access, n int) []bitset {
	blocks, words := len(g.start), (n+63)/64
	all := make(bitset, 2*blocks*words)
	in, killed := make([]bitset, blocks), make([]bitset, blocks)
	for b := range blocks {
		in[b], killed[b] = all[2*b*words:][:words], all[(2*b+1)*words:][:words]
	}
	// An instruction reads before it writes, in whichever order its text was read.
	slices.SortStableFunc(uses, func(a, b access) int {
		if a.pc != b.pc {
			return cmp.Compare(a.pc, b.pc)
		}
		return cmp.Compare(btoi(a.def), btoi(b.def))
	})
	for _, u := range uses {
		b := g.of[u.pc]
		if u.def && code[u.pc].pred < 0 {
			killed[b].set(u.reg)
		} else if !u.def && !killed[b].has(u.reg) {
			in[b].set(u.reg)
		}
	}
	for changed := true; changed; {
		changed = false
		for b := blocks - 1; b >= 0; b-- {
			for _, s := range g.next[b] {
				if int(s) == blocks {
					continue
				}
				for i, v := range in[s] {
					if more := v &^ killed[b][i] &^ in[b][i]; more != 0 {
						in[b][i] |= more
						changed = true
					}
				}
			}
		}
	}
	return in
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
