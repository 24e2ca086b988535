package workload

import (
	"lamina/kernels/profile"
	"lamina/tensor"
	"lamina/transformer"
)

// Cost is what a piece of work needs at least.
type Cost struct {
	FLOP  float64 // of matrix products: 2 a multiply-add
	Read  float64 // bytes that are only read: weights, keys and values
	Moved float64 // bytes read and written, where both are needed
}

// Machine is what a number of threads reach without any work of ours.
type Machine struct {
	Peak float64 // FLOP/s of multiply-adds in registers
	Read float64 // bytes/s read from memory, of arrays larger than the caches
	Copy float64 // bytes/s read and written, both counted, when they are copied
}

// Measure measures the limits of so many threads in about half a second.
func Measure(threads int) Machine {
	const size = 64 << 20 // bytes a thread
	return Machine{profile.PeakFLOPS(threads), profile.ReadBandwidth(threads), profile.CopyBandwidth(threads, size)}
}

// Seconds returns the least time the cost takes on m.
func (c Cost) Seconds(m Machine) float64 { return c.FLOP/m.Peak + c.Read/m.Read + c.Moved/m.Copy }

// Better returns the larger of two measurements of each rate: others on the
// machine can only make it slower.
func (m Machine) Better(n Machine) Machine {
	return Machine{max(m.Peak, n.Peak), max(m.Read, n.Read), max(m.Copy, n.Copy)}
}

// productWeights returns the weights of a block's matrices, biases and norms left
// out.
func productWeights(c transformer.Config) int {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	n := 2*c.Width*q + 2*c.Width*kv
	if c.Family == "llama" {
		return n + 3*c.Width*c.FeedForward
	}
	return n + 2*c.Width*c.FeedForward
}

// ForwardCost is a pass over sequences of length tokens each, with rows of the
// stream through the head.
func ForwardCost(c transformer.Config, sequences, length, rows int) Cost {
	tokens, t := float64(sequences*length), float64(length)
	products := 2 * tokens * float64(c.Layers*productWeights(c))
	head := 2 * float64(rows) * float64(c.Vocab*c.EmbedWidth)
	attention := 2 * float64(sequences) * float64(c.Layers*c.Heads*c.HeadDim) * t * (t + 1)
	return Cost{FLOP: products + head + attention}
}

// TrainCost is a step of AdamW on all weights, a target at every position.
func TrainCost(c transformer.Config, sequences, length int) Cost {
	forward := ForwardCost(c, sequences, length, sequences*length)
	const bytesPerWeight = 28 // AdamW reads w, g, m, v and writes w, m, v
	return Cost{FLOP: 3 * forward.FLOP, Moved: bytesPerWeight * float64(c.Params())}
}

// DecodeCost is one token after prefix others, weights of matrices stored as d and
// keys and values in F32.
func DecodeCost(c transformer.Config, d tensor.DType, prefix int) Cost {
	weights := c.Layers*productWeights(c) + c.Vocab*c.EmbedWidth
	cache := 4 * 2 * c.Layers * c.KVHeads * c.HeadDim * prefix
	return Cost{Read: float64(d.Bytes(weights) + cache)}
}
