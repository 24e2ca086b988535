package transformer_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

func checkpoint(t *testing.T, path string) *transformer.Checkpoint {
	t.Helper()
	c, err := transformer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func decoder(t *testing.T, c *transformer.Checkpoint) *transformer.Decoder {
	t.Helper()
	d, err := c.Decoder(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// files lists a directory, so that what is left behind shows.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestWriteDirKeepsEveryByte of every tiny checkpoint: names as transformers has
// them, storage bytes, configuration, and the logits bit by bit.
func TestWriteDirKeepsEveryByte(t *testing.T) {
	rows := [][]int32{{3, 1, 4, 1, 5}, {9}}
	for _, name := range models(t) {
		c := checkpoint(t, filepath.Join("testdata", name))
		out := filepath.Join(t.TempDir(), "out")
		if err := c.WriteDir(out, c.Whole()); err != nil {
			t.Fatal(err)
		}
		if got, want := files(t, out), []string{"config.json", "generation_config.json", "model.safetensors"}; !slices.Equal(got, want) {
			t.Errorf("%s: files %v, want %v", name, got, want)
		}
		back := checkpoint(t, out)
		if !slices.Equal(back.Names(), c.Names()) {
			t.Errorf("%s: names %v\nwant %v", name, back.Names(), c.Names())
		}
		for _, n := range c.Names() {
			a, err := c.Data(n)
			if err != nil {
				t.Fatal(err)
			}
			b, err := back.Data(n)
			if err != nil {
				t.Fatal(err)
			}
			was, _ := c.Entry(n)
			is, _ := back.Entry(n)
			if !bytes.Equal(a, b) || was.DType != is.DType || !slices.Equal(was.Shape, is.Shape) {
				t.Errorf("%s: %s changed: %v%v, was %v%v", name, n, is.DType, is.Shape, was.DType, was.Shape)
			}
		}
		was, is := c.Config, back.Config
		was.Raw, is.Raw = nil, nil
		if was.String() != is.String() || was.RoPE.Type != is.RoPE.Type || was.Eps != is.Eps {
			t.Errorf("%s: configuration %+v, was %+v", name, is, was)
		}
		sameLogits(t, name, logits(decoder(t, back), rows), logits(decoder(t, c), rows))
	}
}

// TestWriteDirRounds to the type asked for: to nearest, ties to even, vectors
// too, and config.json says so.
func TestWriteDirRounds(t *testing.T) {
	c := checkpoint(t, "testdata/opt-odd")
	for _, dt := range []tensor.DType{tensor.F16, tensor.BF16, tensor.F32} {
		out := filepath.Join(t.TempDir(), "out")
		d := c.Whole()
		d.DType = dt
		if err := c.WriteDir(out, d); err != nil {
			t.Fatal(err)
		}
		back := checkpoint(t, out)
		for _, n := range c.Names() {
			x, err := c.Tensor(ref.New(), n)
			if err != nil {
				t.Fatal(err)
			}
			want := tensor.MustFromFloats(ref.New(), dt, x.Floats(), x.Shape()...).Raw()
			e, _ := back.Entry(n)
			if got, err := back.Data(n); err != nil || e.DType != dt || !bytes.Equal(got, want) {
				t.Errorf("%v: %s is %v and not rounded as it should be (%v)", dt, n, e.DType, err)
			}
		}
		want := map[tensor.DType]string{tensor.F16: "float16", tensor.BF16: "bfloat16", tensor.F32: "float32"}[dt]
		if got := back.Config.Raw["torch_dtype"]; got != want {
			t.Errorf("%v: torch_dtype %v", dt, got)
		}
	}
	if c.Config.Raw["torch_dtype"] != "float32" {
		t.Error("the checkpoint's own configuration changed")
	}
}

// TestWriteDirTakesOwnValues in place of the file's, rounded to the type of what
// they replace.
func TestWriteDirTakesOwnValues(t *testing.T) {
	c := checkpoint(t, "testdata/llama-bf16")
	const name = "model.layers.1.mlp.up_proj.weight"
	e, _ := c.Entry(name)
	values := make([]float64, e.Elems())
	for i := range values {
		values[i] = 1 + float64(i)*0x1p-10
	}
	d := c.Whole()
	for i := range d.Tensors {
		if d.Tensors[i].Name == name {
			d.Tensors[i].Value = tensor.MustFromFloats(ref.New(), tensor.F32, values, e.Shape...)
		}
	}
	d.Extra = map[string][]byte{"lamina.json": []byte("{}")}
	out := filepath.Join(t.TempDir(), "out")
	if err := c.WriteDir(out, d); err != nil {
		t.Fatal(err)
	}
	got, err := checkpoint(t, out).Data(name)
	if want := tensor.MustFromFloats(ref.New(), tensor.BF16, values, len(values)).Raw(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("own values are not there rounded to BF16 (%v)", err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "lamina.json")); err != nil || string(data) != "{}" {
		t.Errorf("extra file %q, %v", data, err)
	}
}

func TestWriteDirCopiesCompanions(t *testing.T) {
	dir := copied(t, "opt-odd")
	for _, name := range []string{"tokenizer.json", "merges.txt", "LICENSE.md", "NOTICE", "README.md", "pytorch_model.h5"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "LICENSES"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("merges.txt", filepath.Join(dir, "vocab.json")); err != nil {
		t.Fatal(err)
	}
	c := checkpoint(t, dir)
	out := filepath.Join(t.TempDir(), "o[u]t*")
	if err := c.WriteDir(out, c.Whole()); err != nil {
		t.Fatal(err)
	}
	want := []string{"LICENSE.md", "NOTICE", "config.json", "generation_config.json", "merges.txt", "model.safetensors", "tokenizer.json", "vocab.json"}
	if got := files(t, out); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	// Names with the characters of patterns are only names.
	c, again := checkpoint(t, out), filepath.Join(t.TempDir(), "again")
	if err := c.WriteDir(again, c.Whole()); err != nil {
		t.Fatal(err)
	}
	if got := files(t, again); !slices.Equal(got, want) {
		t.Errorf("files %v from a directory called o[u]t*, want %v", got, want)
	}
}

func TestWriteDirOverwrites(t *testing.T) {
	dir := copied(t, "opt-odd")
	c := checkpoint(t, dir)
	rows := [][]int32{{3, 1, 4}}
	want := logits(decoder(t, c), rows)
	if err := c.WriteDir(dir, c.Whole()); err == nil {
		t.Error("an existing directory is replaced unasked")
	} else {
		oneLine(t, err, dir, "--overwrite")
	}
	d := c.Whole()
	d.Overwrite = true
	if err := c.WriteDir(dir, d); err != nil { // over the files it reads
		t.Fatal(err)
	}
	sameLogits(t, "over itself", logits(decoder(t, checkpoint(t, dir)), rows), want)
	sameLogits(t, "the open one", logits(decoder(t, c), rows), want)

	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteDir(home, d); err == nil || len(files(t, home)) != 1 {
		t.Errorf("a directory of other things was overwritten: %v", err)
	} else {
		oneLine(t, err, home, "no model")
	}
}

// TestCompanionsAreFiles: what stands where a file is copied from is named, not left out.
func TestCompanionsAreFiles(t *testing.T) {
	dir := copied(t, "opt-odd")
	if err := os.Mkdir(filepath.Join(dir, "tokenizer.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := checkpoint(t, dir)
	if err := c.WriteDir(filepath.Join(t.TempDir(), "out"), c.Whole()); err == nil {
		t.Error("a model without its tokenizer was written")
	} else {
		oneLine(t, err, "tokenizer.json", "is a directory")
	}
}

// TestFailedWriteDirLeavesNothing behind, and what was there before.
func TestFailedWriteDirLeavesNothing(t *testing.T) {
	c := checkpoint(t, "testdata/opt-odd")
	const name = "lm_head.weight"
	e, _ := c.Entry(name)
	large := func(as tensor.DType, v float64) func(d *transformer.Directory) {
		return func(d *transformer.Directory) {
			values := make([]float64, e.Elems())
			values[7] = v
			d.DType, d.Tensors[0].Value = as, tensor.MustFromFloats(ref.New(), tensor.F32, values, e.Shape...)
		}
	}
	for what, spoil := range map[string]struct {
		do   func(d *transformer.Directory)
		want string
	}{
		"no such tensor":     {func(d *transformer.Directory) { d.Tensors[0].From = "model.x" }, `"model.x"`},
		"wrong size":         {func(d *transformer.Directory) { d.Tensors[0].Value = tensor.MustNew(ref.New(), tensor.F32, 3) }, name},
		"no JSON":            {func(d *transformer.Directory) { d.Config = map[string]any{"x": math.NaN()} }, "config.json"},
		"extra":              {func(d *transformer.Directory) { d.Extra = map[string][]byte{"a/b": nil} }, "a/b"},
		"blocks":             {func(d *transformer.Directory) { d.DType = tensor.Q8_0 }, "Q8_0"},
		"too large for F16":  {large(tensor.F16, 65520), `"lm_head.weight": element 7 is 65520, which F16 would round to infinity: --dtype bf16 or f32`},
		"too large for both": {large(tensor.F16, -3.4028e38), "--dtype f32 keeps it"},
		"too large for BF16": {large(tensor.BF16, 3.4028e38), `"lm_head.weight": element 7 is 3.4027999e+38, which BF16`},
	} {
		root := t.TempDir()
		d := c.Whole()
		i := slices.IndexFunc(d.Tensors, func(p transformer.NamedTensor) bool { return p.Name == name })
		d.Tensors[0], d.Tensors[i] = d.Tensors[i], d.Tensors[0]
		spoil.do(&d)
		err := c.WriteDir(filepath.Join(root, "out"), d)
		if err == nil {
			t.Errorf("%s: written", what)
			continue
		}
		if got := files(t, root); len(got) != 0 {
			t.Errorf("%s: leaves %v", what, got)
		}
		if text := err.Error(); !strings.Contains(text, spoil.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q does not name %s", what, text, spoil.want)
		}
	}
}

// TestLargestOfATypeIsWritten: the last value that does not round to infinity, and infinity
// itself, which no rounding made; the next one is refused, here as in a tensor of a file.
func TestLargestOfATypeIsWritten(t *testing.T) {
	c := checkpoint(t, "testdata/opt-odd")
	const name = "lm_head.weight"
	e, _ := c.Entry(name)
	write := func(c *transformer.Checkpoint, as tensor.DType, v float64) (string, error) {
		d := c.Whole()
		i := slices.IndexFunc(d.Tensors, func(p transformer.NamedTensor) bool { return p.Name == name })
		if v != 0 {
			values := make([]float64, e.Elems())
			values[e.Elems()-1] = v
			d.Tensors[i].Value = tensor.MustFromFloats(ref.New(), tensor.F32, values, e.Shape...)
		}
		out := filepath.Join(t.TempDir(), "out")
		d.DType = as
		return out, c.WriteDir(out, d)
	}
	for as, most := range map[tensor.DType]float32{tensor.F16: 65520, tensor.BF16: math.Float32frombits(0x7f7f8000)} {
		below := math.Nextafter32(most, 0)
		for _, v := range []float64{float64(below), -float64(below), math.Inf(1)} {
			out, err := write(c, as, v)
			if err != nil {
				t.Errorf("%s, %v: %v", as, v, err)
				continue
			}
			data, err := checkpoint(t, out).Data(name)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, e.Elems())
			tensor.DecodeF32(got, data, as)
			if last := got[len(got)-1]; math.IsInf(float64(last), 0) != math.IsInf(v, 0) {
				t.Errorf("%s: %v became %v", as, v, last)
			}
		}
		for _, v := range []float32{most, -most, math.MaxFloat32} {
			if _, err := write(c, as, float64(v)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("element %d is", e.Elems()-1)) {
				t.Errorf("%s, %v: %v", as, v, err)
			}
		}
		wide, err := write(c, tensor.F32, float64(most))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := write(checkpoint(t, wide), as, 0); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "--dtype") {
			t.Errorf("converted to %s: %v", as, err)
		}
	}
}
