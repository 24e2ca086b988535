// Package workload has the pieces of work whose speed is measured, and what each
// costs at least: products, operators, and whole steps of decoders with random
// weights. lamina bench and bench/compare time the same pieces with it.
//
// A [Work] is one call and its [Cost]: the floating-point operations of its
// matrix products, and the bytes that must move. Against a [Machine], measured in
// the same minutes, the cost gives the time that nobody can beat:
//
//	limit = FLOP / peak + bytes read / read + bytes moved / copy
//
// where peak is the rate of multiply-adds in registers, read that of reading arrays
// larger than the caches, and copy that of copying them, both directions counted. Of
// products in bf16 the peak is that of the processor's instructions for BF16, of bf16x3
// and bf16x6, which make three and six of them, a third and a sixth of it, of q8 that of
// 8-bit integers; where F32's is higher it is that. Either part is 0 where the
// other hides it: a product counts its operations alone, but one of few rows its weight's
// bytes, an operator or a step of decoding its bytes alone, a training step its products
// and the optimiser's bytes. An operator whose operands stay in a cache between calls can
// be faster than this limit.
//
// The costs of decoders, N tokens in sequences of T, W weights in products of
// blocks, V x E of the head, R rows through it, P weights in all:
//
//	forward   2·N·W + 2·R·V·E + Σ 2·L·H·K·T·(T+1)  FLOP: causal scores and their values
//	train     3 · forward FLOP, 28·P bytes: AdamW reads four arrays and writes three
//	prefill   forward with R = 1
//	attention 2·H·K·T·(T+1) FLOP, backward 2.5 times as many: it computes the scores again
//	decode    bytes of W and V x E as stored, and of the keys and values before
//
// [Cases] are the rows of lamina bench, which a [Bench] measures:
//
//	b := &workload.Bench{Backend: be, Threads: 2, Time: 100 * time.Millisecond}
//	rows, err := b.Run(ctx, workload.Cases("", nil))
//
// The package asserts nothing and draws nothing.
package workload
