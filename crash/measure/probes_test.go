package measure_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// probe is a decoder of testdata/probes.json.
type probe struct {
	Model         string
	Rows          [][]int32
	Trained       []int
	Cosine, Angle [][]float64
	CKA           map[string][][]float64
	Gains         []float64
	Kept          []struct {
		Kept     []int
		Loss     float64
		Gradient *float64
		Gram     *plan.Gram
		// of all weights, then of each trained block
		Agreement []struct{ Cosine, Signs, Unsure float64 }
		Gain      float64
	}
}

// probes opens the decoders of the golden on a backend, with their items.
func probes(t *testing.T, be kernels.Backend, each func(g probe, d *transformer.Decoder, items []transformer.Continuation)) {
	t.Helper()
	data, err := os.ReadFile("testdata/probes.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []probe
	if err := json.Unmarshal(data, &golden); err != nil || len(golden) < 2 {
		t.Fatalf("%d models, %v", len(golden), err)
	}
	for _, g := range golden {
		c, _ := crashtest.OpenModel(t, filepath.Join(crashtest.Models, g.Model))
		three, err := c.Decoder(be)
		if err != nil {
			t.Fatal(err)
		}
		var items []transformer.Continuation
		for _, row := range g.Rows {
			items = append(items, transformer.Continuation{Context: row[:len(row)/2], Target: row[len(row)/2:]})
		}
		each(g, measure.Keeping(three, []int{0, 1, 2, 2, 1, 0}), items)
	}
}

// near fails unless two numbers agree to a relative bar, scale being what is compared.
func near(t *testing.T, what string, got, want, scale, bar float64) {
	t.Helper()
	if !(math.Abs(got-want) <= bar*max(math.Abs(want), scale)) {
		t.Errorf("%s: %.12g, want %.12g (bar %g)", what, got, want, bar)
	}
}

// TestProbesEqualTorch: cosines, angles, losses, gradients and their Gram form against
// torch in float64: 1e-6 where streams are compared, 1e-4 in F32 gradients.
func TestProbesEqualTorch(t *testing.T) {
	ctx := context.Background()
	for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} {
		probes(t, be, func(g probe, d *transformer.Decoder, items []transformer.Continuation) {
			turns, err := measure.LayerDirections(ctx, be, d, g.Rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range g.Cosine {
				for j := range g.Cosine {
					near(t, g.Model+" cosine", turns.Cosine[i][j], g.Cosine[i][j], 0.1, 1e-6)
					if i != j { // arccos is steep at 1
						near(t, g.Model+" angle", turns.Angle[i][j], g.Angle[i][j], 0.1, 1e-6)
					} else if turns.Angle[i][i] > 1e-7 {
						t.Errorf("%s: a state is at an angle of %g with itself", g.Model, turns.Angle[i][i])
					}
				}
			}
			for word, want := range g.CKA {
				tokens, err := measure.ParseTokens(word)
				if err != nil {
					t.Fatal(err)
				}
				s, err := measure.LayerSimilarity(ctx, be, d, g.Rows, measure.Vectors{Pooling: measure.PoolMeanWeighted, Tokens: tokens}, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					for j := range want {
						near(t, g.Model+" CKA, "+word, s.Matrix[i][j], want[i][j], 1, 1e-5)
					}
				}
			}
			of := &measure.Gradients{Backend: be, Full: d, Items: items}
			defer of.Close()
			gains, err := of.Gains(ctx, 4, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range g.Gains {
				near(t, g.Model+" gain", gains[i], want, 0, 1e-4)
			}
			for _, k := range g.Kept {
				loss, err := measure.Loss(ctx, be, measure.Keeping(d, k.Kept), items)
				if err != nil {
					t.Fatal(err)
				}
				near(t, g.Model+" loss", loss, k.Loss, 0, 2e-6)
				if k.Gradient == nil {
					continue
				}
				cosine, err := of.Cosine(ctx, k.Kept, g.Trained)
				if err != nil {
					t.Fatal(err)
				}
				near(t, g.Model+" gradient", cosine, *k.Gradient, 1, 1e-5)
				gram, err := of.Gram(ctx, k.Kept, g.Trained)
				if err != nil {
					t.Fatal(err)
				}
				sameGram(t, g.Model, gram, *k.Gram)
			}
		})
	}
}

// sameGram compares each part with the largest of its kind.
func sameGram(t *testing.T, model string, got, want plan.Gram) {
	t.Helper()
	largest := func(values []float64) (most float64) {
		for _, v := range values {
			most = max(most, math.Abs(v))
		}
		return most
	}
	const bar = 1e-4
	near(t, model+" |full|²", got.Full, want.Full, 0, bar)
	near(t, model+" |apart|²", got.Apart, want.Apart, want.Full, bar)
	for a := range want.Q {
		near(t, model+" drift", got.Drift[a], want.Drift[a], math.Sqrt(want.Full*largest(slices.Concat(want.Q...))), bar)
		near(t, model+" saliency", got.Saliency[a], want.Saliency[a], largest(want.Saliency), bar)
		for b := range want.Q {
			near(t, model+" Q", got.Q[a][b], want.Q[a][b], largest(slices.Concat(want.Q...)), bar)
		}
	}
}

// TestProbesHaveTheSameBits for any number of workers, and when asked again after
// something else.
func TestProbesHaveTheSameBits(t *testing.T) {
	ctx := context.Background()
	var first []any
	for _, workers := range []int{1, 3} {
		be := cpu.New(cpu.Options{Threads: workers})
		d := crashtest.Small(be, "llama")
		var items []transformer.Continuation
		var rows [][]int32
		for _, p := range crashtest.Pairs(40) {
			items = append(items, transformer.Continuation{Context: p.Context, Target: p.Target})
			rows = append(rows, slices.Concat(p.Context, p.Target))
		}
		g := &measure.Gradients{Backend: be, Full: d, Items: items}
		var got []any
		keep := func(v any, err error) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		for range 2 {
			keep(g.Cosine(ctx, []int{0, 2, 5}, []int{0, 5}))
			keep(g.Gram(ctx, []int{0, 1, 2, 5}, []int{0, 5}))
			keep(g.Gains(ctx, 4, nil))
			keep(measure.LayerDirections(ctx, be, d, rows, nil))
			keep(measure.Loss(ctx, be, measure.Keeping(d, []int{0, 3}), measure.Texts(rows)))
			keep(measure.Neighbours(ctx, be, measure.Keeping(d, []int{0, 3, 4}), rows, measure.Vectors{}))
		}
		if half := len(got) / 2; !reflect.DeepEqual(got[:half], got[half:]) {
			t.Errorf("%d workers: asked again, other numbers", workers)
		}
		if first != nil && !reflect.DeepEqual(got, first) {
			t.Errorf("%d workers: other bits than with one", workers)
		}
		first = got
		g.Close()
		be.Close()
	}
}

// TestNeighboursAreTheSecondDiagonal of the similarity matrix, to the bit.
func TestNeighboursAreTheSecondDiagonal(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	var rows [][]int32
	for _, p := range crashtest.Pairs(12) {
		rows = append(rows, slices.Concat(p.Context, p.Target))
	}
	for _, tokens := range []measure.Tokens{measure.TokensPlain, measure.TokensRMS, measure.TokensDropFirst} {
		v := measure.Vectors{Pooling: measure.PoolMeanWeighted, Tokens: tokens}
		s, err := measure.LayerSimilarity(context.Background(), be, d, rows, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		near, err := measure.Neighbours(context.Background(), be, d, rows, v)
		if err != nil || !slices.Equal(near, plan.Adjacent(s.Matrix)) {
			t.Errorf("%v: %v, %v; want %v", tokens, near, err, plan.Adjacent(s.Matrix))
		}
	}
}

// TestProbesLeaveTheModelAlone, and give back what they hold.
func TestProbesLeaveTheModelAlone(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "gpt2")
	before := crashtest.Bits(d.Params())
	items := []transformer.Continuation{{Context: []int32{1, 2}, Target: []int32{3}}}
	g := &measure.Gradients{Backend: be, Full: d, Items: items}
	if _, err := g.Gram(context.Background(), []int{1, 2, 4}, []int{2, 4}); err != nil {
		t.Fatal(err)
	}
	g.Close()
	crashtest.Same(t, "weights", crashtest.Bits(d.Params()), before)
	for w := range d.Params() {
		if w.Trainable || !w.Grad.IsNone() {
			t.Fatalf("%s is trainable", w.Name)
		}
	}
}

// TestProbesRefuse: nothing to measure on, an end of the context, no memory, weights
// that are no numbers.
func TestProbesRefuse(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	items := []transformer.Continuation{{Context: []int32{1, 2}, Target: []int32{3}}}
	rows := [][]int32{{1, 2, 3}, {4, 5}}
	ctx := context.Background()
	ended, end := context.WithCancel(ctx)
	end()
	fails := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	_, err := measure.Loss(ctx, be, d, nil)
	fails("no items", err, "no tokens")
	_, err = (&measure.Gradients{Backend: be, Full: d}).Cosine(ctx, []int{0}, []int{0})
	fails("no texts", err, "on 0 texts")
	_, err = (&measure.Gradients{Backend: be, Full: d, Items: []transformer.Continuation{{Context: []int32{99}, Target: []int32{1}}}}).Gains(ctx, 2, nil)
	fails("an id", err, "text 0: context, token 0: id 99")
	_, err = measure.LayerDirections(ctx, be, d, [][]int32{{1}, {}}, nil)
	fails("an empty row", err, "row 1 has no tokens")
	_, err = measure.LayerSimilarity(ctx, be, d, [][]int32{{1, 2}, {3}}, measure.Vectors{Tokens: measure.TokensDropFirst}, nil)
	fails("one token", err, "row 1 has one token")
	for what, run := range map[string]func(ctx context.Context, be kernels.Backend) error{
		"cosine": func(ctx context.Context, be kernels.Backend) error {
			g := &measure.Gradients{Backend: be, Full: d, Items: items}
			defer g.Close()
			_, err := g.Cosine(ctx, []int{1}, []int{1})
			return err
		},
		"gram": func(ctx context.Context, be kernels.Backend) error {
			g := &measure.Gradients{Backend: be, Full: d, Items: items}
			defer g.Close()
			_, err := g.Gram(ctx, []int{1, 2}, []int{1})
			return err
		},
		"directions": func(ctx context.Context, be kernels.Backend) error {
			_, err := measure.LayerDirections(ctx, be, d, rows, nil)
			return err
		},
		"neighbours": func(ctx context.Context, be kernels.Backend) error {
			_, err := measure.Neighbours(ctx, be, d, rows, measure.Vectors{})
			return err
		},
	} {
		if err := run(ended, be); !errors.Is(err, context.Canceled) {
			t.Errorf("%s of an ended context: %v", what, err)
		}
		var oom *tensor.OutOfMemory
		if err := run(ctx, kerneltest.NewFailing(be, 1)); !errors.As(err, &oom) {
			t.Errorf("%s without memory: %v", what, err)
		}
	}
	nan := crashtest.Small(be, "opt")
	for w := range nan.Params() {
		v := w.Value.Float32s()
		for i := range v {
			v[i] = float32(math.NaN())
		}
		w.Value = tensor.MustFromFloat32s(be, tensor.F32, v, w.Value.Shape()...)
	}
	_, err = measure.LayerDirections(ctx, be, nan, rows, nil)
	fails("NaN", err, "is not finite: look at the model's weights")
	_, err = (&measure.Gradients{Backend: be, Full: nan, Items: items}).Gains(ctx, 6, nil)
	fails("NaN gains", err, "gradient of layer 0 is not finite")
}
