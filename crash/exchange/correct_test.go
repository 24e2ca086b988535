package exchange_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// corrected opens an adapter of a form of odd or plain weights and corrects it.
func corrected(t *testing.T, dir string, full *transformer.Decoder, c exchange.Corrections) (*exchange.Adapter, nn.Params) {
	t.Helper()
	a, err := exchange.OpenAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.Correct(c, full.Config); err != nil {
		t.Fatal(err)
	}
	_, params, err := a.Plugged(full)
	if err != nil {
		t.Fatal(err)
	}
	return a, params
}

// bothForms writes what training made of a plan's layers, as weights and as a delta.
func bothForms(t *testing.T, be kernels.Backend, family, plan string, odd bool) (full *transformer.Decoder, dirs []string) {
	t.Helper()
	full = crashtest.Small(be, family)
	e, before := oddly(t, be, full, plan, odd)
	var base []nn.Params
	for _, layer := range e.Plan.Trainable() {
		base = append(base, nn.ParamsOf(full.Blocks[layer]))
	}
	for _, form := range exchange.Forms[:2] {
		dir := filepath.Join(t.TempDir(), form.Name)
		m := exchange.Manifest{Plan: e.Plan, Base: transformer.Fingerprint(nn.Join(base...))}
		if err := exchange.Save(dir, form, m, exchange.Returned{After: e.Params(), Before: before}); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	return full, dirs
}

func ptr[T any](v T) *T { return &v }

// TestAlpha of 0 gives T₀ to the bit, of 1 T, and of each block its own: fl32(T₀ + α·dT)
// in float64.
func TestAlpha(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full, dirs := bothForms(t, be, family, "0* 2 5* 3", true)
		var whole []uint32
		for layer := range full.Blocks {
			if layer == 0 || layer == 5 {
				whole = append(whole, crashtest.Bits(nn.ParamsOf(full.Blocks[layer]))...)
			}
		}
		var after [][]uint32
		for _, dir := range dirs {
			_, params := corrected(t, dir, full, exchange.Corrections{})
			after = append(after, crashtest.Bits(params))
			_, params = corrected(t, dir, full, exchange.Corrections{Alpha: ptr(1.0)})
			crashtest.Same(t, family+": α 1", crashtest.Bits(params), after[0])
			_, params = corrected(t, dir, full, exchange.Corrections{Alpha: ptr(0.0)})
			crashtest.Same(t, family+": α 0", crashtest.Bits(params), whole)
			_, params = corrected(t, dir, full, exchange.Corrections{Blocks: map[int]float64{0: 0.25, 5: 0}})
			got := crashtest.Bits(params)
			n := nn.Count(nn.ParamsOf(full.Blocks[0]))
			crashtest.Same(t, family+": α 0 of a block", got[n:], whole[n:])
			for i, bits := range got[:n] {
				b, a := float64(math.Float32frombits(whole[i])), float64(math.Float32frombits(after[0][i]))
				want := b + 0.25*(a-b)
				if v := float64(math.Float32frombits(bits)); math.Abs(v-want) > math.Abs(want)*0x1p-24+0.25*math.Abs(a-b)*0x1p-24+0x1p-149 { // half a place of T, and of the change as a delta has it
					t.Fatalf("%s: number %d: %g + 0.25·(%g - %[3]g) is %[5]g, want %[6]g", dir, i, b, a, v, want)
				}
			}
		}
		crashtest.Same(t, family+": delta", after[0], after[1])
	}
}

func TestWrongCorrections(t *testing.T) {
	full, dirs := bothForms(t, ref.New(), "llama", "0* 2 5*", true)
	a, err := exchange.OpenAdapter(dirs[1])
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for want, c := range map[string]exchange.Corrections{
		"α NaN":                      {Alpha: ptr(math.NaN())},
		"α -1":                       {Alpha: ptr(-1.0)},
		"α +Inf":                     {Alpha: ptr(math.Inf(1))},
		"layer 5: α -0.5":            {Blocks: map[int]float64{5: -0.5}},
		"layer 2, which the adapter": {Blocks: map[int]float64{2: 0.5}},
		"layer 9":                    {Blocks: map[int]float64{9: 0.5}},
		"rank -1":                    {Rank: -1},
	} {
		if err := a.Correct(c, full.Config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if a.Corrections().Any() {
		t.Error("something was applied")
	}
}

// answers are texts for the small decoders.
func answers(n int) (items []transformer.Continuation) {
	for _, p := range crashtest.Pairs(n) {
		items = append(items, transformer.Continuation{Context: p.Context, Target: p.Target})
	}
	return items
}

// TestSignsMask holds the mask of GradFix against votes counted from gradients one text at
// a time, of any number of workers: what goes another way keeps T₀'s bits, all else moves.
func TestSignsMask(t *testing.T) {
	full, dirs := bothForms(t, ref.New(), "llama", "0* 2 5* 3", false)
	items := answers(5)
	voted := votes(t, full, items)
	plain, _ := corrected(t, dirs[0], full, exchange.Corrections{})
	_, params, err := plain.Plugged(full)
	if err != nil {
		t.Fatal(err)
	}
	after := crashtest.Bits(params)
	before := crashtest.Bits(nn.Join(nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Blocks[5])))
	var first []uint32
	for _, dir := range dirs {
		for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{Threads: 1}), cpu.New(cpu.Options{Threads: 3})} {
			a, err := exchange.OpenAdapter(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			signs, err := a.MeasureSigns(context.Background(), be, full, items, nil)
			if err != nil {
				t.Fatal(err)
			}
			a, params := corrected(t, dir, full, exchange.Corrections{Signs: signs})
			got := crashtest.Bits(params)
			if first == nil {
				first = got
				masked(t, voted, before, after, got, a.Corrections().Signs.Kept)
			}
			crashtest.Same(t, dir, got, first)
		}
	}
}

// votes counts them from gradients.
func votes(t *testing.T, full *transformer.Decoder, items []transformer.Continuation) (sum []int) {
	t.Helper()
	for _, it := range items {
		g := &measure.Gradients{Backend: ref.New(), Full: full, Items: []transformer.Continuation{it}}
		grad, err := g.InFull(context.Background(), nn.Join(nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Blocks[5])))
		if err != nil {
			t.Fatal(err)
		}
		if sum == nil {
			sum = make([]int, len(grad.Values))
		}
		for i, v := range grad.Values {
			if v > 0 {
				sum[i]--
			} else if v < 0 {
				sum[i]++
			}
		}
	}
	return sum
}

// masked fails unless got is after where the votes go its way, else before.
func masked(t *testing.T, voted []int, before, after, got []uint32, share float64) {
	t.Helper()
	kept, all := 0, 0
	for i, bits := range got {
		a, b := float64(math.Float32frombits(after[i])), float64(math.Float32frombits(before[i]))
		want := before[i]
		if a > b && voted[i] > 0 || a < b && voted[i] < 0 {
			want = after[i]
			kept++
		}
		if a != b {
			all++
		} else {
			want = after[i]
		}
		if bits != want {
			t.Fatalf("number %d: from %g to %g with %d votes is %08x, want %08x", i, b, a, voted[i], bits, want)
		}
	}
	if math.Abs(share-float64(kept)/float64(all)) > 1e-12 || kept == 0 || kept == all {
		t.Errorf("%g kept, want %d of %d", share, kept, all)
	}
}

// TestRandomControl has the norm of what it replaces, before the mask, and is the same at
// each call.
func TestRandomControl(t *testing.T) {
	full, dirs := bothForms(t, ref.New(), "gpt2", "0* 5*", false)
	a, err := exchange.OpenAdapter(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	signs, err := a.MeasureSigns(context.Background(), ref.New(), full, answers(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	var plugged [][]uint32
	for _, seed := range []uint64{1, 1, 2} {
		one := *signs
		one.Random, one.Seed = true, seed
		_, params := corrected(t, dirs[0], full, exchange.Corrections{Signs: &one})
		plugged = append(plugged, crashtest.Bits(params))
		if one.Kept < 0.4 || one.Kept > 0.6 {
			t.Errorf("%g of a random change is kept, want about half", one.Kept)
		}
	}
	if !slices.Equal(plugged[0], plugged[1]) || slices.Equal(plugged[0], plugged[2]) {
		t.Error("want the same at each call of a seed")
	}
}

// TestRandomMask keeps of each tensor as many numbers of the change as the signs do, at
// other places, the same ones at each call of a seed.
func TestRandomMask(t *testing.T) {
	full, dirs := bothForms(t, ref.New(), "gpt2", "0* 5*", false)
	plain, _ := corrected(t, dirs[0], full, exchange.Corrections{})
	signs, err := plain.MeasureSigns(context.Background(), ref.New(), full, answers(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := crashtest.Bits(nn.Join(nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Blocks[5])))
	all, _ := corrected(t, dirs[0], full, exchange.Corrections{})
	_, params, err := all.Plugged(full)
	if err != nil {
		t.Fatal(err)
	}
	after := crashtest.Bits(params)
	var moved [][]int // by case and tensor
	var places [][]uint32
	for _, seed := range []uint64{0, 1, 1, 2} {
		one := *signs
		one.RandomMask, one.Seed = seed > 0, seed
		_, params := corrected(t, dirs[0], full, exchange.Corrections{Signs: &one})
		got, at, counts := crashtest.Bits(params), 0, []int(nil)
		for w := range params {
			n := 0
			for range w.Value.Len() {
				if got[at] != before[at] {
					if n++; got[at] != after[at] {
						t.Fatalf("number %d is neither as before nor as after", at)
					}
				}
				at++
			}
			counts = append(counts, n)
		}
		moved, places = append(moved, counts), append(places, got)
	}
	for i, counts := range moved {
		if !slices.Equal(counts, moved[0]) || i > 0 && slices.Equal(places[i], places[0]) {
			t.Errorf("case %d keeps %v of the tensors' numbers, want %v, at other places", i, counts, moved[0])
		}
	}
	if !slices.Equal(places[1], places[2]) || slices.Equal(places[1], places[3]) {
		t.Error("want the same at each call of a seed")
	}
}

// TestChooseAlpha takes the lowest of the losses that it tells, which are those of models
// plugged in by hand, and leaves the full model as it was.
func TestChooseAlpha(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	dir := filepath.Join(t.TempDir(), "a")
	saveAdapter(t, be, full, "0* 2 5* 3", dir, 1e-2)
	items := answers(8)
	was := crashtest.Logits(be, full)
	for _, blocks := range []bool{false, true} {
		a, err := exchange.OpenAdapter(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if err := a.Correct(exchange.Corrections{Rank: 3}, full.Config); err != nil {
			t.Fatal(err)
		}
		var told []exchange.Tried
		chosen, err := a.ChooseAlpha(context.Background(), be, full, items, blocks, func(t exchange.Tried) { told = append(told, t) })
		if err != nil {
			t.Fatal(err)
		}
		if most := a.MostTries(blocks); len(told) != len(chosen.Tried) || len(told) > most || most != map[bool]int{false: 8, true: 50}[blocks] {
			t.Errorf("told %d of %d tries, at most %d", len(told), len(chosen.Tried), most)
		}
		c := a.Corrections()
		if c.Rank != 3 || c.Chosen != chosen || (c.Alpha == nil) != blocks || len(c.Blocks) != map[bool]int{true: 2}[blocks] {
			t.Fatalf("%+v", c)
		}
		for _, tried := range chosen.Tried {
			other, _ := corrected(t, dir, full, exchange.Corrections{Rank: 3, Alpha: tried.Alpha, Blocks: tried.Blocks})
			other.Close()
			if tried.Loss < chosen.Loss {
				t.Errorf("%s is below the chosen %g", tried, chosen.Loss)
			}
		}
		d, _, err := a.Plugged(full)
		if err != nil {
			t.Fatal(err)
		}
		if loss, err := measure.Loss(context.Background(), be, d, items); err != nil || loss != chosen.Loss {
			t.Errorf("the model that was chosen has loss %g, not %g (%v)", loss, chosen.Loss, err)
		}
		if len(chosen.Tried) < len(exchange.Alphas) || chosen.Texts != 8 || !strings.Contains(chosen.Text(), "α 0.25") {
			t.Errorf("tried %d: %s", len(chosen.Tried), chosen.Text())
		}
	}
	crashtest.Same(t, "the full model", crashtest.Logits(be, full), was)
}
