package lens_test

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/lens"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/transformer"
)

func opened(t *testing.T, be kernels.Backend) *lens.Lens {
	t.Helper()
	l, err := lens.Open(be, "testdata/library")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// softmaxed is the distribution of logits.
func softmaxed(logits []float64) lens.Row {
	p, sum := make([]float64, len(logits)), 0.0
	for i, v := range logits {
		p[i] = math.Exp(v)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return lens.RowOf(p)
}

// TestMeasureIsOfTheLibrarysLogits holds the matrices of one row against the distances of
// the logits that the tuned-lens library's lens has of it: at the last 5 tokens, and at all.
func TestMeasureIsOfTheLibrarysLogits(t *testing.T) {
	g, d, be := read(t), model(t), ref.New()
	l := opened(t, be)
	for _, target := range []int{len(g.Rows[0]) - 5, 0} {
		got, err := lens.Measure(context.Background(), be, d, l, []lens.Example{{Tokens: g.Rows[0], Target: target}}, lens.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Tokens != len(g.Rows[0])-target || got.Examples != 1 {
			t.Fatalf("%d tokens of %d examples", got.Tokens, got.Examples)
		}
		for _, kind := range lens.Distances {
			for i := range g.Logits {
				for j := range g.Logits {
					want := 0.0
					for at := target; at < len(g.Rows[0]); at++ {
						want += kind.Of(softmaxed(g.Logits[i][at]), softmaxed(g.Logits[j][at])) / float64(got.Tokens)
					}
					if have := got.Distances[kind.Name][i][j]; !(math.Abs(have-want) <= 1e-5*(1+want)) {
						t.Errorf("%s of %d and %d: %v, want %v", kind.Name, i, j, have, want)
					}
				}
			}
		}
		for i := range g.Logits {
			want := 0.0
			for at := target; at < len(g.Rows[0]); at++ {
				want += lens.Entropy(softmaxed(g.Logits[i][at])) / float64(got.Tokens)
			}
			if math.Abs(got.Entropy[i]-want) > 1e-5 {
				t.Errorf("entropy of %d: %v, want %v", i, got.Entropy[i], want)
			}
		}
	}
}

// examples are of several lengths and targets.
func examples(rows [][]int32) (list []lens.Example) {
	for i, r := range rows {
		list = append(list, lens.Example{Tokens: r[:len(r)-i%4], Target: i % 3})
	}
	return list
}

// TestMeasureBits: streamed or not, by one worker or three, in one pass or in many, the
// matrices are the same to the bit; and the mean is that of examples, each by itself.
func TestMeasureBits(t *testing.T) {
	g, d := read(t), model(t)
	all := examples(g.Rows)
	for range 3 {
		all = append(all, all...) // several passes
	}
	measure := func(list []lens.Example, threads int, o lens.Options) lens.Result {
		be := cpu.New(cpu.Options{Threads: threads, SplitAll: threads > 1})
		defer be.Close()
		o.Workers = threads
		r, err := lens.Measure(context.Background(), be, d, opened(t, be), list, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	text := func(r lens.Result) string {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	want := measure(all, 1, lens.Options{})
	released := 0
	streamed := measure(all, 1, lens.Options{Stream: true, Scratch: t.TempDir(), Release: func(transformer.Block) { released++ }})
	if text(streamed) != text(want) || released != len(d.Blocks) {
		t.Errorf("streamed, %d blocks released: another result", released)
	}
	if text(measure(all, 3, lens.Options{})) != text(want) {
		t.Error("three workers: another result")
	}
	mean := 0.0
	for _, e := range all[:6] {
		mean += measure([]lens.Example{e}, 1, lens.Options{}).Distances["js"][0][3] / 6
	}
	if got := measure(all[:6], 1, lens.Options{}).Distances["js"][0][3]; math.Abs(got-mean) > 1e-12 {
		t.Errorf("mean of six %v, want %v", got, mean)
	}
}

func TestMeasureRefuses(t *testing.T) {
	d, be := model(t), ref.New()
	measure := func(d *transformer.Decoder, l *lens.Lens, list ...lens.Example) error {
		_, err := lens.Measure(context.Background(), be, d, l, list, lens.Options{})
		return err
	}
	plain := lens.NewLogit(lens.Logit)
	wantLine(t, "no texts to look at", measure(d, plain))
	wantLine(t, "row 0 has no tokens", measure(d, plain, lens.Example{}))
	wantLine(t, "row 0: no target tokens", measure(d, plain, lens.Example{Tokens: []int32{1, 2}, Target: 2}))
	_, wide := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-odd"))
	wantLine(t, "width (d_model) of 24", measure(wide, opened(t, be), lens.Example{Tokens: []int32{1}}))
	if err := measure(wide, lens.NewLogit(lens.Raw), lens.Example{Tokens: []int32{1}}); err != nil {
		t.Error(err) // one token is enough
	}
	broken := crashtest.Small(be, "opt")
	for w := range broken.Params() {
		if w.Value.Rank() == 2 {
			values := w.Value.Float32s()
			values[0] = float32(math.NaN())
			w.Value.SetFloat32s(values)
		}
	}
	wantLine(t, "not finite", measure(broken, plain, lens.Example{Tokens: []int32{0, 1}}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lens.Measure(ctx, be, d, plain, []lens.Example{{Tokens: []int32{1}}}, lens.Options{}); err != context.Canceled {
		t.Errorf("stopped: %v", err)
	}
}
