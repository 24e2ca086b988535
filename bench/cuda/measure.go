package main

import (
	"fmt"
	"time"

	"lamina/bench/workload"
	"lamina/kernels"
	"lamina/tensor"
)

// seconds returns what a call takes: the mean of as many as fill the time, two at least,
// after two that warm up. Each ends with the device's work done.
func (r *runner) seconds(be kernels.Backend, call func()) (float64, error) {
	for range 2 {
		call()
	}
	if err := be.Sync(); err != nil {
		return 0, err
	}
	begin, n := time.Now(), 0
	for ; n < 2 || time.Since(begin) < r.time; n++ {
		call()
	}
	err := be.Sync()
	return time.Since(begin).Seconds() / float64(n), err
}

// measure adds a row for a piece of work and ends it.
func (r *runner) measure(res *result, be kernels.Backend, w work, of workload.Work) error {
	seconds, err := r.seconds(be, of.Run)
	if err != nil {
		return fmt.Errorf("%s %s: %w", w.Work, w.Shape, err)
	}
	free, total := be.Memory()
	one := row{Work: w.Work, Shape: w.Shape, Unit: "tokens/s", Value: float64(of.Tokens) / seconds, Memory: total - free}
	switch {
	case of.Cost.FLOP > 0:
		one.Roof, one.Rate = "gemm", of.Cost.FLOP/seconds
	case of.Cost.Read > 0:
		one.Roof, one.Rate = "copy", of.Cost.Read/seconds
	}
	if of.Done != nil {
		of.Done()
	}
	res.Rows = append(res.Rows, one)
	fmt.Printf("%s %s: %.1f %s\n", one.Work, one.Shape, one.Value, one.Unit)
	return nil
}

// roofs measures what the others are held against: bytes read and written by a copy, and a
// product of matrices whose right operand is stored in BF16.
func (r *runner) roofs(res *result) error {
	p := planOf(r.tiny)
	be, err := r.begin(res)
	if err != nil {
		return err
	}
	defer be.Close()
	const columns = 4096
	w := p.of("copy")[0]
	n := w.Size / 4
	x, y := tensor.MustNew(be, tensor.F32, n/columns, columns), tensor.MustNew(be, tensor.F32, n/columns, columns)
	kernels.Fill(be, x, 1)
	seconds, err := r.seconds(be, func() { kernels.CopyAxis(be, y, x, 0, 0, 0, n/columns, false) })
	if err != nil {
		return err
	}
	x.Free()
	y.Free()
	rate := 2 * float64(w.Size) / seconds
	res.Rows = append(res.Rows, row{Work: w.Work, Shape: w.Shape, Unit: "GB/s", Value: rate / 1e9, Rate: rate, Roof: "copy"})
	w = p.of("gemm")[0]
	a, b, c := tensor.MustNew(be, tensor.F32, w.Size, w.Size), workload.Stored(be, tensor.BF16, 7, w.Size, w.Size), tensor.MustNew(be, tensor.F32, w.Size, w.Size)
	kernels.Fill(be, a, 0.5)
	seconds, err = r.seconds(be, func() { kernels.MatMul(be, kernels.MatMulArgs{C: c, A: a, B: b, TransB: true}) })
	if err != nil {
		return err
	}
	for _, t := range []tensor.Tensor{a, b, c} {
		t.Free()
	}
	side := float64(w.Size)
	rate = 2 * side * side * side / seconds
	res.Rows = append(res.Rows, row{Work: w.Work, Shape: w.Shape, Unit: "TFLOP/s", Value: rate / 1e12, Rate: rate, Roof: "gemm"})
	for _, one := range res.Rows {
		fmt.Printf("%s %s: %.1f %s\n", one.Work, one.Shape, one.Value, one.Unit)
	}
	return nil
}

// begin opens the device for what is measured and notes it.
func (r *runner) begin(res *result) (kernels.Backend, error) {
	be, err := r.open(r.precision)
	if err == nil {
		res.Device = be.Name()
	}
	return be, err
}

// train measures steps of AdamW on all weights, in F32.
func (r *runner) train(res *result) error {
	return r.steps(res, "train", tensor.F32, func(m *workload.Model, w work) workload.Work { return m.Train() })
}

// finetune measures steps on some blocks alone; the others stay as checkpoints have them.
func (r *runner) finetune(res *result) error {
	return r.steps(res, "finetune", tensor.BF16, func(m *workload.Model, w work) workload.Work { return m.Finetune(w.Places...) })
}

// infer measures tokens one at a time, and prompts.
func (r *runner) infer(res *result) error {
	p := planOf(r.tiny)
	be, err := r.begin(res)
	if err != nil {
		return err
	}
	defer be.Close()
	m := workload.NewModel(be, p.shape(work{}), tensor.BF16)
	for _, w := range p.of("decode") {
		if err := r.measure(res, be, w, m.DecodeMany(w.Sequences, w.Length, w.Count)); err != nil {
			return err
		}
	}
	for _, w := range p.of("prefill") {
		if err := r.measure(res, be, w, m.Prefill(w.Length)); err != nil {
			return err
		}
	}
	return nil
}

// steps measures the works of a kind on a model whose matrices are stored as d.
func (r *runner) steps(res *result, kind string, d tensor.DType, of func(*workload.Model, work) workload.Work) error {
	p := planOf(r.tiny)
	be, err := r.begin(res)
	if err != nil {
		return err
	}
	defer be.Close()
	for _, w := range p.of(kind) {
		m := workload.NewModel(be, p.shape(w), d)
		if err := r.measure(res, be, w, of(m, w)); err != nil {
			return err
		}
	}
	return nil
}
