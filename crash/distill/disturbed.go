package distill

import (
	"fmt"
	"math"
	"slices"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/internal/philox"
	"lamina/kernels"
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
	rms      []float64             // of T₀, likewise
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
// Element i of parameter k depends on seed, step, k and i alone. A pass that is planned
// asks for the same scratch.
func (d *disturbed) draw(p *autograd.Pass, step uint64) error {
	_, planning := p.Backend.(*dry.Backend)
	if !planning && d.memory != nil && d.step == step || p.Err() != nil {
		return nil
	}
	if step > heldOut {
		panic(fmt.Sprintf("distill: draw: step %d is beyond %d", step, uint32(heldOut)))
	}
	if !planning && d.memory == nil {
		if err := d.allocate(p.Backend); err != nil {
			return err
		}
	}
	mark, longest := p.Begin(), 0
	for _, w := range d.params {
		longest = max(longest, w.Value.Len())
	}
	scratch := p.New(tensor.F32, longest)
	if !planning && p.Err() == nil {
		d.fill(p.Backend, scratch, step)
		d.step = step
	}
	p.End(mark, autograd.Var{})
	return p.Err()
}

// fill computes the values, noise by noise in a scratch as long as the longest.
func (d *disturbed) fill(be kernels.Backend, scratch tensor.Tensor, step uint64) {
	noise := make([]float32, scratch.Len())
	for k, w := range d.params {
		n := w.Value.Len()
		philox.New(d.settings.Seed, philox.Stream(uint32(step), k, noiseOp)).FillNormal(noise[:n], 0, 0, d.settings.Sigma*d.rms[k])
		part := scratch.Slice(0, n).Reshape(w.Value.Shape()...)
		part.SetFloat32s(noise[:n])
		kernels.Convert(be, w.Value, d.initial[k].Value)
		kernels.AddScaled(be, w.Value, part, 1)
	}
}

// allocate takes memory for the values.
func (d *disturbed) allocate(dev tensor.Device) error {
	for k, w := range d.params {
		t, err := tensor.New(dev, tensor.F32, w.Value.Shape()...)
		if err != nil {
			d.close()
			return fmt.Errorf("disturbed copy of %s: %w", w.Name, err)
		}
		d.memory = append(d.memory, t)
		d.rms = append(d.rms, rms(d.initial[k].Value))
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
	d.memory, d.rms = nil, nil
}

// rms returns √(mean(x²)), some rows at a time.
func rms(x tensor.Tensor) float64 {
	const piece = 1 << 16
	sum, rows := 0.0, x.Dim(0)
	step := max(piece*rows/max(x.Len(), 1), 1)
	for from := 0; from < rows; from += step {
		for _, v := range x.Slice(from, min(from+step, rows)).Float32s() {
			sum += float64(v) * float64(v)
		}
	}
	return math.Sqrt(sum / float64(max(x.Len(), 1)))
}
