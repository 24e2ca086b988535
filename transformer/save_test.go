package transformer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

var savedRows = [][]int32{{3, 1, 4, 1, 5}, {9}}

// learn makes parameters trainable and moves each of them by a little.
func learn(t *testing.T, params nn.Params) {
	t.Helper()
	trained, err := nn.Trainable(ref.New(), params)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range trained.Params {
		values := w.Value.Floats()
		for i := range values {
			values[i] += 0.01 * float64(i%7)
		}
		w.Value.SetFloats(values)
	}
	trained.Freeze()
}

func save(t *testing.T, d *transformer.Decoder) *transformer.Checkpoint {
	t.Helper()
	out := filepath.Join(t.TempDir(), "saved")
	if err := d.Save(out); err != nil {
		t.Fatal(err)
	}
	return checkpoint(t, out)
}

// TestSaveWritesWhatIsTrained of every tiny checkpoint, and not what was loaded: opened
// again it has the same logits bit by bit. What was left alone keeps its bytes.
func TestSaveWritesWhatIsTrained(t *testing.T) {
	for _, name := range models(t) {
		c := checkpoint(t, filepath.Join("testdata", name))
		untouched := save(t, decoder(t, c))
		for _, n := range c.Names() {
			if !slices.Contains(untouched.Names(), n) {
				continue // nobody reads it
			}
			a, b := must(c.Data(n)), must(untouched.Data(n))
			was, _ := c.Entry(n)
			is, _ := untouched.Entry(n)
			if was.DType != is.DType || !bytes.Equal(a, b) {
				t.Errorf("%s: %s is %v, was %v: nobody trained it", name, n, is.DType, was.DType)
			}
		}
		if untouched.Config.Raw["torch_dtype"] != c.Config.Raw["torch_dtype"] {
			t.Errorf("%s: torch_dtype %v", name, untouched.Config.Raw["torch_dtype"])
		}

		block, whole := decoder(t, c), decoder(t, c)
		learn(t, nn.ParamsOf(block.Blocks[1]))
		learn(t, whole.Params())
		for what, d := range map[string]*transformer.Decoder{"a block trained": block, "all trained": whole, "a clone": whole.Clone()} {
			want := logits(d, savedRows)
			back := save(t, d)
			sameLogits(t, name+": "+what, logits(decoder(t, back), savedRows), want)
			if bytes.Equal(tensor.Bytes(want), tensor.Bytes(logits(decoder(t, c), savedRows))) {
				t.Errorf("%s: %s: nothing was trained", name, what)
			}
			if got := back.Config.Raw["torch_dtype"]; got != "float32" {
				t.Errorf("%s: %s: torch_dtype %v", name, what, got)
			}
			head := back.Config.Family
			if head != c.Config.Family || back.Config.Tied != c.Config.Tied {
				t.Errorf("%s: %s: configuration %+v", name, what, back.Config)
			}
		}
	}
}

// TestSaveAfterSurgery: a decoder of fewer blocks, of the same ones again, in another
// order.
func TestSaveAfterSurgery(t *testing.T) {
	for _, name := range []string{"opt-prenorm", "opt-350m-like", "llama-bf16", "gpt2-tied", "bloom-six"} {
		c := checkpoint(t, filepath.Join("testdata", name))
		full := decoder(t, c)
		first, last := full.Blocks[0], full.Blocks[len(full.Blocks)-1]
		learn(t, nn.ParamsOf(last))
		for what, blocks := range map[string][]transformer.Block{
			"fewer": {last}, "turned round": {last, first}, "again": {first, first, last, last, first},
			"a copy beside its origin": {first, first.Clone(), last},
		} {
			d := full.Clone()
			d.Blocks = blocks
			back := save(t, d)
			if back.Config.Layers != len(blocks) {
				t.Errorf("%s: %s: %d layers, want %d", name, what, back.Config.Layers, len(blocks))
			}
			sameLogits(t, name+": "+what, logits(decoder(t, back), savedRows), logits(d, savedRows))
		}
	}
}

// TestSaveOfAQuantisedModel: blocks become the numbers that they stand for.
func TestSaveOfAQuantisedModel(t *testing.T) {
	c := checkpoint(t, "testdata/gguf/mixed.gguf")
	d := decoder(t, c)
	learn(t, nn.ParamsOf(d.Blocks[1]))
	back := decoder(t, save(t, d))
	want := slices.Collect(d.Params())
	for i, w := range slices.Collect(back.Params()) {
		if w.Name != want[i].Name || w.Value.DType().IsBlock() || !slices.Equal(w.Value.Floats(), want[i].Value.Floats()) {
			t.Errorf("%s %v is not %s %v", w.Name, w.Value, want[i].Name, want[i].Value)
		}
	}
}

// TestSaveTakesWhatBelongsToTheModel: tokenizer, licence and generation settings are
// those of the checkpoint; a type of one's own choice goes through Whole.
func TestSaveTakesWhatBelongsToTheModel(t *testing.T) {
	dir := copied(t, "llama-bf16")
	for _, name := range []string{"tokenizer.json", "LICENSE", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := checkpoint(t, dir)
	d := decoder(t, c)
	learn(t, d.Params())
	out := filepath.Join(t.TempDir(), "saved")
	if err := d.Save(out); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, out), []string{"LICENSE", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if err := d.Save(out); err == nil {
		t.Error("a directory is replaced unasked")
	} else {
		oneLine(t, err, out)
	}
	whole, err := d.Whole()
	if err != nil {
		t.Fatal(err)
	}
	whole.DType, whole.Overwrite = tensor.BF16, true
	if err := c.WriteDir(out, whole); err != nil {
		t.Fatal(err)
	}
	back := checkpoint(t, out)
	if got := back.Stored(); len(got) != 1 || got["BF16"] == 0 || back.Config.Raw["torch_dtype"] != "bfloat16" {
		t.Errorf("types %v, torch_dtype %v", got, back.Config.Raw["torch_dtype"])
	}
}

// TestSaveOfNewWeights: a decoder that no file was there for.
func TestSaveOfNewWeights(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "LICENSE", "of something else") // where the program happens to run
	for name := range smallModels {
		d := small(t, ref.New(), name)
		back := save(t, d)
		sameLogits(t, name, logits(decoder(t, back), savedRows), logits(d, savedRows))
		if got, want := files(t, back.Dir), []string{"config.json", "model.safetensors"}; !slices.Equal(got, want) {
			t.Errorf("%s: files %v, want %v", name, got, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// around is a block with something of our own behind it.
type around struct{ transformer.Block }

// TestSaveRefusesOtherLayers, by their names, and leaves nothing behind.
func TestSaveRefusesOtherLayers(t *testing.T) {
	be := ref.New()
	c := checkpoint(t, "testdata/llama-gqa-tied")
	scaled := checkpoint(t, "testdata/gpt2-by-layer")
	const key = "model.layers.1.self_attn.k_proj"
	for what, w := range map[string]struct {
		from *transformer.Checkpoint
		do   func(d *transformer.Decoder)
		want []string
	}{
		"an adapter": {c, func(d *transformer.Decoder) {
			for name, field := range d.Linears() {
				if name == key {
					*field = &lora{Plain: (*field).(*nn.Linear)}
				}
			}
		}, []string{key, "lora"}},
		"a narrower layer": {c, func(d *transformer.Decoder) {
			for name, field := range d.Linears() {
				if l := (*field).(*nn.Linear); name == key {
					in, out := l.Sizes()
					*field = nn.NewLinear(nn.From(nn.Init{Device: be}).At(key), in, out/2, false)
				}
			}
		}, []string{key + ".weight", "shape"}},
		"a bias that LLaMA has not": {c, func(d *transformer.Decoder) {
			for name, field := range d.Linears() {
				if l := (*field).(*nn.Linear); name == key {
					_, out := l.Sizes()
					l.Bias = nn.From(nn.Init{Device: be}).At(key).Get("bias", nn.Zeros, out)
				}
			}
		}, []string{key + ".bias", "not part"}},
		"another block":     {c, func(d *transformer.Decoder) { d.Blocks[1] = around{d.Blocks[1]} }, []string{"block 1", "around"}},
		"no norm":           {c, func(d *transformer.Decoder) { d.Norm.Gain = nil }, []string{"model.norm.weight"}},
		"a head of its own": {c, func(d *transformer.Decoder) { d.Head = nn.Clone(d.Head) }, []string{"tie_word_embeddings"}},
		"a layer moved":     {scaled, func(d *transformer.Decoder) { d.Blocks = d.Blocks[1:] }, []string{"scale_attn_by_inverse_layer_idx"}},
		"no memory": {c, func(d *transformer.Decoder) {
			d.Norm.Gain.Value = tensor.NoMemory(os.ErrClosed, tensor.F32, d.Config.Width)
		}, []string{"model.norm.weight"}},
		"no config.json": {c, func(d *transformer.Decoder) { d.Config.Raw = nil }, []string{"ParseConfig"}},
		"a weight of another name": {c, func(d *transformer.Decoder) {
			d.Norm.Gain = &autograd.Parameter{Name: "norm", Value: d.Norm.Gain.Value}
		}, []string{`"norm"`}},
	} {
		d := decoder(t, w.from)
		w.do(d)
		root := t.TempDir()
		err := d.Save(filepath.Join(root, "out"))
		if err == nil {
			t.Errorf("%s: saved", what)
			continue
		}
		oneLine(t, err, append(w.want, "not saved")...)
		if got := files(t, root); len(got) != 0 {
			t.Errorf("%s: leaves %v", what, got)
		}
	}
}

// must returns v of a call that has to succeed.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
