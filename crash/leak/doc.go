// Package leak measures what a directory that leaves a house tells of what stays there.
//
// Before an emulator is sent, its owner learns how much of the model is in it:
//
//	g := leak.Given{Backend: be, Full: full, Emulator: e, Requests: requests}
//	t, err := g.Table(ctx)                      // exact weights, fitted numbers, skill, skill after a public fine-tune
//
// Before an adapter is sent, or after it came, either house learns how much of the rows
// that trained it is in it:
//
//	base, err := leak.Observe(ctx, be, decoder, members, others)   // of the untrained model
//	…                                                              // the adapter's weights are plugged in
//	tuned, err := leak.Observe(ctx, be, decoder, members, others)
//	rows := leak.Membership(tuned, base, nil)
//	rows = append(rows, leak.Completion(…)…)
//
// A [Row] of the [Table] is one number with its interval and its control: what the same
// measure gives where nothing can have leaked.
//
// The attacks are those of the literature, no more: that none of them finds anything is no
// proof that another would not. What is proven stands in package privacy.
//
//   - Yeom et al., "Privacy Risk in Machine Learning" (CSF 2018): by the loss
//   - Watson et al., "On the Importance of Difficulty Calibration in Membership Inference
//     Attacks" (ICLR 2022): by the loss less that of the untrained model
//   - Carlini et al., "Membership Inference Attacks From First Principles" (S&P 2022): LiRA
//   - Carlini et al., "Quantifying Memorization Across Neural Language Models" (ICLR 2023):
//     completion of a prefix
//   - DeLong, DeLong, Clarke-Pearson, "Comparing the Areas under Two or More Correlated
//     Receiver Operating Characteristic Curves" (Biometrics 1988): the interval of an AUC
//
// Invariants: the same models and rows give the same bits; nothing of a row, its text or
// its ids, is in a table.
package leak
