// Package surface measures the loss of a decoder at weights between checkpoints, and on the
// plane through three of them:
//
//	θ(x)    = θ_A + x·(θ_B - θ_A)
//	θ(a, b) = θ_init + a·(θ_full - θ_init) + b·(θ_crash - θ_init)
//
// as in figure 6 of the paper (section 2.5 of its supplement; Goodfellow, Vinyals and Saxe,
// "Qualitatively characterizing neural network optimization problems", 2015, have the
// line), or along random directions whose filters have the norms of the weight's (Li, Xu,
// Taylor, Studer and Goldstein, "Visualizing the Loss Landscape of Neural Nets", 2018).
//
//	rows, err := surface.NewRows(requests)
//	b, err := surface.Toward(origin, full)         // a direction: θ_full - θ_init
//	space, err := surface.NewSpace(be, origin, b)  // a decoder that goes there
//	defer space.Close()
//	m := &surface.Measurement{Space: space, Rows: rows, …}
//	line, err := m.Line(ctx, surface.Axis{From: 0, To: 1, Points: 25}, nil)
//
// Invariants: at a checkpoint its own tensors run, as they are stored, so that the numbers
// have the bits of scoring the checkpoint; a weight that is the same in all of them, or that
// no coordinate moves, stays as it is stored; every other is computed in float64 and rounded
// once, to F32, by the coordinates alone, so that a plane has on its axes the bits of the
// lines there. What stands below the lowest place where something moves runs once.
package surface
