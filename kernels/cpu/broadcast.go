package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// grid is a loop over up to MaxRank axes that two operands walk with strides of
// their own, 0 where one repeats. The last axis is the inner loop.
type grid struct {
	rank   int
	size   [tensor.MaxRank]int
	stride [2][tensor.MaxRank]int
}

// gridOf returns the grid of y's elements in a and b under broadcasting, axes
// joined where both operands walk on evenly: two operands of y's shape have one
// axis.
func gridOf(y, a, b tensor.Tensor) grid {
	full := grid{rank: y.Rank()}
	copy(full.size[:], y.Shape())
	for o, x := range [2]tensor.Tensor{a, b} {
		step := 1
		for i := 1; i <= x.Rank(); i++ {
			axis := y.Rank() - i
			if x.Dim(-i) > 1 {
				full.stride[o][axis] = step
			}
			step *= x.Dim(-i)
		}
	}
	return full.joined()
}

func (g grid) joined() grid {
	var j grid
	for i := range g.rank {
		if g.size[i] == 1 {
			continue
		}
		last := j.rank - 1
		if last >= 0 && j.stride[0][last] == g.size[i]*g.stride[0][i] && j.stride[1][last] == g.size[i]*g.stride[1][i] {
			j.size[last] *= g.size[i]
			j.stride[0][last], j.stride[1][last] = g.stride[0][i], g.stride[1][i]
			continue
		}
		j.size[j.rank] = g.size[i]
		j.stride[0][j.rank], j.stride[1][j.rank] = g.stride[0][i], g.stride[1][i]
		j.rank++
	}
	if j.rank == 0 {
		j.rank, j.size[0] = 1, 1
	}
	return j
}

// rows returns the number of inner loops.
func (g *grid) rows() int {
	n := 1
	for _, s := range g.size[:g.rank-1] {
		n *= s
	}
	return n
}

// cols returns the length of the inner loop.
func (g *grid) cols() int { return g.size[g.rank-1] }

// at returns where inner loop row begins in both operands.
func (g *grid) at(row int) (a, b int) {
	for i := g.rank - 2; i >= 0; i-- {
		index := row % g.size[i]
		row /= g.size[i]
		a += index * g.stride[0][i]
		b += index * g.stride[1][i]
	}
	return a, b
}

// Binary implements kernels.Backend.
func (be *Backend) Binary(op kernels.BinaryOp, y, a, b tensor.Tensor) {
	mustF32("Binary", y)
	out, u, v := f32(y), f32(a), f32(b)
	if len(out) == 0 {
		return
	}
	g := gridOf(y, a, b)
	combine := combination(op, g.stride[0][g.rank-1], g.stride[1][g.rank-1])
	if g.rank == 1 {
		stepU, stepV := g.stride[0][0], g.stride[1][0]
		be.eachRun(len(out), cheap, func(from, to int) {
			combine(out[from:to], u[from*stepU:], v[from*stepV:])
		})
		return
	}
	cols := g.cols()
	be.eachRow(g.rows(), cols, cheap, func(row int) {
		atU, atV := g.at(row)
		combine(out[row*cols:(row+1)*cols], u[atU:], v[atV:])
	})
}

// combination returns the loop dst[i] = u[i·stepU] op v[i·stepV]; a step is 0 or 1.
func combination(op kernels.BinaryOp, stepU, stepV int) func(dst, u, v []float32) {
	switch {
	case stepU == 1 && stepV == 1:
		return [kernels.NumBinaryOps]func(dst, u, v []float32){simd.Add, simd.Sub, simd.Mul, quotient}[op]
	case stepU == 1:
		return [kernels.NumBinaryOps]func(dst, u, v []float32){addNumber, subNumber, mulNumber, divNumber}[op]
	case stepV == 1:
		return [kernels.NumBinaryOps]func(dst, u, v []float32){
			func(dst, u, v []float32) { addNumber(dst, v, u) },
			numberMinus,
			func(dst, u, v []float32) { mulNumber(dst, v, u) },
			numberOver,
		}[op]
	}
	return func(dst, u, v []float32) { combination(op, 1, 1)(dst[:1], u, v) }
}

func quotient(dst, u, v []float32) {
	v = v[:len(dst)]
	for i, x := range u[:len(dst)] {
		dst[i] = x / v[i]
	}
}

func addNumber(dst, u, v []float32) {
	a := v[0]
	for i, x := range u[:len(dst)] {
		dst[i] = x + a
	}
}

func subNumber(dst, u, v []float32) {
	a := v[0]
	for i, x := range u[:len(dst)] {
		dst[i] = x - a
	}
}

func mulNumber(dst, u, v []float32) { simd.Scale(dst, u, v[0]) }

func divNumber(dst, u, v []float32) {
	a := v[0]
	for i, x := range u[:len(dst)] {
		dst[i] = x / a
	}
}

func numberMinus(dst, u, v []float32) {
	a := u[0]
	for i, x := range v[:len(dst)] {
		dst[i] = a - x
	}
}

func numberOver(dst, u, v []float32) {
	a := u[0]
	for i, x := range v[:len(dst)] {
		dst[i] = a / x
	}
}
