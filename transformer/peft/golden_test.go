package peft_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// golden is what peft and torch compute; see testdata/gen_peft.py.
type golden struct {
	Rows  [][]int32 `json:"rows"`
	Rate  float64   `json:"rate"`
	Cases []struct {
		Dir, Model string
		Logits     [][]float64 // of the last token of each row
		Losses     []float64   // of each step
	} `json:"cases"`
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Cases) == 0 {
		t.Fatalf("golden.json: %v, %d cases", err, len(g.Cases))
	}
	return g
}

// decoder opens one of transformer's tiny models.
func decoder(t *testing.T, be kernels.Backend, name string) *transformer.Decoder {
	t.Helper()
	c, err := transformer.Open("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// attached is a clone of a model with what a directory holds.
func attached(t *testing.T, be kernels.Backend, dir, model string) (*transformer.Decoder, *peft.Attached) {
	t.Helper()
	d := decoder(t, be, model).Clone()
	s, err := peft.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, err := s.Attach(be, d, d.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	return d, a
}

func lastLogits(be kernels.Backend, d *transformer.Decoder, rows [][]int32) (all []float64) {
	for _, row := range rows {
		p := autograd.NewPass(be)
		x := d.Forward(p, transformer.NewBatch(row), nil)
		all = append(all, d.Logits(p, d.Rows(p, x, []int32{int32(len(row) - 1)})).T.Floats()...)
		p.Close()
	}
	return all
}

// apart returns the largest difference of two lists in units of the largest number.
func apart(got, want []float64) (most float64) {
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	if len(got) != len(want) {
		return math.Inf(1)
	}
	for i := range got {
		most = max(most, math.Abs(got[i]-want[i])/scale)
	}
	return most
}

// logitBar is how far logits may be apart that differ in the order of sums, as those of the
// models themselves ([lamina/transformer]'s goldens).
const logitBar = 2e-5

// TestReadsWhatPeftWrote: of each family and kind, with rsLoRA, patterns and chosen layers,
// the logits are the library's; what we write of it is read again to the bit.
func TestReadsWhatPeftWrote(t *testing.T) {
	g := readGolden(t)
	be := ref.New()
	for _, c := range g.Cases {
		d, a := attached(t, be, "testdata/"+c.Dir, c.Model)
		got := lastLogits(be, d, g.Rows)
		if by := apart(got, slices.Concat(c.Logits...)); !(by <= logitBar) {
			t.Errorf("%s: logits are %.2g apart", c.Dir, by)
		}
		if plain := lastLogits(be, decoder(t, be, c.Model), g.Rows); apart(got, plain) < 100*logitBar {
			t.Errorf("%s: changes nothing", c.Dir)
		}
		out := t.TempDir()
		if err := a.Save(out); err != nil {
			t.Fatal(err)
		}
		again, _ := attached(t, be, out, c.Model)
		if !slices.Equal(lastLogits(be, again, g.Rows), got) {
			t.Errorf("%s: written and read again it computes something else", c.Dir)
		}
	}
}

// TestWritesThePeftTensors: name for name, shape for shape and bit for bit what the library
// wrote.
func TestWritesThePeftTensors(t *testing.T) {
	be := ref.New()
	for _, c := range readGolden(t).Cases {
		_, a := attached(t, be, "testdata/"+c.Dir, c.Model)
		out := t.TempDir()
		if err := a.Save(out); err != nil {
			t.Fatal(err)
		}
		ours, theirs := tensorsOf(t, out), tensorsOf(t, "testdata/"+c.Dir)
		if len(theirs) == 0 || len(ours) != len(theirs) {
			t.Errorf("%s: %d tensors, want %d", c.Dir, len(ours), len(theirs))
		}
		for name, want := range theirs {
			if ours[name] != want {
				t.Errorf("%s: %s is not as the library wrote it", c.Dir, name)
			}
		}
	}
}

// TestTenStepsAsTorchTakesThem: the losses of ten steps of AdamW, each within 1e-4 of
// torch's, and every frozen weight keeps its bits.
func TestTenStepsAsTorchTakesThem(t *testing.T) {
	g := readGolden(t)
	steps := 0
	for _, c := range g.Cases {
		if len(c.Losses) == 0 {
			continue
		}
		var first []float64
		for _, threads := range []int{1, 2, 3, 4} {
			be := cpu.New(cpu.Options{Threads: threads})
			d, a := attached(t, be, "testdata/"+c.Dir, c.Model)
			before := frozen(d, a)
			losses := train(t, be, d, a, g, len(c.Losses))
			for i, want := range c.Losses {
				if by := math.Abs(losses[i]-want) / want; !(by <= 1e-4) {
					t.Errorf("%s, step %d: loss %v, torch %v", c.Dir, i, losses[i], want)
				}
				steps++
			}
			if after := frozen(d, a); after != before {
				t.Errorf("%s: a frozen weight changed", c.Dir)
			}
			if first != nil && !slices.Equal(losses, first) {
				t.Errorf("%s: %d threads give other bits", c.Dir, threads)
			}
			first = losses
			be.Close()
		}
	}
	if steps < 8*10*4 {
		t.Errorf("%d steps were compared", steps)
	}
}

// frozen is the fingerprint of all that does not train.
func frozen(d *transformer.Decoder, a *peft.Attached) string {
	trains := map[*autograd.Parameter]bool{}
	for w := range a.Params() {
		trains[w] = true
	}
	return transformer.Fingerprint(func(yield func(*autograd.Parameter) bool) {
		for w := range d.Params() {
			if !trains[w] && !yield(w) {
				return
			}
		}
	})
}

// train takes steps and returns the loss before each.
func train(t *testing.T, be kernels.Backend, d *transformer.Decoder, a *peft.Attached, g golden, steps int) (losses []float64) {
	t.Helper()
	trained := tensor.Must(nn.Trainable(be, a.Params()))
	opt, err := optim.NewAdamW(be, trained, optim.Config{LR: g.Rate})
	if err != nil {
		t.Fatal(err)
	}
	var rows, targets []int32
	for i, row := range g.Rows {
		for j := range row[1:] {
			rows, targets = append(rows, int32(i*len(row)+j)), append(targets, row[j+1])
		}
	}
	p := autograd.NewTrainingPass(be)
	defer p.Close()
	for range steps {
		x := d.Forward(p, transformer.NewBatch(g.Rows...), nil)
		loss := d.LossAt(p, x, rows, targets)
		if err := p.Backward(loss, 1/float64(len(rows))); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss.T.Floats()[0]/float64(len(rows)))
		opt.Step(1)
		p.Reset()
	}
	return losses
}

// TestMergedIsUnmerged: the model with what was trained folded in has the logits of the one
// with it beside; an adapter says that it cannot be.
func TestMergedIsUnmerged(t *testing.T) {
	g := readGolden(t)
	be := ref.New()
	for _, c := range g.Cases {
		d, a := attached(t, be, "testdata/"+c.Dir, c.Model)
		merged, err := a.Merged(be)
		if a.Config.Kind == "adapter" {
			if err == nil {
				t.Errorf("%s: an adapter is merged", c.Dir)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		plain := decoder(t, be, c.Model)
		at := map[string]*autograd.Parameter{}
		for w := range plain.Params() {
			at[w.Name] = w
		}
		for _, w := range merged {
			if at[w.Name] == nil || !at[w.Name].Value.SameShape(w.Value) {
				t.Fatalf("%s: the model has no %s %v", c.Dir, w.Name, w.Value)
			}
			at[w.Name].Value = w.Value
		}
		if by := apart(lastLogits(be, plain, g.Rows), lastLogits(be, d, g.Rows)); !(by <= logitBar) {
			t.Errorf("%s: merged and unmerged logits are %.2g apart", c.Dir, by)
		}
	}
}

// tensorsOf reads the tensors of a directory: their shapes and bytes by name.
func tensorsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.safetensors")
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, %d files", dir, err, len(paths))
	}
	return readTensors(t, paths[0])
}
