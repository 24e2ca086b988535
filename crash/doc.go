// Package crash is the method of "CRaSh: Clustering, Removing, and Sharing
// Enhance Fine-tuning without Full Large Language Model" (EMNLP 2023,
// arXiv 2310.15477): how alike a decoder's layers are, which of them a smaller
// stand-in of the model (an emulator) keeps, which of those are trained, and how
// the trained part returns into the full model.
//
// Everything that builds an emulator starts from a [LayerPlan], text that can be
// read, compared and edited: one place per word, a star where it trains.
//
//	cka, _ := crash.NewCKA(samples)
//	for _, x := range pooled { // one [samples, width] state per layer output
//		cka.Add(x, width)
//	}
//	clusters, _ := crash.Clusters(crash.Adjacent(cka.Matrix()), keep)
//	plan, _ := crash.CRaSh(clusters, trainable, false)
//	shared, _ := crash.Share(plan, layers, crash.ShareAll)
//
// Invariants: a plan may name any layer at any place, but a layer has at most one
// star; the same inputs give the same plan and the same bits, whatever the
// number of workers.
//
// The parts named above know no tensors, devices or files: they work on layer
// numbers and on plain rows of float32.
package crash
