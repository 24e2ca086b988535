// Package axes brings the shapes of a reduction to the fewest axes, for backends.
//
//	a := axes.Of(y, x) // x [4 5 6], y [4 1 1]: axes 4, kept, and 30, folded
package axes

import "lamina/tensor"

// Axes is a tensor's shape for a reduction: neighbours that are both folded or both kept
// are one axis, and axes of one element none, so that kinds alternate.
type Axes struct {
	Rank   int
	Size   [tensor.MaxRank]int
	Folded [tensor.MaxRank]bool
}

// Of returns the axes of x that is folded to y, whose shapes kernels.Reduce has checked.
func Of(y, x tensor.Tensor) Axes {
	var a Axes
	all := y.Len() == 1 && y.Rank() <= 1
	for i := range x.Rank() {
		n := x.Dim(i)
		folded := all || y.Dim(i) != n
		switch last := a.Rank - 1; {
		case n == 1:
		case last >= 0 && a.Folded[last] == folded:
			a.Size[last] *= n
		default:
			a.Size[a.Rank], a.Folded[a.Rank] = n, folded
			a.Rank++
		}
	}
	return a
}
