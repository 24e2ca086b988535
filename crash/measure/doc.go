// Package measure says what plans are chosen by, and what is in a model. How alike the
// layers of a decoder are: hidden states of some texts, pooled to one vector each, compared
// by centred kernel alignment (paper section 2.1) or another [Metric]; of one decoder, of
// two ([Between]), of one on several tasks ([CompareTasks], [MapFeatures]); and in how far
// that falls into blocks ([BlockStructure]). What each block is worth ([BlockImportance]),
// what is left with another in its place ([Replace]), how their weights differ
// ([BlockWeights]). How far the stream turns on its way. And what is left of a decoder
// without some of its layers: its loss, and which way its weights are pulled. The same
// pulls, in an emulator of any kind and in the full model, say how much of what is trained
// in the one can serve the other.
//
//	s, err := measure.LayerSimilarity(ctx, be, decoder, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, nil)
//	fmt.Println(s.Matrix[3][4]) // the states after layers 2 and 3
//
//	g := &measure.Gradients{Backend: be, Full: decoder, Items: items}
//	defer g.Close()
//	c, err := g.Cosine(ctx, []int{0, 2, 5}, []int{0, 5}) // of layers 0 and 5, without 1, 3 and 4
//
//	full, err := g.InFull(ctx, emulator.Params())
//	part, err := g.In(ctx, emulator.Decoder, emulator.Params())
//	all, blocks := measure.Agree(part, full)
//
// Invariants: the same rows give the same bits, however they fall into passes and
// whatever the number of workers; a matrix has L+1 rows, entry 0 the embedding
// output, the last one after the final norm.
package measure
