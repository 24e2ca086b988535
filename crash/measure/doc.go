// Package measure says how alike the layers of a decoder are: hidden states of some
// texts, pooled to one vector each, compared by centred kernel alignment (paper
// section 2.1).
//
//	s, err := measure.LayerSimilarity(ctx, be, decoder, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, nil)
//	fmt.Println(s.Matrix[3][4]) // the states after layers 2 and 3
//
// Invariants: the same rows give the same bits, however they fall into passes and
// whatever the number of workers; a matrix has L+1 rows, entry 0 the embedding
// output, the last one after the final norm.
package measure
