package lens_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/lens"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// TestAlign: places stand at the layers that they name, once, and at their own where there are
// as many as the model has.
func TestAlign(t *testing.T) {
	for text, want := range map[string][]int{
		"0* 1 4 5*":     {0, 1, 4, 5},
		"0* 1 1 4 5*":   {0, 1, -1, 4, 5},
		"0* ~ 4 5*":     {0, -1, 4, 5},
		"0* 1 1 4 4 5*": {0, 1, 2, 3, 4, 5},
	} {
		if got := lens.Align(crashtest.Plan(t, text), 6); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func look(t *testing.T, be kernels.Backend, l *lens.Lens, tokens []int32, o lens.LookOptions, read ...lens.Read) lens.Grid {
	t.Helper()
	o.Text = func(id int32) string { return fmt.Sprint("t", id) }
	g, err := lens.Look(context.Background(), be, l, tokens, o, read...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestLookSaysWhatTheLibrarysLensSays holds the likeliest tokens of each entry against the
// logits of the tuned-lens library's lens, with their probabilities and entropies.
func TestLookSaysWhatTheLibrarysLensSays(t *testing.T) {
	g, d, be := read(t), model(t), ref.New()
	released := 0
	grid := look(t, be, opened(t, be), g.Rows[0], lens.LookOptions{From: 4, To: 10, Top: 3, Release: func(transformer.Block) { released++ }}, lens.Read{Name: "full", Decoder: d})
	lines := grid.Readings[0].Lines
	if len(lines) != len(d.Blocks)+1 || released != len(d.Blocks) || len(grid.Tokens) != 6 || len(grid.Next) != 6 || grid.Next[0].ID != g.Rows[0][5] {
		t.Fatalf("%d lines, %d blocks released, %d tokens, %v", len(lines), released, len(grid.Tokens), grid.Next)
	}
	for entry, line := range lines {
		for k, c := range line.Cells {
			row := softmaxed(g.Logits[entry][4+k])
			ids := make([]int, len(row.P))
			for i := range ids {
				ids[i] = i
			}
			slices.SortStableFunc(ids, func(a, b int) int {
				if row.P[a] > row.P[b] {
					return -1
				}
				return 1
			})
			for rank, said := range c.Top {
				if int(said.ID) != ids[rank] || math.Abs(said.Probability-row.P[ids[rank]]) > 1e-5 || said.Text != fmt.Sprint("t", said.ID) {
					t.Errorf("entry %d, position %d: number %d is %+v, want %d with %v", entry, 4+k, rank, said, ids[rank], row.P[ids[rank]])
				}
			}
			final := softmaxed(g.Logits[len(g.Logits)-1][4+k])
			if math.Abs(c.Entropy-lens.Entropy(row)) > 1e-4 || math.Abs(c.Final-lens.KL(final, row)) > 1e-4 || c.Full != nil {
				t.Errorf("entry %d, position %d: entropy %v, KL %v", entry, 4+k, c.Entropy, c.Final)
			}
		}
	}
}

// TestLookBesideEmulators: below what is left out an emulator says what the full model says,
// and a plan of all layers says it everywhere.
func TestLookBesideEmulators(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	read := []lens.Read{{Name: "full", Decoder: d}}
	for _, text := range []string{"0 1 2 3 4 5", "0 1 4 5", "0 1 1 1 4 5"} {
		p := crashtest.Plan(t, text)
		e, err := emulate.New(d, p)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		read = append(read, lens.Read{Name: text, Decoder: e.Decoder, Plan: p})
	}
	g := look(t, be, lens.NewLogit(lens.Logit), []int32{3, 1, 4, 1, 5}, lens.LookOptions{Top: 1}, read...)
	for i, want := range [][]int{{0, 1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6}, {0, 1, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6}} {
		var got []int
		for _, line := range g.Readings[i].Lines {
			got = append(got, line.Entry)
			same := i == 1 || line.Entry <= 1 || i == 3 && line.Entry == 2
			for k, c := range line.Cells {
				if i > 0 && (c.Full == nil || same != (*c.Full < 1e-12)) {
					t.Errorf("%s: entry %d, position %d: %v from the full model", g.Readings[i].Name, line.Entry, k, *c.Full)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: entries %v, want %v", g.Readings[i].Name, got, want)
		}
	}
	_, err := lens.Look(context.Background(), be, lens.NewLogit(lens.Logit), []int32{1, 2}, lens.LookOptions{From: 2}, read...)
	wantLine(t, "the text has 2 tokens", err)
	_, err = lens.Look(context.Background(), be, lens.NewLogit(lens.Logit), nil, lens.LookOptions{}, read...)
	wantLine(t, "row 0 has no tokens", err)
	_, err = lens.Look(context.Background(), be, opened(t, be), []int32{1}, lens.LookOptions{}, read...)
	wantLine(t, "the lens is for 3 layers", err)
}
