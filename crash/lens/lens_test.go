package lens_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/lens"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// golden is testdata/lens.json, made by gen_lens.py with the tuned-lens library.
type golden struct {
	Rows          [][]int32
	Steps, Batch  int
	Before, After []float64
	Losses        []float64
	Logits        [][][]float64 // of the first row, by entry, the last the model's own
}

func read(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/lens.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// model is the one that gen_lens.py has trained a lens of.
func model(t *testing.T) *transformer.Decoder {
	_, d := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "llama-gqa-tied"))
	return d
}

func fresh(t *testing.T, be kernels.Backend, d *transformer.Decoder) *lens.Lens {
	t.Helper()
	l, err := lens.New(be, d, "llama-gqa-tied")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func objective(t *testing.T, l *lens.Lens, d *transformer.Decoder, rows [][]int32) *lens.Objective {
	t.Helper()
	o, err := lens.NewObjective(l, d, rows)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func divergence(t *testing.T, be kernels.Backend, d *transformer.Decoder, l *lens.Lens, rows [][]int32) []float64 {
	t.Helper()
	kl, err := lens.Divergence(context.Background(), be, d, l, rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	return kl
}

// wantNear compares to a share of the larger.
func wantNear(t *testing.T, what string, got, want []float64, share float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, v := range got {
		if !(math.Abs(v-want[i]) <= share*math.Abs(want[i])) {
			t.Errorf("%s: number %d is %v, want %v", what, i, v, want[i])
		}
	}
}

// TestTrainedAsTheLibraryTrains takes the recipe's 250 steps on the rows that the tuned-lens
// library took them on: the divergences of both are within 2%, by entry, and so is the loss of
// each step; those of the first ten steps, before roundings have grown, within 1e-4.
func TestTrainedAsTheLibraryTrains(t *testing.T) {
	g, d := read(t), model(t)
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	l := fresh(t, be, d)
	wantNear(t, "KL of the logit lens", divergence(t, be, d, l, g.Rows), g.Before, 1e-5)
	wantNear(t, "KL of the logit lens, by name", divergence(t, be, d, lens.NewLogit(lens.Logit), g.Rows), g.Before, 1e-5)
	settings := lens.Recipe(g.Steps, g.Batch, 42)
	settings.NoShuffle = true
	var losses []float64
	tr := &train.Trainer{Backend: be, Params: l.Params(), Train: objective(t, l, d, g.Rows), Settings: settings,
		Report: func(m train.Metrics) { losses = append(losses, m.Loss) }}
	defer tr.Close()
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	after := divergence(t, be, d, l, g.Rows)
	t.Logf("KL after: %v, the library's %v", after, g.After)
	wantNear(t, "losses of the first steps", losses[:10], g.Losses[:10], 1e-4)
	wantNear(t, "losses", losses, g.Losses, 0.02)
	wantNear(t, "KL of the tuned lens", after, g.After, 0.02)

	dir := t.TempDir()
	if err := l.Save(dir); err != nil {
		t.Fatal(err)
	}
	again, err := lens.Open(be, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	crashtest.Same(t, "a saved lens", crashtest.Bits(again.Params()), crashtest.Bits(l.Params()))
	if got := divergence(t, be, d, again, g.Rows); !slices.Equal(got, after) {
		t.Errorf("read again: %v, want %v", got, after)
	}
}

// TestReadsTheLibrarysFiles opens what TunedLens.save wrote, and computes its logits.
func TestReadsTheLibrarysFiles(t *testing.T) {
	g, d, be := read(t), model(t), ref.New()
	l, err := lens.Open(be, "testdata/library")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Check(d); err != nil {
		t.Fatal(err)
	}
	wantNear(t, "KL", divergence(t, be, d, l, g.Rows), g.After, 1e-5)
	p := autograd.NewPass(be)
	defer p.Close()
	depth := len(d.Blocks)
	for entry := range depth + 1 {
		h := d.ForwardBlocks(p, transformer.NewBatch(g.Rows[0]), autograd.Var{}, 0, entry)
		got := l.Logits(p, d, h, entry, depth).T.Floats()
		want := slices.Concat(g.Logits[entry]...)
		for i, v := range got {
			if math.Abs(v-want[i]) > 1e-4 {
				t.Fatalf("entry %d: logit %d is %v, want %v", entry, i, v, want[i])
			}
		}
	}
}

// TestWritesWhatTheLibraryReads writes the library's lens again: the bytes are those of
// testdata/written, which check_lens.py has opened with the library.
func TestWritesWhatTheLibraryReads(t *testing.T) {
	l, err := lens.Open(ref.New(), "testdata/library")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	if err := l.Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{lens.ConfigFile, lens.ParamsFile} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata/written", name))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the bytes are not those that the library has read: run testdata/check_lens.py on a new testdata/written", name)
		}
	}
}

// TestObjectiveIsTheSameHoweverItRuns holds loss and weights of several workers to the bit
// against those of one, and of smaller passes to rounding.
func TestObjectiveIsTheSameHoweverItRuns(t *testing.T) {
	g, d := read(t), model(t)
	run := func(o cpu.Options, micro int) ([]uint32, float64) {
		be := cpu.New(o)
		defer be.Close()
		l := fresh(t, be, d)
		s := lens.Recipe(8, 6, 1)
		s.MicroBatch = micro
		tr := &train.Trainer{Backend: be, Params: l.Params(), Train: objective(t, l, d, g.Rows), Settings: s}
		defer tr.Close()
		out, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return crashtest.Bits(l.Params()), out.Loss
	}
	one, loss := run(cpu.Options{Threads: 1}, 0)
	three, _ := run(cpu.Options{Threads: 3, SplitAll: true}, 0)
	crashtest.Same(t, "three workers", three, one)
	if _, cut := run(cpu.Options{Threads: 1}, 2); math.Abs(cut-loss) > 1e-4*loss {
		t.Errorf("loss of smaller passes %v, want %v", cut, loss)
	}
}

// TestGoesOnAfterAStop stops a run at every second step and takes it up again: the weights
// are those of a run that was left alone.
func TestGoesOnAfterAStop(t *testing.T) {
	g, d, be := read(t), model(t), ref.New()
	rows := g.Rows[:6]
	run := func(dir string, stop bool) []uint32 {
		for range 20 {
			l := fresh(t, be, d)
			store, err := train.OpenRunDir(dir, map[string]string{"command": "lens"}, false)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			steps := 0
			tr := &train.Trainer{Backend: be, Params: l.Params(), Train: objective(t, l, d, rows), Settings: lens.Recipe(6, 2, 3), Store: store,
				Report: func(m train.Metrics) {
					if steps++; stop && steps == 2 {
						cancel()
					}
				}}
			out, err := tr.Run(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			bits := crashtest.Bits(l.Params())
			tr.Close()
			store.Close()
			if !out.Stopped {
				return bits
			}
		}
		t.Fatal("it never ends")
		return nil
	}
	want := run(t.TempDir(), false)
	crashtest.Same(t, "stopped and gone on with", run(t.TempDir(), true), want)
}

// TestMemoryIsPlanned: what a dry run says is what the largest pass takes, and no pass holds
// the logits of all tokens.
func TestMemoryIsPlanned(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	rows := make([][]int32, 40)
	for i := range rows {
		rows[i] = make([]int32, 60)
	}
	l := fresh(t, be, d)
	tr := &train.Trainer{Backend: be, Params: l.Params(), Held: d.Params(), Train: objective(t, l, d, rows), Settings: lens.Recipe(1, 40, 1)}
	defer tr.Close()
	m, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	const n = 40 * 60
	perToken := 4 * (6*3 + 3*8) * 24 // of each layer: its state, its rows before and after the norm; a block's own
	if most := n*perToken + 6*4*256*61*4; m.Pass > 2*most {
		t.Errorf("a pass of %d tokens takes %d bytes, more than %d", n, m.Pass, 2*most)
	}
	weights := 0
	for w := range l.Params() {
		weights += w.Value.Len()
	}
	if m.Trained != 3*4*weights {
		t.Errorf("trained weights take %d bytes, want value, gradient and momentum of %d", m.Trained, weights)
	}
	out, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if out.PeakBytes > m.Pass {
		t.Errorf("%d bytes at the peak, planned %d", out.PeakBytes, m.Pass)
	}
}

// TestRefuses wants one clear line of each thing that cannot be.
func TestRefuses(t *testing.T) {
	d, be := model(t), ref.New()
	l, err := lens.Open(be, "testdata/library")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, wide := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "opt-odd"))
	short := d.Clone()
	short.Blocks = short.Blocks[:2]
	other := d.Clone()
	head := *other.Head
	other.Head = &head
	other.Head.Value = other.Embed.TokenWeights().Value.Slice(1, 67) // the rows of other tokens
	for want, got := range map[string]error{
		"width (d_model) of 24, and the model has 21": l.Check(wide),
		"for 3 layers, and the model has 2":           l.Check(short),
		"trained for another head (unembed_hash":      l.Check(other),
	} {
		wantLine(t, want, got)
	}
	_, err = lens.NewObjective(l, d, nil)
	wantLine(t, "no texts to look at", err)
	_, err = lens.NewObjective(l, d, [][]int32{{1}, {}})
	wantLine(t, "row 1 has no tokens", err)
	_, err = lens.NewObjective(l, d, [][]int32{{999}})
	wantLine(t, "row 0: ", err)
	_, err = lens.NewObjective(lens.NewLogit(lens.Logit), d, [][]int32{{1}})
	wantLine(t, "nothing to train", err)
	_, err = lens.ParseKind("tunde")
	wantLine(t, "want logit, raw, or the directory", err)

	_, err = lens.Open(be, t.TempDir())
	wantLine(t, "want the directory of a tuned lens", err)
	for want, config := range map[string]string{
		"lens_type \"mlp\"":                                      `{"base_model_name_or_path":"x","d_model":24,"num_hidden_layers":3,"lens_type":"mlp"}`,
		"want the sizes of a model":                              `{"base_model_name_or_path":"x","d_model":0,"num_hidden_layers":3}`,
		"says 2 layers: want 4":                                  `{"base_model_name_or_path":"x","d_model":24,"num_hidden_layers":2}`,
		"want [23 23] of floats":                                 `{"base_model_name_or_path":"x","d_model":23,"num_hidden_layers":3}`,
		"empty: want a JSON value":                               ` `,
		"the JSON ends in the middle":                            `{"d_model":24`,
		"holds 6 tensors, and config.json says 3 layers: want 3": `{"d_model":24,"num_hidden_layers":3,"bias":false}`,
	} {
		dir := t.TempDir()
		params, err := os.ReadFile("testdata/library/params.pt")
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, "params.pt"), params, 0o600)
		os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600)
		_, err = lens.Open(be, dir)
		wantLine(t, want, err)
	}
	broken := fresh(t, be, d)
	values := broken.Translators[1].Bias.Value.Float32s()
	values[3] = float32(math.NaN())
	broken.Translators[1].Bias.Value.SetFloat32s(values)
	wantLine(t, "tensor 1.bias: element 3 is NaN", broken.Save(t.TempDir()))
}

func wantLine(t *testing.T, want string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want a line with %q", err, want)
	}
}
