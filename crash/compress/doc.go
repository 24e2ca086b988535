// Package compress makes the layers of a decoder smaller at full depth, without training:
// weights in, fewer weights out. A matrix W [out in] becomes two factors of low rank, by
// its singular values ([SVD]) or by what the layer is given ([ActivationSVD]; EMLoC, arXiv
// 2506.12015). The hidden channels of an MLP become fewer ([Nystrom]; FlattenGPT, arXiv
// 2602.08858), and so do the heads of attention ([NystromHeads]). What goes may also be
// chosen by the gradient that stays ([GradOTRanks], [GradOTChannels]; arXiv 2507.04455). Or
// a matrix keeps its shape, and its numbers become few ([Quantise]) or 0 ([Magnitude],
// [Wanda]; arXiv 2306.11695).
//
//	inputs := compress.NewMoments(in)
//	err := inputs.Add(x) // rows [N in] of the layer's input, as often as there are some
//	rank, err := compress.RankFor(0.5, out, in)
//	f, err := compress.ActivationSVD(w, out, rank, inputs, 1e-6)
//	down, up := f.Down, f.Up // for the layers of an nn.LowRank
//
//	hidden := compress.NewMoments(channels) // of what the MLP's last layer is given
//	n, err := compress.Nystrom(down, out, channels/2, hidden, 1e-3)
//	gate, up := compress.Rows(gate, channels, n.Kept), compress.Rows(up, channels, n.Kept)
//
//	seen := compress.NewMoments(heads*width) // of what the output projection is given
//	h, err := compress.NystromHeads(o, out, heads, kvHeads, keep, seen, 1e-3)
//
//	w4, err := compress.Quantise(w, out, in, 4, compress.Group)
//
//	half, err := compress.Wanda(w, out, 0.5, inputs.Norms()) // or compress.NewNorms(in), and Add
//
// Matrices are row-major slices of float32 or float64; everything is computed in float64,
// and returned so where numbers are new. A ridge is added to the diagonal of a matrix of
// moments, in units of the diagonal's mean. Numbers that are not finite, ranks and shares
// that there are not, and moments that are singular ([SingularError]) are errors; a slice
// that does not fit its shape panics.
//
// Invariants: the same inputs give the same bits, for any number of threads and however
// rows are cut into calls of Add. The package works on plain numbers: it knows no tensors,
// models, devices or files.
package compress
