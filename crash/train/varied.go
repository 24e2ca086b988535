package train

import (
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels/dry"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer"
)

// variation is what makes one step of [NextToken] unlike the next, so that what is trained
// does not come to rely on the stand-ins of one emulator. A pass that does not record, such
// as one that validates, runs the first decoder as it is.
type variation struct {
	others    []*transformer.Decoder // that take turns with the objective's own
	smoothing float64
	drop      float64 // probability of a step that leaves out frozen places
	noise     float64 // of frozen places
	seed      uint64

	sums [2]autograd.Var // loss and margin of the last pass, where it is smoothed
}

// dropSpans tells the numbers drawn here from others of one seed.
const dropSpans = 1 << 14

// InTurns lets the decoders take turns with the objective's own: step i, from 0, trains in
// decoder i mod n. They share the blocks that are trained, and have one vocabulary and
// positions.
func (o *NextToken) InTurns(others ...*transformer.Decoder) { o.others = others }

// Turns returns how many decoders take turns.
func (o *NextToken) Turns() int { return 1 + len(o.others) }

// Adjust lets training passes be as the settings say, with ε, P, σ for LabelSmoothing,
// DropSpan and GapNoise:
//
//   - each token's loss is (1-ε)·(-log p(token)) + ε·mean over v of (-log p(v)), that of
//     transformers' LabelSmoother and torch's cross_entropy; the plain loss and the margin
//     it adds ε of are told as terms;
//   - with probability P a step leaves out a span of neighbouring places that do not train:
//     of all such spans one, each as likely as the others, by numbers of seed and step;
//   - what each place that does not train gives on is disturbed by σ of its size, see
//     [transformer.Noisy].
func (o *NextToken) Adjust(s Settings) error {
	o.smoothing, o.drop, o.noise, o.seed = s.LabelSmoothing, s.DropSpan, s.GapNoise, s.Seed
	for i, d := range o.others {
		if own := o.decoder.Config; d.Config.Vocab != own.Vocab || d.Config.Width != own.Width || d.Config.MaxPositions != own.MaxPositions {
			return fmt.Errorf("decoder %d of those that take turns: %s, and the first is %s", i+2, d.Config, own)
		}
	}
	return nil
}

// LayerRates returns the rates of the trained parameters by their places in the decoder,
// and in the embedding.
func (o *NextToken) LayerRates(decay float64, trained map[string]bool) []optim.Rate {
	of := func(params nn.Params) (names []string) {
		for w := range params {
			if trained[w.Name] && w.Trainable {
				names = append(names, w.Name)
			}
		}
		return names
	}
	blocks := make([][]string, len(o.decoder.Blocks))
	for i, b := range o.decoder.Blocks {
		blocks[i] = of(nn.ParamsOf(b))
	}
	return optim.LayerRates(decay, of(nn.ParamsOf(o.decoder.Embed)), blocks...)
}

// running returns the decoder of a pass.
func (o *NextToken) running(p *autograd.Pass) *transformer.Decoder {
	if !p.Training() {
		return o.decoder
	}
	step := p.Dropout.Step
	d := o.decoder
	if turn := int(step % uint64(o.Turns())); turn > 0 {
		d = o.others[turn-1]
	}
	if o.drop == 0 && o.noise == 0 {
		return d
	}
	varied := *d
	varied.Blocks = slices.Clone(d.Blocks)
	still := frozen(d.Blocks)
	for i := range varied.Blocks {
		if o.noise > 0 && still[i] {
			varied.Blocks[i] = &transformer.Noisy{Block: d.Blocks[i], Size: o.noise}
		}
	}
	if _, planning := p.Backend.(*dry.Backend); !planning { // the largest pass leaves nothing out
		from, to := o.left(still, step)
		varied.Blocks = slices.Delete(varied.Blocks, from, to)
	}
	return &varied
}

// left returns the span of places that a step leaves out, an empty one where it leaves out
// none.
func (o *NextToken) left(still []bool, step uint64) (from, to int) {
	draw := philox.New(o.seed, philox.Stream(uint32(step), 0, dropSpans)).Sequence()
	if !(float64(draw.Float32()) < o.drop) {
		return 0, 0
	}
	var spans [][2]int
	for from := range still {
		for to := from; to < len(still) && still[to]; to++ {
			spans = append(spans, [2]int{from, to + 1})
		}
	}
	if len(spans) == 0 {
		return 0, 0
	}
	span := spans[draw.Intn(len(spans))]
	return span[0], span[1]
}

// frozen tells of each place whether nothing there is trained.
func frozen(blocks []transformer.Block) []bool {
	still := make([]bool, len(blocks))
	for i, b := range blocks {
		still[i] = true
		for w := range nn.ParamsOf(b) {
			still[i] = still[i] && !w.Trainable
		}
	}
	return still
}

// loss is the loss at rows of the stream, as the pass is to have it.
func (o *NextToken) loss(p *autograd.Pass, d *transformer.Decoder, x autograd.Var, rows, targets []int32) autograd.Var {
	o.sums = [2]autograd.Var{}
	if o.smoothing == 0 || !p.Training() {
		return d.LossAt(p, x, rows, targets)
	}
	loss, margin := d.MarginLossAt(p, x, rows, targets)
	o.sums = [2]autograd.Var{loss, margin}
	return p.Add(loss, p.Scale(margin, o.smoothing))
}

// Terms tells the plain loss and the margin of its tokens apart, where the last pass was
// smoothed.
func (o *NextToken) Terms() []Term {
	if o.sums[0].IsNone() {
		return nil
	}
	return []Term{
		{"next_token", 1, o.sums[0].T.Floats()[0]},
		{"margin", o.smoothing, o.sums[1].T.Floats()[0]},
	}
}
