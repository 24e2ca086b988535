package cuda

import (
	"fmt"

	"lamina/kernels"
	"lamina/tensor"
)

// A block of the kernels that go element by element, and the elements that it has
// (tile.cuh).
const (
	tileThreads = 256
	tile        = 4 * tileThreads
)

// tiles returns the blocks of n elements.
func tiles(n int) int { return ceilDiv(n, tile) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// mustF32 panics unless all tensors are F32.
func mustF32(op string, ts ...tensor.Tensor) {
	for _, t := range ts {
		if t.DType() != tensor.F32 {
			panic(fmt.Sprintf("cuda: %s: computes in F32 only, got %v", op, t))
		}
	}
}

// Unary implements kernels.Backend.
func (be *Backend) Unary(f kernels.Func, y, x tensor.Tensor) {
	mustF32("Unary", y)
	l := be.start("lamina_unary")
	l.tensor(y)
	l.tensor(x)
	l.u64(uint64(y.Len()))
	l.u32(int(f))
	l.launch(tiles(y.Len()), tileThreads)
}

// UnaryBackward implements kernels.Backend.
func (be *Backend) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor) {
	mustF32("UnaryBackward", dX)
	l := be.start("lamina_unary_backward")
	l.tensor(dX)
	l.tensor(dY)
	l.tensor(x)
	l.u64(uint64(dX.Len()))
	l.u32(int(f))
	l.launch(tiles(dX.Len()), tileThreads)
}

// Gated implements kernels.Backend.
func (be *Backend) Gated(f kernels.Func, y, gate, up tensor.Tensor) {
	mustF32("Gated", y)
	l := be.start("lamina_gated")
	l.tensor(y)
	l.tensor(gate)
	l.tensor(up)
	l.u64(uint64(y.Len()))
	l.u32(int(f))
	l.launch(tiles(y.Len()), tileThreads)
}

// GatedBackward implements kernels.Backend.
func (be *Backend) GatedBackward(f kernels.Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	mustF32("GatedBackward", dGate)
	l := be.start("lamina_gated_backward")
	l.tensor(dGate)
	l.tensor(dUp)
	l.tensor(dY)
	l.tensor(gate)
	l.tensor(up)
	l.u64(uint64(dY.Len()))
	l.u32(int(f))
	l.launch(tiles(dY.Len()), tileThreads)
}

// AddScaled implements kernels.Backend.
func (be *Backend) AddScaled(y, x tensor.Tensor, s float64) {
	mustF32("AddScaled", y)
	l := be.start("lamina_add_scaled")
	l.tensor(y)
	l.tensor(x)
	l.u64(uint64(y.Len()))
	l.f32(float32(s))
	l.launch(tiles(y.Len()), tileThreads)
}

// Fill implements kernels.Backend.
func (be *Backend) Fill(y tensor.Tensor, v float64) {
	mustF32("Fill", y)
	l := be.start("lamina_fill")
	l.tensor(y)
	l.u64(uint64(y.Len()))
	l.f32(float32(v))
	l.launch(tiles(y.Len()), tileThreads)
}

// Binary implements kernels.Backend.
func (be *Backend) Binary(op kernels.BinaryOp, y, a, b tensor.Tensor) {
	mustF32("Binary", y)
	n := y.Len()
	if a.Len() == n && b.Len() == n {
		l := be.start("lamina_binary")
		l.tensor(y)
		l.tensor(a)
		l.tensor(b)
		l.u64(uint64(n))
		l.u32(int(op))
		l.launch(tiles(n), tileThreads)
		return
	}
	g := broadcastOf(y, a, b)
	l := be.start("lamina_binary_broadcast")
	l.tensor(y)
	l.tensor(a)
	l.tensor(b)
	l.u64(uint64(n))
	l.bytes(tensor.Bytes(g[:]))
	l.u32(int(op))
	l.launch(tiles(n), tileThreads)
}

// broadcast is the kernel's struct Broadcast: sizes of y's axes, steps in a, steps in b.
type broadcast [3 * tensor.MaxRank]uint64

// broadcastOf joins neighbouring axes that both operands walk evenly. Axes that are left
// over come first and have size 1.
func broadcastOf(y, a, b tensor.Tensor) broadcast {
	var g broadcast
	size, step := g[:tensor.MaxRank], [2][]uint64{g[tensor.MaxRank : 2*tensor.MaxRank], g[2*tensor.MaxRank:]}
	at, walked := tensor.MaxRank, [2]uint64{1, 1}
	for i := 1; i <= y.Rank(); i++ {
		n := uint64(y.Dim(-i))
		var own [2]uint64 // the axis's steps
		for o, x := range [2]tensor.Tensor{a, b} {
			if i <= x.Rank() && x.Dim(-i) > 1 {
				own[o] = walked[o]
				walked[o] *= n
			}
		}
		switch {
		case n == 1:
		case at < tensor.MaxRank && own[0] == size[at]*step[0][at] && own[1] == size[at]*step[1][at]:
			size[at] *= n
		default:
			at--
			size[at], step[0][at], step[1][at] = n, own[0], own[1]
		}
	}
	for i := range at {
		size[i] = 1
	}
	return g
}
