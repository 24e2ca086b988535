package ptx

import (
	"fmt"
	"math/bits"
)

// label makes the instruction wait for the place of a label.
func (c *compiler) label(name string, set func(in *instr, pc int32)) {
	pc := int32(len(c.f.code))
	c.fixups = append(c.fixups, fixup{label: name, scope: c.scope, token: c.s.token, set: func(to int32) { set(&c.f.code[pc], to) }})
}

func decodeBranch(c *compiler, s *statement) (instr, error) {
	s.has("uni")
	if len(s.ops) != 1 || s.ops[0].kind != operandName {
		return instr{}, c.fail("bra takes a label")
	}
	c.label(s.ops[0].name, func(in *instr, pc int32) { in.target = pc })
	return instr{run: runBranch, jumps: true}, nil
}

func runBranch(w *warp, in *instr, m uint32) {
	top := &w.ways[len(w.ways)-1]
	if m == top.mask {
		top.pc = in.target
		return
	}
	w.split(in.join, way{pc: top.pc, mask: top.mask &^ m}, way{pc: in.target, mask: m})
}

// split makes the innermost way into several, that meet at join.
func (w *warp) split(join int32, ways ...way) {
	top := &w.ways[len(w.ways)-1]
	if join == top.join {
		w.ways = w.ways[:len(w.ways)-1]
	} else {
		top.pc = join
	}
	for _, y := range ways {
		if y.pc != join && y.mask != 0 {
			y.join = join
			w.ways = append(w.ways, y)
		}
	}
}

// indexed is the labels of brx.idx.
type indexed struct{ targets []int32 }

func decodeIndexed(c *compiler, s *statement) (instr, error) {
	if !s.has("idx") || len(s.ops) != 2 {
		return instr{}, c.fail("brx.idx takes an index and a list of labels")
	}
	s.has("uni")
	var names []string
	for sc := c.scope; sc != nil && names == nil; sc = sc.parent {
		names = sc.tables[s.ops[1].name]
	}
	if names == nil {
		return instr{}, c.fail("no such list of labels")
	}
	x := &indexed{targets: make([]int32, len(names))}
	for i, name := range names {
		c.label(name, func(_ *instr, pc int32) { x.targets[i] = pc })
	}
	in := instr{run: runIndexed, x: x}
	var err error
	in.a, err = c.src(s.ops[0], types["u32"])
	return in, err
}

func runIndexed(w *warp, in *instr, m uint32) {
	w.need(in, m, in.a)
	x := in.x.(*indexed)
	top := &w.ways[len(w.ways)-1]
	ways := []way{{pc: top.pc, mask: top.mask &^ m}}
	for rest := m; rest != 0; {
		lane := bits.TrailingZeros32(rest)
		index := w.regs[in.a][lane]
		if index >= uint64(len(x.targets)) {
			w.fault(in, lane, OutOfBounds, 0, "", "a branch beyond its list of labels")
		}
		same := uint32(0)
		for i := range 32 {
			if rest>>i&1 != 0 && w.regs[in.a][i] == index {
				same |= 1 << i
			}
		}
		ways = append(ways, way{pc: x.targets[index], mask: same})
		rest &^= same
	}
	if len(ways) == 2 && ways[0].mask == 0 {
		top.pc = ways[1].pc
		return
	}
	w.split(in.join, ways...)
}

// callOf is a call: where the arguments lie in the caller's area, and the results.
type callOf struct {
	to         *function
	args, rets []*variable
}

func decodeCall(c *compiler, s *statement) (instr, error) {
	s.has("uni")
	x := &callOf{}
	ops := s.ops
	if len(ops) > 0 && ops[0].kind == operandList {
		var err error
		if x.rets, err = c.areas(ops[0].list); err != nil {
			return instr{}, err
		}
		ops = ops[1:]
	}
	if len(ops) == 0 || ops[0].kind != operandName {
		return instr{}, c.fail("call takes a function")
	}
	x.to = c.p.out.functions[ops[0].name]
	if x.to == nil {
		return instr{}, c.fail("no function %s", ops[0].name)
	}
	if len(ops) > 1 {
		var err error
		if x.args, err = c.areas(ops[1].list); err != nil {
			return instr{}, err
		}
	}
	if len(x.args) != len(x.to.params) || len(x.rets) != len(x.to.rets) {
		return instr{}, c.fail("%s takes %d and returns %d values", x.to.name, len(x.to.params), len(x.to.rets))
	}
	for i, v := range append(x.args[:len(x.args):len(x.args)], x.rets...) {
		formal := append(x.to.params[:len(x.to.params):len(x.to.params)], x.to.rets...)[i]
		if v.size != formal.size {
			return instr{}, c.fail("%s has %d bytes, not %d", formal.name, formal.size, v.size)
		}
	}
	c.f.calls[x.to] = true
	return instr{run: runCall, x: x}, nil
}

// areas finds the variables of a call.
func (c *compiler) areas(list []operand) ([]*variable, error) {
	var all []*variable
	for _, o := range list {
		sym, ok := c.find(o.name)
		if !ok || sym.v == nil || !c.inFrame(sym.v) {
			return nil, c.fail("no parameter of a call: %s", o.name)
		}
		all = append(all, sym.v)
	}
	return all, nil
}

// maxDepth is the most calls within calls.
const maxDepth = 256

func runCall(w *warp, in *instr, m uint32) {
	x := in.x.(*callOf)
	lane := bits.TrailingZeros32(m)
	if !x.to.defined {
		w.fault(in, lane, Unsupported, 0, "", "function "+x.to.name+" has no body")
	}
	if len(w.frames) == maxDepth {
		w.fault(in, lane, Limits, 0, "", "calls within calls, too deep")
	}
	from := w.frame
	if w.base+from.fn.localBytes+x.to.localBytes > MaxLocal {
		w.fault(in, lane, Limits, 0, "", fmt.Sprintf("calls use more than %d bytes of local memory", MaxLocal))
	}
	w.enter(x.to, x, m)
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest)
		theirs, ours := w.areaOf(w.frame, i), w.areaOf(from, i)
		for k, v := range x.args {
			copy(theirs[x.to.params[k].offset:], ours[v.offset:v.offset+v.size])
		}
	}
}

// leave ends the innermost function: its results go to the caller.
func (w *warp) leave() {
	f := w.frame
	if len(w.frames) == 1 {
		w.stop = true
		return
	}
	w.frames = w.frames[:len(w.frames)-1]
	w.frame = w.frames[len(w.frames)-1]
	for rest := f.mask & w.live; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest)
		theirs, ours := w.areaOf(f, i), w.areaOf(w.frame, i)
		for k, v := range f.call.rets {
			copy(ours[v.offset:v.offset+v.size], theirs[f.call.to.rets[k].offset:])
		}
	}
	w.k.release(f)
}

func decodeReturn(c *compiler, s *statement) (instr, error) {
	s.has("uni")
	return instr{run: runReturn, target: -1}, c.want(0, 0)
}

func decodeExit(c *compiler, s *statement) (instr, error) {
	return instr{run: runExit, target: -1}, c.want(0, 0)
}

func decodeTrap(c *compiler, s *statement) (instr, error) {
	run := func(w *warp, in *instr, m uint32) {
		w.fault(in, bits.TrailingZeros32(m), Trap, 0, "", "the kernel stopped itself")
	}
	return instr{run: run, target: -1}, c.want(0, 0)
}

// runReturn ends the function for the threads of m; of the kernel, the threads.
func runReturn(w *warp, in *instr, m uint32) {
	if len(w.frames) == 1 {
		w.live &^= m
	}
	drop(w.frame, m)
}

func runExit(w *warp, in *instr, m uint32) {
	w.live &^= m
	for _, f := range w.frames {
		drop(f, m)
	}
}

// drop takes threads out of all ways of a function.
func drop(f *frame, m uint32) {
	for i := range f.ways {
		f.ways[i].mask &^= m
	}
	for n := len(f.ways); n > 0 && f.ways[n-1].mask == 0; n-- {
		f.ways = f.ways[:n-1]
	}
}
