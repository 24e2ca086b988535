package distill

import (
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/internal/philox"
	"lamina/kernels/dry"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

const (
	// noiseOp tells the numbers drawn here from what else is drawn of one seed.
	noiseOp = 1 << 15
	// heldOut is the step whose disturbance rows are measured with that are not trained
	// on, always the same: two measurements differ by the emulator alone.
	heldOut = math.MaxUint32
)

// disturbed are emulator and model with the same disturbed blocks in place of the starred
// ones: T₀ + σ·rms(T₀)·N(0,1), rms over each tensor. All else is that of the two.
type disturbed struct {
	student, teacher *transformer.Decoder

	settings Settings
	params   []*autograd.Parameter // of the disturbed blocks
	initial  []*autograd.Parameter // T₀
	memory   []tensor.Tensor       // values of params, once they were drawn
	step     uint64                // that they are of
}

// disturb puts blocks to be disturbed in the starred places. They take no memory before
// the first draw.
func disturb(e *emulate.Emulator, full *transformer.Decoder, s Settings) *disturbed {
	student, teacher := *e.Decoder, *full
	student.Blocks, teacher.Blocks = slices.Clone(student.Blocks), slices.Clone(teacher.Blocks)
	d := &disturbed{student: &student, teacher: &teacher, settings: s}
	for place, slot := range e.Plan {
		if !slot.Trainable {
			continue
		}
		block := full.Blocks[slot.Layer].Clone()
		student.Blocks[place], teacher.Blocks[slot.Layer] = block, block
		d.initial = slices.AppendSeq(d.initial, nn.ParamsOf(full.Blocks[slot.Layer]))
		d.params = slices.AppendSeq(d.params, nn.ParamsOf(block))
	}
	for _, w := range d.params {
		w.Value = tensor.Must(tensor.New(&dry.Backend{}, tensor.F32, w.Value.Shape()...))
	}
	return d
}

// draw gives the blocks the values of a step, in memory of the pass's device until close.
// Element i of parameter k depends on seed, step, k and i alone. A pass that computes
// nothing needs none.
func (d *disturbed) draw(p *autograd.Pass, step uint64) error {
	if _, planning := p.Backend.(*dry.Backend); planning || p.Err() != nil || d.memory != nil && d.step == step {
		return nil
	}
	if step > heldOut {
		panic(fmt.Sprintf("distill: draw: step %d is beyond %d", step, uint32(heldOut)))
	}
	if d.memory == nil {
		if err := d.allocate(p.Backend); err != nil {
			return err
		}
	}
	var noise []float32
	for k, w := range d.params {
		values := d.initial[k].Value.Float32s()
		noise = slices.Grow(noise[:0], len(values))[:len(values)]
		philox.New(d.settings.Seed, philox.Stream(uint32(step), k, noiseOp)).FillNormal(noise, 0, 0, d.settings.Sigma*rms(values))
		for i, v := range noise {
			values[i] += v
		}
		w.Value.SetFloat32s(values)
	}
	d.step = step
	return nil
}

// allocate takes memory for the values.
func (d *disturbed) allocate(dev tensor.Device) error {
	for _, w := range d.params {
		t, err := tensor.New(dev, tensor.F32, w.Value.Shape()...)
		if err != nil {
			d.close()
			return fmt.Errorf("disturbed copy of %s: %w", w.Name, err)
		}
		d.memory = append(d.memory, t)
	}
	for k, w := range d.params {
		w.Value = d.memory[k]
	}
	return nil
}

// close gives the memory back.
func (d *disturbed) close() {
	for _, t := range d.memory {
		t.Free()
	}
	d.memory = nil
}

// rms returns √(mean(x²)).
func rms(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(len(x), 1)))
}
