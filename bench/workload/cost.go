package workload

import (
	"slices"

	"lamina/kernels"
	"lamina/kernels/profile"
	"lamina/nn"
	"lamina/transformer"
)

// Cost is what a piece of work needs at least.
type Cost struct {
	FLOP  float64 `json:"flop"`  // of matrix products: 2 a multiply-add
	Read  float64 `json:"read"`  // bytes that are only read: weights, keys and values
	Moved float64 `json:"moved"` // bytes read and written, where both are needed
}

// Machine is what a number of threads reach without any work of ours.
type Machine struct {
	Peak float64 // FLOP/s of multiply-adds in registers
	Read float64 // bytes/s read from memory, of arrays larger than the caches
	Copy float64 // bytes/s read and written, both counted, when they are copied
	BF16 float64 // FLOP/s of products of BF16 in registers; 0: there is no instruction for them
	Int8 float64 // operations/s of products of 8-bit integers in registers; 0 likewise
}

// At returns m with the peak of products of a precision, of which bf16x3 makes three of BF16
// for each one and bf16x6 six. Where that is less than F32's, F32 kernels on rounded operands
// beat it, and the peak is theirs.
func (m Machine) At(p kernels.Precision) Machine {
	peak := map[kernels.Precision]float64{
		kernels.PrecisionBF16: m.BF16, kernels.PrecisionBF16x3: m.BF16 / 3, kernels.PrecisionBF16x6: m.BF16 / 6, kernels.PrecisionQ8: m.Int8,
	}[p]
	m.Peak = max(m.Peak, peak)
	return m
}

// Measure measures the limits of so many threads in about a second.
func Measure(threads int) Machine {
	return Machine{
		Peak: profile.PeakFLOPS(threads), Read: profile.ReadBandwidth(threads), Copy: profile.CopyBandwidth(threads, profile.MemoryBytes(threads)),
		BF16: profile.PeakBF16(threads), Int8: profile.PeakInt8(threads),
	}
}

// Seconds returns the least time the cost takes on m.
func (c Cost) Seconds(m Machine) float64 { return c.FLOP/m.Peak + c.Read/m.Read + c.Moved/m.Copy }

// Better returns the larger of two measurements of each rate: others on the
// machine can only make it slower.
func (m Machine) Better(n Machine) Machine {
	return Machine{max(m.Peak, n.Peak), max(m.Read, n.Read), max(m.Copy, n.Copy), max(m.BF16, n.BF16), max(m.Int8, n.Int8)}
}

// productWeights returns the weights of a block's matrices, biases and norms left
// out.
func productWeights(c transformer.Config) (n int) {
	c.Layers = 1
	for w := range nn.ParamsOf(c.Outline().Blocks[0]) {
		if len(w.Value.Shape()) == 2 {
			n += w.Value.Len()
		}
	}
	return n
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

// bytesPerWeight is what AdamW moves: it reads w, g, m, v and writes w, m, v.
const bytesPerWeight = 28

// TrainCost is a step of AdamW on all weights, a target at every position.
func TrainCost(c transformer.Config, sequences, length int) Cost {
	forward := ForwardCost(c, sequences, length, sequences*length)
	return Cost{FLOP: 3 * forward.FLOP, Moved: bytesPerWeight * float64(c.Params())}
}

// DecodeCost is one token after prefix others: the weights of blocks and head as
// they are stored, and keys and values in F32.
func DecodeCost(d *transformer.Decoder, prefix int) Cost {
	c, bytes := d.Config, d.Head.Value.Bytes()
	for _, block := range d.Blocks {
		bytes += nn.Bytes(nn.ParamsOf(block))
	}
	return Cost{Read: float64(bytes + 4*2*len(d.Blocks)*c.KVHeads*c.HeadDim*prefix)}
}

// FinetuneCost is a step on sequences of the given lengths, of which rows have a
// target: places trained of the decoder's blocks (nil: all weights). What lies
// below the lowest trained place runs forward only, and that place's own q, k and
// v need no gradient of their input.
func FinetuneCost(c transformer.Config, trained []int, lengths []int, rows int) Cost {
	tokens, pairs := 0.0, 0.0
	for _, t := range lengths {
		tokens += float64(t)
		pairs += float64(t) * float64(t+1)
	}
	w := float64(productWeights(c))
	scores := 2 * float64(c.Heads*c.HeadDim) * pairs // forward, of one block
	head := 2 * float64(rows) * float64(c.Vocab*c.EmbedWidth)
	lowest, count, all := 0, c.Layers, trained == nil
	params := c.Params()
	if !all {
		lowest, count = slices.Min(trained), len(trained)
		params = count * c.BlockParams()
	}
	flop := float64(c.Layers)*(2*tokens*w+scores) + 2*head // the head's own gradient of its input
	flop += float64(c.Layers-lowest) * (2*tokens*w + 2*scores)
	if flop += float64(count) * 2 * tokens * w; all {
		flop += head
	} else {
		flop -= 2 * tokens * float64(c.Width*(c.Heads+2*c.KVHeads)*c.HeadDim)
	}
	return Cost{FLOP: flop, Moved: bytesPerWeight * float64(params)}
}
