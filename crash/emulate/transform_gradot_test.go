package emulate_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// differentiated notes a layer's input and the gradient of its output.
type differentiated struct {
	nn.Projection
	x, dY []float32
}

func (d *differentiated) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := d.Projection.Forward(p, x)
	seen := autograd.Var{T: y.T}
	d.x = x.T.Float32s()
	p.Record(noteOp{}, &seen, y).Ref = d
	return seen
}

type noteOp struct{}

func (noteOp) Name() string { return "note" }

func (noteOp) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	r.Ref.(*differentiated).dY = dY.Float32s()
	p.Give(r.In[0], dY)
}

// curvedLayers are those of a layer of the full model under its loss on all rows, in one
// pass, with the gradients from inputs and outputs: dW = Σ dy·xᵀ.
func curvedLayers(t *testing.T, full *transformer.Decoder, layer int, rows [][]int32) (all []compress.CurvedLayer) {
	t.Helper()
	d := full.Clone()
	tensor.Must(nn.Trainable(ref.New(), nn.ParamsOf(d.Blocks[layer])))
	var taps []*differentiated
	var layers []*nn.Linear
	for _, field := range nn.ProjectionsOf(d.Blocks[layer]) {
		layers = append(layers, (*field).(*nn.Linear))
		taps = append(taps, &differentiated{Projection: *field})
		*field = taps[len(taps)-1]
	}
	b := transformer.NewBatch(rows...)
	var at, targets []int32
	for _, s := range b.Segments {
		for i := s.Start; i < s.Start+s.Len-1; i++ {
			at, targets = append(at, int32(i)), append(targets, b.Tokens[i+1])
		}
	}
	p := autograd.NewTrainingPass(ref.New())
	if err := p.Backward(d.LossAt(p, d.Forward(p, b, nil), at, targets), 1); err != nil {
		t.Fatal(err)
	}
	for i, l := range layers {
		in, out := l.Sizes()
		c := compress.CurvedLayer{Out: out, In: in, Gradient: make([]float32, out*in), Inputs: compress.NewMoments(in), Outputs: compress.NewMoments(out)}
		w, _, _ := weight(l)
		for _, v := range w {
			c.Weight = append(c.Weight, float32(v))
		}
		for j := range c.Gradient {
			sum := 0.0
			for n := range len(taps[i].x) / in {
				sum += float64(taps[i].dY[n*out+j/in]) * float64(taps[i].x[n*in+j%in])
			}
			c.Gradient[j] = float32(sum)
		}
		if err := c.Inputs.Add(taps[i].x); err != nil {
			t.Fatal(err)
		}
		if err := c.Outputs.Add(taps[i].dY); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// TestGradientsDecideWhatStays: of attention the directions and of the MLP the channels
// that GradOT's score keeps, with inputs and gradients that are noted layer by layer in one
// pass. It is of the full model, whatever the emulator has below.
func TestGradientsDecideWhatStays(t *testing.T) {
	be, rows := ref.New(), texts(40)
	const share = 0.5
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for _, lambda := range []float64{0, 2} {
			e, _ := fitted(t, be, full, "0:gradot0.3 2:gradot0.5 3:gradot0.8 5*", rows, emulate.FitOptions{Lambda: lambda})
			curved := curvedLayers(t, full, 2, rows)
			var made []nn.Projection
			for _, field := range nn.ProjectionsOf(e.Decoder.Blocks[1]) {
				made = append(made, *field)
			}
			s, _ := transformer.SublayersOf(full.Blocks[2])
			attention, last := len(s.Attend)+1, len(made)-1
			for i, l := range curved[:attention] {
				rank, err := compress.RankFor(share, l.Out, l.In)
				if err != nil {
					t.Fatal(err)
				}
				want, err := compress.GradOTRanks(l, rank, lambda)
				if err != nil {
					t.Fatal(err)
				}
				got, _, _ := weight(made[i])
				if d := apart(got, want.Product()); !(d < 1e-5) { // stored as float32
					t.Errorf("%s, lambda %v: layer %d has other directions: %v apart", family, lambda, i, d)
				}
			}
			n, err := compress.GradOTChannels(curved[attention:last], curved[last], curved[last].In/2, lambda)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := weight(made[last]); !slices.Equal(got, n.Down) {
				t.Errorf("%s, lambda %v: other channels stay", family, lambda)
			}
			up, _, _ := weight(made[last-1])
			var want []float64
			for _, v := range compress.Rows(curved[last-1].Weight, curved[last-1].Out, n.Kept) {
				want = append(want, float64(v))
			}
			if !slices.Equal(up, want) {
				t.Errorf("%s, lambda %v: up has other rows", family, lambda)
			}
		}
	}
}

// apart returns the norm of a - b relative to that of b.
func apart(a, b []float64) float64 {
	difference, norm := 0.0, 0.0
	for i, v := range b {
		difference, norm = difference+(a[i]-v)*(a[i]-v), norm+v*v
	}
	return math.Sqrt(difference / norm)
}

// TestGradOTWantsALoss and a lambda that is one.
func TestGradOTWantsALoss(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	for _, c := range []struct {
		rows   [][]int32
		lambda float64
		want   string
	}{
		{[][]int32{{1}, {2}}, 0, "place 1, 2:gradot0.5: each text is one token"},
		{texts(10), -1, "lambda -1: want a finite number"},
		{texts(10), math.NaN(), "lambda NaN"},
	} {
		_, _, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, "0* 2:gradot0.5 5*"), c.rows, emulate.FitOptions{Lambda: c.lambda})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
