package demo

import (
	"context"
	"fmt"
	"io"
	"math"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/kernels"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// recipe is how the model is trained: a short decoder first, whose blocks are
// then each split into several. A story's swaps come one after the other, so
// what many blocks learn together is learned sooner when few blocks have found
// the first steps; and short steps are cheap.
type recipe struct {
	blocks     int // of the short decoder
	split      int // blocks that each of them becomes
	shortSteps int
	longSteps  int
	batch      int // documents a step
	shortLR    float64
	longLR     float64
	warmup     int
	harder     int // steps after which the stories have one more swap
}

// defaultRecipe made the embedded weights. With 7000 long steps the loss had stopped
// at 0.14 nats an answer, with 12000 it ends at 0.08.
func defaultRecipe() recipe {
	return recipe{
		blocks: 4, split: Layers / 4, shortSteps: 2000, longSteps: 12000, batch: 16,
		shortLR: 1.5e-3, longLR: 1.5e-3, warmup: 100, harder: 400,
	}
}

// Progress is told of each training step: its number from 1, the number of all
// steps, and the mean loss of an answer in nats.
type Progress func(step, total int, loss float64)

// Rebuild trains the model from the seed and writes its F16 weights to path: the
// embedded file, bit for bit, on the instruction set it was made with. It takes
// minutes. When ctx ends nothing is written.
func Rebuild(ctx context.Context, be kernels.Backend, path string, progress Progress) error {
	d, err := defaultRecipe().train(ctx, be, progress)
	if err != nil {
		return err
	}
	return writeWeights(path, d)
}

// writeWeights writes a decoder's parameters as F16 under the checkpoint's names.
func writeWeights(path string, d *transformer.Decoder) error {
	values := map[string]tensor.Tensor{}
	var entries []formats.Entry
	for w := range d.Params() {
		values[w.Name] = w.Value
		entries = append(entries, formats.Entry{Name: w.Name, DType: tensor.F16, Shape: w.Value.Shape()})
	}
	return safetensors.Write(path, entries, nil, func(name string, w io.Writer) error {
		half := make([]byte, tensor.F16.Bytes(values[name].Len()))
		tensor.EncodeF32(half, values[name].Float32s(), tensor.F16)
		_, err := w.Write(half)
		return err
	})
}

// trainer is the state of a run.
type trainer struct {
	recipe
	be       kernels.Backend
	ids      map[string]int32
	pass     *autograd.Pass
	progress Progress
	done     int // steps
}

func (r recipe) train(ctx context.Context, be kernels.Backend, progress Progress) (*transformer.Decoder, error) {
	t := &trainer{recipe: r, be: be, ids: map[string]int32{}, pass: autograd.NewTrainingPass(be), progress: progress}
	defer t.pass.Close()
	for id, token := range vocabulary() {
		t.ids[token] = int32(id)
	}
	c, err := config(r.blocks)
	if err != nil {
		return nil, err
	}
	d := transformer.New(c, initial{be})
	schedule := optim.Schedule{Kind: optim.Constant, Warmup: r.warmup}
	if err := t.run(ctx, d, r.shortSteps, r.shortLR, schedule); err != nil {
		return nil, err
	}
	if c, err = config(r.blocks * r.split); err != nil {
		return nil, err
	}
	d = transformer.New(c, splitBlocks{d, r.split, be})
	schedule = optim.Schedule{Kind: optim.Cosine, Warmup: r.warmup, Steps: r.longSteps}
	return d, t.run(ctx, d, r.longSteps, r.longLR, schedule)
}

// run trains every parameter of d for some steps.
func (t *trainer) run(ctx context.Context, d *transformer.Decoder, steps int, lr float64, schedule optim.Schedule) error {
	trained, err := nn.Trainable(t.be, d.Params())
	if err != nil {
		return err
	}
	defer trained.Freeze()
	opt, err := optim.NewAdamW(t.be, trained, optim.Config{LR: lr, Beta2: 0.98, Clip: 1, WeightDecay: 0.01})
	if err != nil {
		return err
	}
	defer opt.Close()
	for step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		loss, err := t.accumulate(d)
		if err != nil {
			return fmt.Errorf("demo: step %d: %w", t.done+1, err)
		}
		if norm := opt.Step(schedule.Factor(step)); math.IsNaN(norm) || math.IsInf(norm, 0) {
			return fmt.Errorf("demo: step %d: loss %v, gradient norm %v", t.done+1, loss, norm)
		}
		t.done++
		if t.progress != nil {
			t.progress(t.done, t.shortSteps+t.longSteps, loss)
		}
	}
	return nil
}

// accumulate adds the gradient of the next batch and returns the mean loss of an
// answer. Documents never repeat.
func (t *trainer) accumulate(d *transformer.Decoder) (float64, error) {
	b := &transformer.Batch{}
	var rows, targets []int32
	swaps := min(maxSwaps, t.done/t.harder)
	for i := range t.batch {
		doc := publicText(uint64(t.done*t.batch+i), swaps)
		first := int32(len(b.Tokens))
		ids := make([]int32, len(doc.words))
		for j, w := range doc.words {
			ids[j] = t.ids[space+w]
		}
		b.Add(ids, nil)
		for _, at := range doc.answers {
			rows, targets = append(rows, first+int32(at)-1), append(targets, ids[at])
		}
	}
	p := t.pass
	defer p.Reset()
	loss := d.LossAt(p, d.Forward(p, b, nil), rows, targets)
	if err := p.Backward(loss, 1/float64(len(targets))); err != nil {
		return 0, err
	}
	return loss.T.Floats()[0] / float64(len(targets)), p.Sync()
}
