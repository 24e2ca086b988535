package study

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"lamina/crash/measure"
	"lamina/nn"
	"lamina/tensor"
)

// Measures say how much of what a row trains serves the full model, and how much of that
// model its emulator gives away. A number is null where it has no meaning for the row, and
// where it was not measured, as in rows of an earlier version. T are the trained weights,
// T0 their values before; gradients are of the mean loss of right answers of support texts,
// in nats a token.
type Measures struct {
	// Cosine and Signs compare the gradients on T at T0 in the emulator and in the full
	// model, see [measure.Agree]; Blocks has those of each trained block.
	Cosine *float64        `json:"cosine"`
	Signs  *float64        `json:"sign_agreement"`
	Blocks []BlockMeasures `json:"blocks,omitempty"`
	// PredictedGain is G1 = -<g_full, T - T0>: by how much the plug-in's loss on those
	// answers would be below the full model's, to first order. SupportGain is by how much it
	// is.
	PredictedGain *float64 `json:"predicted_gain"`
	SupportGain   *float64 `json:"support_gain"`
	SupportTokens int      `json:"support_tokens"` // of the answers
	// ExactShare is that of the full model's weights which the emulator holds to the bit,
	// see [emulate.Emulator.ExactShare]; HeldShare counts the weights it holds by the full
	// model's.
	ExactShare *float64 `json:"exact_share"`
	HeldShare  *float64 `json:"held_share"`
	// Skill is (emulator - chance)/(full - chance), in accuracy before training on the scored
	// documents; LossSkill (chance - emulator)/(chance - full), in nats on validation rows,
	// see [Row.Health].
	Skill     *float64 `json:"skill"`
	LossSkill *float64 `json:"loss_skill"`
	// Recovery is (plug-in - zs)/(ceiling - zs) in accuracy, LossRecovery that in the loss of
	// the scored documents' right answers.
	Recovery     *Recovery `json:"recovery"`
	LossRecovery *Recovery `json:"loss_recovery"`
	TrainingFree *bool     `json:"training_free"` // whether the owner trained nothing to make the emulator

	Seconds   float64 `json:"seconds"`    // of measuring, beside those of the row
	PeakBytes int     `json:"peak_bytes"` // of measuring, beside the weights of full model and emulator
}

// BlockMeasures are those of one trained block.
type BlockMeasures struct {
	Layer  int      `json:"layer"`
	Cosine *float64 `json:"cosine"`
	Signs  *float64 `json:"sign_agreement"`
}

// Recovery is a share of what training inside the full model gains, with its standard error
// over documents: half of the range that the middle 68.27 % of ratios lie in where the
// documents are drawn again, the same ones for all three rows. Null where it is not known.
type Recovery struct {
	Value  float64  `json:"value"`
	Stderr *float64 `json:"stderr"`
}

// keptGradients is how many bytes of the full model's gradients may be kept for later rows,
// all together; what is not kept is measured again.
const keptGradients = 256 << 20

// measureInto measures a row whose training is done. What cannot be measured is told, and
// is no error of the row.
func (p *Protocol) measureInto(ctx context.Context, r *Row, v variant, kept candidate) error {
	if v.Trains != Starred {
		return nil
	}
	begin := time.Now()
	m, err := p.measures(ctx, v, kept)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		p.warn("row " + v.row + ": not measured: " + err.Error())
		return nil
	}
	m.Seconds = time.Since(begin).Seconds()
	r.Measures = m
	return nil
}

// measures takes the gradients at the weights that training began with, and what training
// made of them.
func (p *Protocol) measures(ctx context.Context, v variant, kept candidate) (*Measures, error) {
	g := &measure.Gradients{Backend: p.Backend, Full: p.Full, Items: p.Support.few().Answers, Recompute: p.Recompute}
	g.Progress = func(done, total int) { p.tell(Event{Row: v.row, Phase: "measures", Done: done, Total: total}) }
	if err := wantTexts(len(g.Items), "with an answer"); err != nil {
		return nil, err
	}
	m := &Measures{}
	for _, it := range g.Items {
		m.SupportTokens += len(it.Target)
	}
	full, err := p.fullGradient(ctx, g, v, kept.Params())
	if err != nil {
		return nil, err
	}
	part := full // of what is trained inside the full model
	if v.emulates() {
		trained := values(kept.Params())
		hold(kept.Params(), kept.start)
		share := kept.ExactShare(p.Full)
		m.ExactShare = &share
		part, err = g.In(ctx, kept.Decoder, kept.Params())
		hold(kept.Params(), trained)
		if err != nil {
			return nil, err
		}
	}
	m.PeakBytes = max(full.Peak, full.Bytes()+part.Peak) + full.Bytes() // and the trained weights
	all, blocks := measure.Agree(part, full)
	m.Cosine, m.Signs = finite(all.Cosine), finite(all.Signs)
	for i, b := range blocks {
		m.Blocks = append(m.Blocks, BlockMeasures{full.Layers[i], finite(b.Cosine), finite(b.Signs)})
	}
	m.PredictedGain = finite(full.Gain(kept.start, kept.Params()))
	if p.answerLoss == 0 {
		if p.answerLoss, err = measure.Loss(ctx, p.Backend, p.Full, g.Items); err != nil {
			return nil, err
		}
	}
	plugged, release, err := kept.plugged(p.Full)
	if err != nil {
		return nil, err
	}
	defer release()
	loss, err := measure.Loss(ctx, p.Backend, plugged, g.Items)
	m.SupportGain = finite(p.answerLoss - loss)
	return m, err
}

// fullGradient returns the full model's gradient of what a row trains, which is measured
// once for rows that train the same layers, as long as there is room to keep it.
func (p *Protocol) fullGradient(ctx context.Context, g *measure.Gradients, v variant, trained nn.Params) (measure.Gradient, error) {
	at := slices.IndexFunc(p.resolved, func(o variant) bool { return o.row == v.row })
	later := map[string]bool{} // layers that later rows train
	for _, o := range p.resolved[at+1:] {
		if o.Trains == Starred {
			later[trainedLayers(o)] = true
		}
	}
	var full measure.Gradient
	room, want := keptGradients, trainedLayers(v)
	p.gradients = slices.DeleteFunc(p.gradients, func(have measure.Gradient) bool {
		if fmt.Sprint(have.Layers) == want {
			full = have
		} else if later[fmt.Sprint(have.Layers)] {
			room -= have.Bytes()
			return false
		}
		return true
	})
	if full.Values == nil {
		var err error
		if full, err = g.InFull(ctx, trained); err != nil {
			return full, err
		}
	}
	if later[want] && full.Bytes() <= room {
		p.gradients = append(p.gradients, full)
	}
	return full, nil
}

// trainedLayers names the layers that a row trains.
func trainedLayers(v variant) string {
	return fmt.Sprint(slices.Sorted(slices.Values(v.plan.Trainable())))
}

// values returns those of parameters, without a copy.
func values(params nn.Params) (list []tensor.Tensor) {
	for w := range params {
		list = append(list, w.Value)
	}
	return list
}

// hold gives parameters other values.
func hold(params nn.Params, list []tensor.Tensor) {
	i := 0
	for w := range params {
		w.Value = list[i]
		i++
	}
}

// finite is a number that JSON can hold; nil for another.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
