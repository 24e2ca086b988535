// Package plan decides which layers of a decoder a smaller stand-in of it (an
// emulator) keeps, which of those are trained, and which fill the places of the
// removed ones: steps 1 to 3 of "CRaSh: Clustering, Removing, and Sharing Enhance
// Fine-tuning without Full Large Language Model" (EMNLP 2023, arXiv 2310.15477),
// and the ways of choosing it is compared with.
//
//	chosen, err := plan.CRaSh.Plan(plan.Request{Layers: 12, Keep: 6, Trainable: 3, Similarity: matrix})
//	fmt.Println(chosen.Plan) // 0* 1 2 5* 9 11*
//	shared, err := plan.Share(chosen.Plan, 12, plan.ShareAll)
//	fmt.Println(shared) // 0* 1 2 2 5 5* 5 9 9 9 11 11*
//
// A [Plan] is text that can be read, compared and edited: one place per word, a
// star where it trains. A [Method] is a value that says what it needs to choose;
// [Methods] lists those there are, and whoever offers a choice of them reads it there.
//
// Invariants: a plan may name any layer at any place, but a layer has at most one
// star; the same inputs give the same plan. The package works on layer numbers and
// plain numbers: it knows no tensors, models, devices or files.
package plan
