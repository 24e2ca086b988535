// Package repair computes, without training, what stands in a gap: where a plan
// removes blocks between two that it keeps. It is pure numbers; it knows no model,
// reads no file and runs nothing.
//
//	m := repair.NewMoments(576)
//	for _, chunk := range chunks { // x enters the gap, y leaves it in the full model
//		if err := m.Add(chunk.x, chunk.y, nil); err != nil { … }
//	}
//	ghost, err := repair.Ghost(m, 1e-6)
//	fmt.Println(ghost.Left) // 0.4: of what the removed blocks did, 60% is back
//
// Rows are tokens, X [N D] the stream before the first removed block, Y [N D] what
// the full model has after the last one, D = Y - X what the removed blocks add; all
// before the next norm, in the stream's own units. In row form h ← h·W:
//
//	Ghost       W = I + (XᵀX + λI)⁻¹XᵀD                  Ghosted Layers, arXiv 2605.15491
//	LinearPatch W = diag(d), d_k = Σ|Y_k|/Σ|X_k|          LinearPatch, arXiv 2505.24680
//	            or W = H·diag(d)·Hᵀ, d of XH and YH       H block-Hadamard
//	PruneComp   W = s·I, s the mean of all d_k            Prune&Comp, arXiv 2507.18212
//	ReplaceMe   h = X + M(A-I), A = (MᵀM + λI)⁻¹Mᵀ(M + D) ReplaceMe, arXiv 2505.02819
//	Damped      h = X + s·f(X), s = <f, D>/‖f‖²           CRaSh's sharing, by least squares
//
// M [N D] is the MLP's output in the block before the gap, so that A folds into its
// down projection and no weight is added; f(X) is what a kept block, repeated in the
// gap, adds to the stream. Each comes with Left, ‖Ŷ-Y‖/‖Y-X‖ on the rows it was
// fitted to: removing has 1, a perfect repair 0.
//
// Invariants: a row of weight w counts as √w·x, √w·y in every formula. Sums are
// float64 and run in the order of the rows, so that the same rows give the same bits
// in whatever chunks they come and however many workers ran, on one kind of
// processor. Left is formed from sums and is rounding below 1e-7. Of all maps
// h ← h·W, Ghost's leaves least at ridge 0; ReplaceMe and Damped see more than X, and
// may leave less. Input that is not finite is an error, and then nothing was added.
package repair
