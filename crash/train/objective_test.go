package train_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// distance is an objective of its own: the squared distance, summed over tokens and
// features, of a student's last hidden state from a teacher's.
type distance struct {
	student, teacher *transformer.Decoder
	rows             [][]int32
}

func (o distance) Len() int { return len(o.rows) }

func (o distance) Size(ids []int) (tokens, terms int) {
	for _, i := range ids {
		tokens += len(o.rows[i])
	}
	return tokens, tokens
}

func (o distance) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	b := &transformer.Batch{}
	for _, i := range ids {
		b.Add(o.rows[i], nil)
		b.Samples = append(b.Samples, int32(i))
	}
	last := func(d *transformer.Decoder) autograd.Var { return d.Finish(p, d.Forward(p, b, nil)) }
	d := p.Sub(last(o.student), last(o.teacher))
	return p.Sum(p.Mul(d, d), 0, 1), p.Err()
}

// distiller trains an emulator of two blocks towards the full model.
func distiller(t *testing.T, be kernels.Backend, full *transformer.Decoder) (*train.Trainer, *emulate.Emulator) {
	t.Helper()
	e, err := emulate.New(full, crashtest.Plan(t, "0* 3 5*"))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]int32
	for _, p := range crashtest.Pairs(18) {
		rows = append(rows, append(p.Context, p.Target...))
	}
	s := crashtest.Settings()
	s.Epochs, s.Steps, s.EvalEvery, s.MicroBatch = 0, 6, 2, 3
	return &train.Trainer{
		Backend: be, Params: e.Params(), Held: nn.Join(full.Params(), e.Params()), Settings: s,
		Train: distance{e.Decoder, full, rows[:12]}, Valid: distance{e.Decoder, full, rows[12:]},
	}, e
}

// TestAnotherObjective: what the trainer promises holds for an objective that it has
// never seen. The loss falls, frozen weights and the teacher stay as they are, the
// memory plan is what a run takes, and a run that was stopped goes on to the same bits.
func TestAnotherObjective(t *testing.T) {
	for _, family := range crashtest.Families {
		inner := cpu.New(cpu.Options{})
		be := &allocating{Backend: inner}
		full := crashtest.Small(be, family)
		before := crashtest.Logits(be, full)
		run := func(dir string, stop int) (*emulate.Emulator, []train.Metrics) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			tr, e := distiller(t, be, full)
			store, err := train.OpenRunDir(dir, tr.Settings, false)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			tr.Store = store
			if stop > 0 {
				tr.Report = stopAfter(stop, cancel)
			}
			plan, err := tr.Memory()
			if err != nil {
				t.Fatal(err)
			}
			held := be.bytes
			if _, err := tr.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if got, want := be.bytes-held, plan.Trained+plan.Pass; got < want || got > want+100 {
				t.Errorf("%s: a run took %d bytes of its device, %d were planned", family, got, want)
			}
			m, err := train.ReadMetrics(dir)
			if err != nil {
				t.Fatal(err)
			}
			return e, m
		}
		want, m := run(t.TempDir(), 0)
		if first, last := m[0], m[len(m)-1]; !(first.ValidLoss > 0) || !(last.ValidLoss < 0.9*first.ValidLoss) {
			t.Errorf("%s: the distance on held-out rows is %v before and %v after training", family, first.ValidLoss, last.ValidLoss)
		}
		crashtest.Same(t, family+": the teacher", crashtest.Logits(be, full), before)
		for _, stop := range []int{1, 3} {
			dir := t.TempDir()
			run(dir, stop)
			got, _ := run(dir, 0)
			crashtest.Same(t, fmt.Sprintf("%s: stopped at %d", family, stop), crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
		}
		inner.Close()
	}
}

// curve is an objective without a decoder: a small network learns sin x.
type curve struct {
	in, out *nn.Linear
	x, y    []float32
}

func (o curve) Len() int { return len(o.x) }

func (o curve) Size(ids []int) (rows, terms int) { return len(ids), len(ids) }

func (o curve) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	x, y := make([]float32, len(ids)), make([]float32, len(ids))
	for i, id := range ids {
		x[i], y[i] = o.x[id], o.y[id]
	}
	input, want := p.New(tensor.F32, len(ids), 1), p.New(tensor.F32, len(ids), 1)
	input.SetFloat32s(x)
	want.SetFloat32s(y)
	got := o.out.Forward(p, p.Unary(kernels.SiLU, o.in.Forward(p, p.Input(input))))
	d := p.Sub(got, p.Input(want))
	return p.Sum(p.Mul(d, d), 0, 1), p.Err()
}

func TestPlainModel(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	from := nn.From(nn.Init{Device: be, Seed: 4, Std: 1})
	o := curve{in: nn.NewLinear(from.At("in"), 1, 32, true), out: nn.NewLinear(from.At("out"), 32, 1, true)}
	draw := philox.New(2, 0).Sequence()
	for range 64 {
		x := float64(draw.Intn(6000))/1000 - 3
		o.x, o.y = append(o.x, float32(x)), append(o.y, float32(math.Sin(x)))
	}
	held := o
	held.x, held.y = o.x[:16], o.y[:16]
	o.x, o.y = o.x[16:], o.y[16:]
	tr := &train.Trainer{
		Backend: be, Params: nn.Join(o.in.Params(), o.out.Params()), Train: o, Valid: held,
		Settings: train.Settings{LR: 0.02, Steps: 600, Batch: 16, Schedule: "cosine", Clip: 1, Seed: 1, EvalEvery: 100},
	}
	out, err := tr.Run(context.Background())
	if err != nil || !(out.BestLoss < 0.01) {
		t.Errorf("%+v, %v: want a mean squared error below 0.01 on held-out points", out, err)
	}
}

// failing is an objective that finds something wrong with an example.
type failing struct{ train.Objective }

func (failing) Loss(*autograd.Pass, []int) (autograd.Var, error) {
	return autograd.Var{}, fmt.Errorf("example 7: no states")
}

// An objective's error ends the run, whether it comes of training or of validating.
func TestObjectiveErrors(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, where := range []string{"train", "valid"} {
		tr, _ := distiller(t, be, crashtest.Small(be, "opt"))
		if where == "train" {
			tr.Train = failing{tr.Train}
		} else {
			tr.Valid = failing{tr.Valid}
		}
		if _, err := tr.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "example 7: no states") {
			t.Errorf("%s: %v", where, err)
		}
		tr.Close()
	}
	tr, _ := distiller(t, be, crashtest.Small(be, "opt"))
	tr.Train = distance{}
	if _, err := tr.Memory(); err == nil {
		t.Error("a run without examples is planned")
	}
}
