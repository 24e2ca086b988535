package ptx

import "slices"

// graph is the flow between the basic blocks of a function. Block 0 of the reversed
// graph is the end.
type graph struct {
	start []int32   // first instruction of each block
	of    []int32   // the block of an instruction
	next  [][]int32 // successors; len(start) is the end
	prev  [][]int32
}

// ends reports whether an instruction leaves the function, whatever its guard says.
func ends(in *instr) bool { return in.target == -1 }

// flow cuts code into basic blocks.
func flow(code []instr) *graph {
	leader := make([]bool, len(code)+1)
	leader[0] = true
	for i := range code {
		in := &code[i]
		for _, t := range targets(in) {
			leader[t] = true
			leader[i+1] = true
		}
		if ends(in) {
			leader[i+1] = true
		}
	}
	g := &graph{of: make([]int32, len(code))}
	for i := range code {
		if leader[i] {
			g.start = append(g.start, int32(i))
		}
		g.of[i] = int32(len(g.start) - 1)
	}
	n := len(g.start)
	end := int32(n)
	g.next, g.prev = make([][]int32, n+1), make([][]int32, n+1)
	for b := range n {
		last := len(code) - 1
		if b+1 < n {
			last = int(g.start[b+1]) - 1
		}
		in := &code[last]
		var next []int32
		for _, t := range targets(in) {
			if int(t) == len(code) {
				next = append(next, end)
			} else {
				next = append(next, g.of[t])
			}
		}
		if ends(in) {
			next = append(next, end)
		}
		if falls(in) && last+1 < len(code) {
			next = append(next, int32(b+1))
		}
		slices.Sort(next)
		g.next[b] = slices.Compact(next)
		for _, t := range g.next[b] {
			g.prev[t] = append(g.prev[t], int32(b))
		}
	}
	return g
}

// targets returns where an instruction may jump to.
func targets(in *instr) []int32 {
	if x, ok := in.x.(*indexed); ok {
		return x.targets
	}
	if in.jumps {
		return []int32{in.target}
	}
	return nil
}

// falls reports whether the next instruction may follow.
func falls(in *instr) bool {
	_, many := in.x.(*indexed)
	return in.pred >= 0 || !in.jumps && !ends(in) && !many
}

// meet sets, for each branch, the first instruction that all ways from it come to: the
// immediate post-dominator (Cooper, Harvey, Kennedy: a simple, fast dominance algorithm,
// on the reversed graph).
func meet(code []instr) {
	g := flow(code)
	end := int32(len(g.start))
	order := g.postorder(end)
	place := make([]int, len(g.start)+1) // in the order; -1: no way leads to the end
	for i := range place {
		place[i] = -1
	}
	for i, b := range order {
		place[b] = i
	}
	dom := make([]int32, len(g.start)+1)
	for i := range dom {
		dom[i] = -1
	}
	dom[end] = end
	for changed := true; changed; {
		changed = false
		for i := len(order) - 2; i >= 0; i-- {
			b := order[i]
			to := int32(-1)
			for _, s := range g.next[b] {
				if place[s] < 0 || dom[s] < 0 {
					continue
				}
				if to < 0 {
					to = s
					continue
				}
				for to != s {
					for place[to] < place[s] {
						to = dom[to]
					}
					for place[s] < place[to] {
						s = dom[s]
					}
				}
			}
			if dom[b] != to {
				dom[b], changed = to, true
			}
		}
	}
	for i := range code {
		code[i].join = -1
		if d := dom[g.of[i]]; len(targets(&code[i])) > 0 && d >= 0 && d != end {
			code[i].join = g.start[d]
		}
	}
}

// postorder walks the reversed graph from its end.
func (g *graph) postorder(end int32) []int32 {
	seen := make([]bool, len(g.start)+1)
	var order []int32
	type visit struct {
		b int32
		i int
	}
	stack := []visit{{end, 0}}
	seen[end] = true
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.i == len(g.prev[top.b]) {
			order = append(order, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		next := g.prev[top.b][top.i]
		top.i++
		if !seen[next] {
			seen[next] = true
			stack = append(stack, visit{next, 0})
		}
	}
	return order
}
