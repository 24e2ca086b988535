package transformer_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// TestScoreEqualsLogits compares shared-prefix scoring with log-softmax over the
// logits of each whole sequence, and shows that the bits do not depend on what
// else is in the batch.
func TestScoreEqualsLogits(t *testing.T) {
	for _, be := range backends(t) {
		for _, name := range []string{"opt-prenorm", "llama-gqa-tied", "opt-350m-like", "llama-long", "gpt2-by-layer", "bloom-six", "bloom-postnorm"} {
			t.Run(be.Name()+"/"+name, func(t *testing.T) {
				d, g := open(t, be, name)
				longest := slices.MaxFunc(g.Tokens, func(a, b []int32) int { return len(a) - len(b) })
				ctx := longest[:len(longest)-3]
				items := []transformer.Continuation{
					{Context: ctx, Target: longest[len(ctx):]},
					{Context: ctx, Target: []int32{5}},
					{Context: ctx, Target: []int32{7, 8, 9, 4}[:min(4, d.Config.MaxPositions-len(ctx)+1)]},
					{Context: longest[:1], Target: longest[1:3]},
					{Context: longest[:2], Target: longest[2:3]},
					{Context: longest[:2], Target: longest[3:5]},
				}
				got, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{})
				if err != nil {
					t.Fatal(err)
				}
				alone, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{Tokens: 1})
				if err != nil {
					t.Fatal(err)
				}
				for i, it := range items {
					want := direct(autograd.NewPass(be), d, it)
					if math.Abs(got[i].LogProb-want.LogProb) > 1e-4 || got[i].Greedy != want.Greedy {
						t.Errorf("item %d: %+v, want %+v", i, got[i], want)
					}
					single, err := d.Score(context.Background(), be, items[i:i+1], transformer.ScoreOptions{})
					if err != nil {
						t.Fatal(err)
					}
					if got[i] != alone[i] || got[i] != single[0] {
						t.Errorf("item %d: bits depend on the batch: %v, %v alone, %v as the only item", i, got[i], alone[i], single[0])
					}
				}
			})
		}
	}
}

// TestScoreRunsTheHeadOncePerRow counts: four choices after one context share the
// row that predicts their first tokens.
func TestScoreRunsTheHeadOncePerRow(t *testing.T) {
	be := kerneltest.NewCounting(ref.New())
	d, _ := open(t, be, "llama-gqa-tied")
	context4 := []int32{3, 4, 5, 6}
	var items []transformer.Continuation
	for first := range int32(4) {
		items = append(items, transformer.Continuation{Context: context4, Target: []int32{first, 9}})
	}
	be.Reset()
	if _, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{}); err != nil {
		t.Fatal(err)
	}
	head := 0
	for _, p := range be.Products() {
		if p.N == d.Config.Vocab {
			head += p.M
		}
	}
	if want := 1 + len(items); head != want {
		t.Errorf("the head ran on %d rows, want %d", head, want)
	}
}

// direct scores a continuation from the full logits of one sequence.
func direct(p *autograd.Pass, d *transformer.Decoder, it transformer.Continuation) transformer.Likelihood {
	row := slices.Concat(it.Context, it.Target)
	x := d.Forward(p, transformer.NewBatch(row[:len(row)-1]), nil)
	logits := d.Logits(p, x).T.Float32s()
	v := d.Config.Vocab
	s := transformer.Likelihood{Greedy: true}
	for i, token := range it.Target {
		at := logits[(len(it.Context)-1+i)*v:][:v]
		sum, best := 0.0, 0
		for j, z := range at {
			sum += math.Exp(float64(z))
			if z > at[best] {
				best = j
			}
		}
		s.LogProb += float64(at[token]) - math.Log(sum)
		s.Greedy = s.Greedy && best == int(token)
	}
	return s
}

func TestGreedyEqualsTransformers(t *testing.T) {
	for _, be := range backends(t) {
		found := 0
		for _, name := range models(t) {
			d, g := open(t, be, name)
			if g.Greedy == nil {
				continue
			}
			found++
			var ids []int32
			err := d.Generate(context.Background(), be, g.Greedy.Prompt, len(g.Greedy.IDs), transformer.Sampling{}, func(id int32) bool {
				ids = append(ids, id)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids, g.Greedy.IDs) {
				t.Errorf("%s/%s: %v, want %v", be.Name(), name, ids, g.Greedy.IDs)
			}
		}
		if found < 2 {
			t.Errorf("%d models with a greedy golden, want 2 or more", found)
		}
	}
}

// TestDecodingAgreesWithPrefill runs N tokens at once and k one by one, against
// all at once: two sequences of different lengths, all layers, grouped heads.
func TestDecodingAgreesWithPrefill(t *testing.T) {
	for _, be := range backends(t) {
		for _, name := range []string{"llama-gqa-tied", "opt-prenorm", "llama3-rope", "gpt2-by-layer", "gpt2-f16", "bloom-bf16", "bloom-postnorm"} {
			t.Run(be.Name()+"/"+name, func(t *testing.T) {
				d, g := open(t, be, name)
				decodesAsPrefill(t, be, d, slices.MaxFunc(g.Tokens, func(a, b []int32) int { return len(a) - len(b) }))
			})
		}
	}
}

// decodesAsPrefill compares the logits of a row's last three tokens, run one by one beside
// a second sequence, with those of the row run at once.
func decodesAsPrefill(t *testing.T, be kernels.Backend, d *transformer.Decoder, row []int32) {
	t.Helper()
	rows := [][]int32{row, row[2:]}
	p := autograd.NewPass(be)
	const k = 3
	store := tensor.Must(d.NewKVStore(be, 2*len(row)))
	prefill := &transformer.Batch{Store: true}
	caches := make([]*transformer.Cache, len(rows))
	for i, r := range rows {
		caches[i] = store.Sequence(len(r))
		prefill.Add(r[:len(r)-k], caches[i])
	}
	d.Forward(p, prefill, nil)
	p.Reset()
	for step := range k {
		b := &transformer.Batch{Store: true}
		for i, r := range rows {
			at := len(r) - k + step
			b.Add(r[at:at+1], caches[i])
		}
		p.Decoding = true
		got := d.Logits(p, d.Forward(p, b, nil)).T.Floats()
		p.Reset()
		p.Decoding = false
		for i, r := range rows {
			at := len(r) - k + step
			whole := d.Logits(p, d.Forward(p, transformer.NewBatch(r[:at+1]), nil)).T
			want := whole.Slice(at, at+1).Floats()
			p.Reset()
			one := make([]float32, d.Config.Vocab)
			for j := range one {
				one[j] = float32(got[i*d.Config.Vocab+j])
			}
			compare(t, fmt.Sprintf("step %d sequence %d", step, i), one, want)
		}
	}
}
