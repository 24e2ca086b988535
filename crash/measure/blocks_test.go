package measure_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/measure"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestImportanceOfBlocks: deleting and rewinding change the loss as a decoder of other
// blocks has it, whole.
func TestImportanceOfBlocks(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		d, before := crashtest.Small(be, family), crashtest.Small(be, family)
		for i, b := range before.Blocks {
			for w := range nn.ParamsOf(b) {
				values := w.Value.Float32s()
				for k := range values {
					values[k] *= 1 + 0.1*float32(i)
				}
				w.Value = tensor.MustFromFloat32s(be, tensor.F32, values, w.Value.Shape()...)
			}
		}
		items := continuations(12)
		loss := func(blocks []transformer.Block) float64 {
			other := *d
			other.Blocks = blocks
			v, err := measure.Loss(t.Context(), be, &other, items)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		last := 0
		r, err := measure.BlockImportance(t.Context(), be, d, before, items, func(done, total int) {
			if done <= last || total != 42 {
				t.Errorf("%d of %d blocks after %d", done, total, last)
			}
			last = done
		})
		if err != nil {
			t.Fatal(err)
		}
		if last != 42 || r.Texts != 12 || len(r.Deleted) != 6 || len(r.Rewound) != 6 {
			t.Errorf("%s: %d blocks ran, %+v", family, last, r)
		}
		near(t, family+" as it is", r.Loss, loss(d.Blocks), 0, 1e-6)
		near(t, family+" pretrained", *r.Pretrained, loss(before.Blocks), 0, 1e-6)
		for i := range d.Blocks {
			without := slices.Delete(slices.Clone(d.Blocks), i, i+1)
			near(t, family+" deleted", r.Deleted[i].Loss, loss(without), 0, 1e-6)
			with := slices.Clone(d.Blocks)
			with[i] = before.Blocks[i]
			near(t, family+" rewound", r.Rewound[i].Loss, loss(with), 0, 1e-6)
			if e := r.Deleted[i]; e.Change != e.Loss-r.Loss || !(e.StdErr > 0) {
				t.Errorf("%s: block %d: %+v of %v", family, i, e, r.Loss)
			}
		}
		if e := r.Rewound[0]; e.Change != 0 || e.StdErr != 0 {
			t.Errorf("%s: block 0 is the same and changes the loss: %+v", family, e)
		}
	}
}

// TestImportanceStdErr against its formula, from the losses of single texts.
func TestImportanceStdErr(t *testing.T) {
	be := ref.New()
	d, items := crashtest.Small(be, "llama"), continuations(7)
	r, err := measure.BlockImportance(t.Context(), be, d, nil, items, nil)
	if err != nil {
		t.Fatal(err)
	}
	without := measure.Keeping(d, []int{0, 1, 3, 4, 5})
	squares, targets := 0.0, 0.0
	for _, it := range items {
		a, err := measure.Loss(t.Context(), be, without, []transformer.Continuation{it})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := measure.Loss(t.Context(), be, d, []transformer.Continuation{it})
		n := float64(len(it.Target))
		squares += math.Pow((a-b-r.Deleted[2].Change)*n, 2)
		targets += n
	}
	near(t, "standard error", r.Deleted[2].StdErr, math.Sqrt(7.0/6*squares)/targets, 0, 1e-5)
	if r.Rewound != nil || r.Pretrained != nil || r.Targets != int(targets) {
		t.Errorf("%+v", r)
	}
}

// TestReplacementEqualsItsDefinition: CKA of the last states of decoders whose blocks were
// put in by hand.
func TestReplacementEqualsItsDefinition(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	v := measure.Vectors{Pooling: measure.PoolMeanWeighted}
	rows := crashtest.Texts(9)
	for _, metric := range measure.Metrics {
		d := crashtest.Small(be, "llama")
		how := measure.Comparing{Metric: metric}
		r, err := measure.Replace(t.Context(), be, d, rows, v, how, nil)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := measure.Observe(t.Context(), be, d, rows, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := func(blocks []transformer.Block) float64 {
			other := *d
			other.Blocks = blocks
			states, err := measure.Observe(t.Context(), be, &other, rows, v, nil)
			if err != nil {
				t.Fatal(err)
			}
			x, err := measure.Between(t.Context(), whole, states, how)
			if err != nil {
				t.Fatal(err)
			}
			return x.Matrix[len(d.Blocks)][len(blocks)]
		}
		for i := range d.Blocks {
			if i%2 == 1 {
				continue
			}
			near(t, "deleted", r.Deleted[i], want(slices.Delete(slices.Clone(d.Blocks), i, i+1)), 1, 1e-12)
			for j := range d.Blocks {
				with := slices.Clone(d.Blocks)
				with[i] = d.Blocks[j]
				near(t, metric.Name, r.Matrix[i][j], want(with), 1, 1e-12)
			}
			if r.Matrix[i][i] != 1 {
				t.Errorf("block %d in its own place: %v", i, r.Matrix[i][i])
			}
		}
		if r.Metric != metric.Name || r.Samples != 9 || r.Shuffled >= 1 {
			t.Errorf("%+v", r)
		}
	}
}

// TestStreamedStatesOfEveryMetric: a model that is read block by block has the same bits.
func TestStreamedStatesOfEveryMetric(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	d, rows, v := crashtest.Small(be, "opt"), crashtest.Texts(8), measure.Vectors{Pooling: measure.PoolMax}
	whole, err := measure.Observe(t.Context(), be, d, rows, v, nil)
	if err != nil {
		t.Fatal(err)
	}
	streamed, err := measure.ObserveStreamed(t.Context(), be, d, rows, v, func(transformer.Block) {}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measure.Metrics {
		a, err := whole.Similarity(t.Context(), measure.Comparing{Metric: m})
		if err != nil {
			t.Fatal(err)
		}
		b, err := streamed.Similarity(t.Context(), measure.Comparing{Metric: m})
		if err != nil || !slices.EqualFunc(a.Matrix, b.Matrix, slices.Equal) {
			t.Errorf("%s: %v, streamed %v, %v", m.Name, a.Matrix, b.Matrix, err)
		}
	}
}

// TestMeasuresStop where they are asked to.
func TestMeasuresStop(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	for after := range 4 {
		ctx := func() context.Context { return &crashtest.Countdown{Context: t.Context(), Left: after} }
		_, err := measure.BlockImportance(ctx(), be, d, nil, continuations(4), nil)
		_, other := measure.Replace(ctx(), be, d, crashtest.Texts(4), measure.Vectors{}, measure.Comparing{}, nil)
		_, third := measure.BlockWeights(ctx(), d, nil, nil, nil)
		for what, err := range map[string]error{"importance": err, "replacement": other, "weights": third} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s after %d: %v", what, after, err)
			}
		}
	}
}

// TestMeasuresRefuse what cannot be measured, in a line.
func TestMeasuresRefuse(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	other, _ := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-prenorm"))
	wider, err := other.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	shaped := measure.Keeping(wider, []int{0, 1, 2, 0, 1, 2})
	broken := crashtest.Small(be, "opt")
	for w := range nn.ParamsOf(broken.Blocks[1]) {
		values := w.Value.Float32s()
		values[0] = float32(math.NaN())
		w.Value = tensor.MustFromFloat32s(be, tensor.F32, values, w.Value.Shape()...)
		break
	}
	importance := func(d, other *transformer.Decoder, n int) error {
		_, err := measure.BlockImportance(t.Context(), be, d, other, continuations(n), nil)
		return err
	}
	replace := func(d *transformer.Decoder, n int, how measure.Comparing) error {
		_, err := measure.Replace(t.Context(), be, d, crashtest.Texts(n), measure.Vectors{}, how, nil)
		return err
	}
	_, weights := measure.BlockWeights(t.Context(), broken, nil, nil, nil)
	_, none := measure.BlockWeights(t.Context(), d, func(string) bool { return false }, nil, nil)
	for _, c := range []struct {
		want string
		err  error
	}{
		{"no texts to measure the loss of", importance(d, nil, 0)},
		{"6 blocks of the family opt and 3 of the family opt", importance(d, wider, 2)},
		{"block 0 has ", importance(d, shaped, 2)},
		{"the loss of the model as it is is NaN", importance(broken, nil, 3)},
		{"needs 2 samples or more, got 1", replace(d, 1, measure.Comparing{})},
		{"needs 4 samples or more, got 3", replace(d, 3, measure.Comparing{Metric: measure.MetricDebiased})},
		{"NaN is not finite", replace(broken, 3, measure.Comparing{})},
		{"layers.1.", weights},
		{"no tensor that is asked for stands in all 6 blocks", none},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
}

// TestBlockWeightsOfAnyStorage: quantised tensors are measured by their values, each is
// released once, and names are those within a block.
func TestBlockWeightsOfAnyStorage(t *testing.T) {
	_, d := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "gguf", "mixed.gguf"))
	released := map[string]int{}
	w, err := measure.BlockWeights(t.Context(), d, func(name string) bool { return strings.HasSuffix(name, "proj.weight") }, func(p *autograd.Parameter) { released[p.Name]++ }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Tensors) != 7 || w.Tensors[0].Name != "self_attn.q_proj.weight" || w.Layers != len(d.Blocks) || len(released) != 7*w.Layers {
		t.Fatalf("%d tensors, first %+v, %d released", len(w.Tensors), w.Tensors[0], len(released))
	}
	for p := range nn.ParamsOf(d.Blocks[1]) {
		if strings.HasSuffix(p.Name, "q_proj.weight") {
			norm := 0.0
			for _, v := range p.Value.Float32s() {
				norm += float64(v) * float64(v)
			}
			near(t, "norm", w.Tensors[0].Norm[1], math.Sqrt(norm), 0, 1e-12)
		}
	}
}
