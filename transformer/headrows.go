package transformer

import "fmt"

// HeadRows returns, for each layer of [Sublayers].Attend of a family's block, which of its
// outputs belong to some query heads and some key/value heads of the configuration c, in
// their order: rows of the layers' weights. Query heads and key/value heads of one layer of
// all three (GPT-2, BLOOM) are the same ones.
func HeadRows(b Block, c Config, heads, kvHeads []int) [][]int {
	s, ok := SublayersOf(b)
	switch {
	case !ok:
		panic(fmt.Sprintf("transformer: HeadRows: a %T has no attention", b))
	case len(s.Attend) == 3:
		keys := runs(kvHeads, c.HeadDim, c.HeadDim, 0)
		return [][]int{runs(heads, c.HeadDim, c.HeadDim, 0), keys, keys}
	}
	if _, together := b.(*bloomBlock); together {
		return [][]int{runs(heads, 3*c.HeadDim, 3*c.HeadDim, 0)}
	}
	var rows []int
	for part := range 3 {
		rows = append(rows, runs(heads, c.HeadDim, c.HeadDim, part*c.Heads*c.HeadDim)...)
	}
	return [][]int{rows}
}

// runs returns n numbers from first + i·step on for each i.
func runs(which []int, step, n, first int) []int {
	numbers := make([]int, 0, len(which)*n)
	for _, i := range which {
		for k := range n {
			numbers = append(numbers, first+i*step+k)
		}
	}
	return numbers
}
