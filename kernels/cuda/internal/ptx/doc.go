// Package ptx is a device without a GPU: a parser and an interpreter of PTX, for tests.
//
// A Machine has device memory at 64-bit addresses and runs kernels of a parsed Program as
// a GPU runs them, warps of 32 threads in step, with divergence and reconvergence,
// barriers, shared and local memory, exchanges within a warp and products of matrices.
// Arithmetic is that of IEEE 754 as PTX states it, fused where it says fused. What PTX
// leaves open is computed in float64 and rounded once: ex2, lg2, rsqrt, rcp, tanh, sin,
// cos and div .approx, and the sums of mma.
//
// A kernel that does what it must not ends its launch with a *Fault: an access out of
// bounds or not aligned, a read of memory or of a register that nothing has written, a
// race in shared or global memory, a barrier that some threads do not reach. Global
// memory counts as written when the host wrote it or a kernel did. The rules are those of
// CUDA's guide, taken strictly: a barrier wants every thread that a warp began with, an
// exchange every thread that it names; threads of a warp are ordered by bar.warp.sync and
// nothing else; an atomic operation races with nothing, and orders nothing.
//
//	p, err := ptx.Parse(source)
//	m := ptx.New(ptx.Options{})
//	y := m.Alloc(4 * n)
//	err = m.Launch(p, "lamina_fill", [3]int{blocks, 1, 1}, [3]int{256, 1, 1}, 0, params)
//
// Threads of a warp run in step, and blocks run to their end, so a kernel in which one
// thread waits for another of its warp, or a block for a later one, does not end before
// Options.MaxSteps.
package ptx
