package transformer_test

import (
	"context"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/transformer"
)

// TestKeptStreamsKeepBits scores items with shared contexts and without, several times
// through what is kept and with other weights above the place, and wants the bits of a call
// that keeps nothing. Other items, and what stops half way, begin anew.
func TestKeptStreamsKeepBits(t *testing.T) {
	for _, be := range backends(t) {
		for _, name := range []string{"opt-prenorm", "llama-gqa-tied", "gpt2-tied", "bloom-postnorm"} {
			d, g := open(t, be, name)
			row := slices.MaxFunc(g.Tokens, func(a, b []int32) int { return len(a) - len(b) })
			items := []transformer.Continuation{
				{Context: row[:2], Target: row[2:4]}, {Context: row[:2], Target: []int32{5, 6, 7}}, {Context: row[:3], Target: row[3:5]},
				{Context: row[:4], Target: []int32{1}}, {Context: row[:4], Target: []int32{2, 3}},
			}
			other := d.Clone()
			other.Blocks[len(d.Blocks)-1] = d.Blocks[0] // all below stays
			for place := 0; place < len(d.Blocks); place++ {
				kept := &transformer.Kept{Place: place, Memory: 1 << 20}
				for round, m := range []*transformer.Decoder{d, d, other, d, other} {
					for _, some := range [][]transformer.Continuation{items, items, items[1:]} {
						keptRun(t, be, m, kept, some, 8)
					}
					if round == 2 { // a call that ends half way leaves nothing that is wrong
						ctx, end := context.WithCancel(context.Background())
						_, _ = m.Score(ctx, be, items, transformer.ScoreOptions{Tokens: 4, Kept: kept, Progress: func(int, int) { end() }})
					}
				}
				kept.Close()
			}
			small := &transformer.Kept{Place: 1, Memory: 10}
			keptRun(t, be, d, small, items, 8)
			if small.Bytes() != 0 {
				t.Errorf("%d bytes are kept where 10 may be", small.Bytes())
			}
		}
	}
}

func keptRun(t *testing.T, be kernels.Backend, d *transformer.Decoder, kept *transformer.Kept, items []transformer.Continuation, tokens int) {
	t.Helper()
	want, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{Tokens: tokens, Kept: kept})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("place %d: %v, without what is kept %v", kept.Place, got, want)
	}
}
