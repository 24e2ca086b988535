package emulate

import (
	"runtime"
	"slices"

	"lamina/autograd"
	"lamina/crash/plan"
	"lamina/kernels/dry"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// What transforms hold beside weights, streams and a pass, about: their sums, and the
// copies of matrices that gonum works on.

// inputBytes is what moments of the inputs of some groups take.
func inputBytes(layers []linear, groups ...int) (bytes int) {
	for i, l := range layers {
		if in, _ := l.Sizes(); slices.Contains(groups, l.group) && (i == 0 || layers[i-1].group != l.group) {
			bytes += 8 * in * in
		}
	}
	return bytes
}

// workBytes is what matrices take that are factored at once, in copies of [out in] and of
// [in in], and the factors that are not yet stored.
func workBytes(layers []linear, outIn, inIn int) int {
	var each []int
	done := 0
	for _, l := range layers {
		in, out := l.Sizes()
		each = append(each, 8*(outIn*out*in+inIn*in*in))
		done += 4 * out * in
	}
	slices.Sort(each)
	for _, bytes := range each[max(0, len(each)-runtime.GOMAXPROCS(0)):] {
		done += bytes
	}
	return done
}

func svdBytes(layers []linear) int { return workBytes(layers, 5, 0) }

func asvdBytes(layers []linear) int {
	return inputBytes(layers, attendGroup, outputGroup, widenGroup, narrowGroup) + workBytes(layers, 6, 3)
}

// nystromBytes is for a transform that takes inputs of a group away: their moments, these
// with a ridge, factorised and inverted.
func nystromBytes(group int) func([]linear) int {
	return func(layers []linear) int { return 5 * inputBytes(layers, group) }
}

// curvatureSize is what the curvature of a block takes, its weights and gradients twice.
func curvatureSize(layers []linear) int {
	bytes := inputBytes(layers, attendGroup, outputGroup, widenGroup, narrowGroup)
	for _, l := range layers {
		in, out := l.Sizes()
		bytes += 8*out*out + 3*4*in*out
	}
	return bytes
}

// elementBytes is for a transform that looks at each weight.
func elementBytes(layers []linear) int { return workBytes(layers, 3, 0) }

func rankedBytes(layers []linear) int { return workBytes(layers, 6, 1) }

// FitMemory returns about how many bytes [Fit] holds at its peak beside the model: the
// streams of all N tokens in both models, 8·N·D; a pass of a block; what a gap's sums take
// and their solution, 8·D² each; those of the transform that takes most; and weights that
// are new, at most 4 bytes each. It computes nothing.
func FitMemory(full *transformer.Decoder, p plan.Plan, texts [][]int32) int {
	const (
		ofGap  = 10 // matrices [D D] of float64
		ofPass = 4  // streams [N D] of F32 on both sides of a pass
	)
	width, longest, all := full.Config.Width, 0, 0
	most := &dry.Backend{}
	for _, s := range pack(texts, fitTokens) {
		n := len(s.batch.Tokens)
		if all += n; n > longest {
			longest = n
			pass := autograd.NewPass(most)
			x := pass.New(tensor.F32, n, width)
			full.ForwardBlocks(pass, s.batch, pass.Input(x), 0, 1)
		}
	}
	total := 0
	if slices.ContainsFunc(p, needsText) {
		total = 8*all*width + 4*ofPass*longest*width + most.Bytes + 8*ofGap*width*width
	}
	gathered, largest, held := 0, 0, 0
	made := map[plan.Slot]bool{}
	for _, s := range p {
		switch key := (plan.Slot{Layer: s.Layer, Transform: s.Transform}); {
		case s.IsMap():
			total += 4 * width * width
		case s.Transform != (plan.Transform{}) && !made[key]:
			made[key] = true
			block := full.Blocks[s.Layer]
			total += 4 * nn.Count(nn.ParamsOf(block))
			once, several := transforms[s.Transform.Name].memory(block)
			held, largest, gathered = max(held, once), max(largest, several), gathered+several
		}
	}
	if total += held; gathered > 0 { // by passes that keep the input of each block
		total += min(gathered, max(largest, curvatureBytes)) + 4*len(full.Blocks)*longest*width + 3*most.Bytes
	}
	return total
}

// memory returns what the transform of a block holds, and what it gathers.
func (t transform) memory(block transformer.Block) (holds, gathers int) {
	layers, err := linearsOf(block)
	if err != nil {
		return 0, 0 // and Fit says so
	}
	if t.holds != nil {
		holds = t.holds(layers)
	}
	if t.gathers != nil {
		gathers = t.gathers(layers)
	}
	return holds, gathers
}
