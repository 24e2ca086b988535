package transformer_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// copied returns a copy of a checkpoint of testdata.
func copied(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	for _, golden := range []string{"golden.json", "golden.safetensors"} {
		if err := os.Remove(filepath.Join(dir, golden)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// rewrite changes the tensors of a directory's model.safetensors.
func rewrite(t *testing.T, dir string, change func(tensors map[string]tensor.Tensor)) {
	t.Helper()
	rewriteWith(t, dir, nil, change)
}

// rewriteWith also sets the file's metadata.
func rewriteWith(t *testing.T, dir string, meta map[string]string, change func(tensors map[string]tensor.Tensor)) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors := map[string]tensor.Tensor{}
	for _, name := range f.Names() {
		e, _ := f.Entry(name)
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors[name] = tensor.MustWrap(ref.New(), e.DType, bytes.Clone(data), e.Shape...)
	}
	f.Close()
	change(tensors)
	var entries []formats.Entry
	for name, x := range tensors {
		entries = append(entries, formats.Entry{Name: name, DType: x.DType(), Shape: x.Shape()})
	}
	err = safetensors.Write(path, entries, meta, func(name string, w io.Writer) error {
		_, err := w.Write(tensors[name].Raw())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-by); err != nil {
		t.Fatal(err)
	}
}

// configured sets a field of a directory's config.json.
func configured(t *testing.T, dir string, fields map[string]any) {
	t.Helper()
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, with(t, string(data), fields), 0o644); err != nil {
		t.Fatal(err)
	}
}

const finalNorm = "model.decoder.final_layer_norm.weight"

// spoiled is a checkpoint of testdata spoiled as a download or an editor does.
type spoiled struct {
	name, model string
	spoil       func(dir string)
	want        []string
}

func spoiledFiles(t *testing.T) []spoiled {
	return []spoiled{
		{"no directory", "opt-odd", func(dir string) { os.RemoveAll(dir) }, []string{"no such model"}},
		{"no config", "opt-odd", func(dir string) { remove(t, dir+"/config.json") }, []string{"config.json", "missing"}},
		{"broken config", "opt-odd", func(dir string) { truncate(t, dir+"/config.json", 9) }, []string{"config.json"}},
		{"unknown architecture", "opt-odd", func(dir string) { configured(t, dir, map[string]any{"model_type": "mamba"}) },
			[]string{"config.json", `model_type "mamba"`, "opt, llama, gpt2, bloom"}},
		{"no weights", "opt-odd", func(dir string) { remove(t, dir+"/model.safetensors") }, []string{"no weights", "model.safetensors"}},
		{"missing safetensors shard", "llama-gqa-tied", func(dir string) { remove(t, dir+"/model-00002-of-00003.safetensors") },
			[]string{"model-00002-of-00003.safetensors"}},
		{"missing torch shard", "llama-mha", func(dir string) { remove(t, dir+"/pytorch_model-00002-of-00002.bin") },
			[]string{"pytorch_model-00002-of-00002.bin"}},
		{"empty file", "opt-odd", func(dir string) { truncate(t, dir+"/model.safetensors", 0); os.Truncate(dir+"/model.safetensors", 0) },
			[]string{"model.safetensors"}},
		{"truncated safetensors", "opt-odd", func(dir string) { truncate(t, dir+"/model.safetensors", 5) }, []string{"model.safetensors"}},
		{"truncated shard", "llama-gqa-tied", func(dir string) { truncate(t, dir+"/model-00003-of-00003.safetensors", 4) },
			[]string{"model-00003-of-00003.safetensors"}},
		{"truncated torch file", "opt-f16", func(dir string) { truncate(t, dir+"/pytorch_model.bin", 100) }, []string{"pytorch_model.bin"}},
	}
}

func spoiledTensors(t *testing.T) []spoiled {
	be := ref.New()
	return []spoiled{
		{"missing tensor", "opt-odd", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) { delete(m, finalNorm) })
		}, []string{`tensor "` + finalNorm + `" is missing`}},
		{"extra tensor", "opt-odd", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) { m["model.decoder.adapter.weight"] = m[finalNorm] })
		}, []string{`tensor "model.decoder.adapter.weight" is not part`}},
		{"wrong shape", "opt-odd", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) { m[finalNorm] = tensor.MustNew(be, tensor.F32, 20) })
		}, []string{finalNorm, "[20]", "[21]"}},
		{"transposed", "opt-odd", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) {
				m["model.decoder.layers.0.fc1.weight"] = m["model.decoder.layers.0.fc1.weight"].Reshape(21, 41)
			})
		}, []string{"fc1.weight", "[21 41]", "[41 21]"}},
		{"weights as other families store them", "gpt2-unscaled", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) {
				m["transformer.h.0.attn.c_attn.weight"] = m["transformer.h.0.attn.c_attn.weight"].Reshape(63, 21)
			})
		}, []string{"c_attn.weight", "[63 21]", "[21 63]"}},
		{"integer weights", "opt-odd", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) { m[finalNorm] = tensor.MustNew(be, tensor.I64, 21) })
		}, []string{finalNorm, "I64"}},
		{"twice under two names", "opt-odd", func(dir string) {
			rewrite(t, dir, func(m map[string]tensor.Tensor) { m[strings.TrimPrefix(finalNorm, "model.")] = m[finalNorm] })
		}, []string{finalNorm, "twice"}},
		{"many wrong", "opt-odd", func(dir string) { configured(t, dir, map[string]any{"num_hidden_layers": 3}) },
			[]string{"model.decoder.layers.2", "and 12 more"}},
		{"deeper file than config", "opt-odd", func(dir string) { configured(t, dir, map[string]any{"num_hidden_layers": 1}) },
			[]string{"model.decoder.layers.1", "not part"}},
		{"other vocabulary", "opt-odd", func(dir string) { configured(t, dir, map[string]any{"vocab_size": 54}) },
			[]string{"embed_tokens.weight", "[53 21]", "[54 21]"}},
		{"untied without head", "opt-350m-like", func(dir string) { configured(t, dir, map[string]any{"tie_word_embeddings": false}) },
			[]string{"lm_head.weight", "missing"}},
	}
}

// TestBadCheckpointsGiveOneClearLine that names the path and the item.
func TestBadCheckpointsGiveOneClearLine(t *testing.T) {
	for _, c := range slices.Concat(spoiledFiles(t), spoiledTensors(t)) {
		t.Run(c.name, func(t *testing.T) {
			dir := copied(t, c.model)
			c.spoil(dir)
			ckpt, err := transformer.Open(dir)
			if err == nil {
				ckpt.Close()
				t.Fatal("accepted")
			}
			if ckpt != nil {
				t.Error("an error and a checkpoint, which nobody will close")
			}
			oneLine(t, err, append(c.want, dir)...)
		})
	}
}

func oneLine(t *testing.T, err error, want ...string) {
	t.Helper()
	text := err.Error()
	if strings.Contains(text, "\n") || len(text) > 1000 {
		t.Errorf("not one short line: %s", text)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not name %q", text, w)
		}
	}
}

func TestWrongPaths(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "model.txt")
	broken := filepath.Join(dir, "model.gguf")
	for _, p := range []string{text, broken} {
		if err := os.WriteFile(p, []byte("GGUF?"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"": "no such model", filepath.Join(dir, "absent"): "no such model", text: "not a model", broken: "model.gguf", dir: "config.json",
	} {
		if _, err := transformer.Open(path); err == nil {
			t.Errorf("%q is accepted", path)
		} else {
			oneLine(t, err, path, want)
		}
	}
}

// TestIgnorableTensors: buffers of older checkpoints and a tied head's second
// name are no mistake.
func TestIgnorableTensors(t *testing.T) {
	dir := copied(t, "llama-bf16")
	configured(t, dir, map[string]any{"tie_word_embeddings": true})
	rewrite(t, dir, func(m map[string]tensor.Tensor) {
		m["model.layers.0.self_attn.rotary_emb.inv_freq"] = tensor.MustNew(ref.New(), tensor.F32, 2)
	})
	ckpt, err := transformer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ckpt.Close()
}

// TestOtherHeadsAreNotRead: what was put upon the body for other tasks is named, and
// changes no logit.
func TestOtherHeadsAreNotRead(t *testing.T) {
	for _, name := range []string{"score.weight", "classifier.bias", "qa_outputs.weight", "multiple_choice_head.summary.weight", "v_head.summary.weight"} {
		dir := copied(t, "llama-bf16")
		rewrite(t, dir, func(m map[string]tensor.Tensor) { m[name] = tensor.MustNew(ref.New(), tensor.F32, 2) })
		ckpt, err := transformer.Open(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if w := strings.Join(ckpt.Warnings(), "\n"); !strings.Contains(w, name) {
			t.Errorf("%s: warnings %q", name, w)
		}
		ckpt.Close()
	}
	dir := copied(t, "llama-bf16")
	rewrite(t, dir, func(m map[string]tensor.Tensor) { m["model.score.weight"] = tensor.MustNew(ref.New(), tensor.F32, 2) })
	if _, err := transformer.Open(dir); err == nil {
		t.Error("a tensor of the body that nobody reads is accepted")
	} else {
		oneLine(t, err, "model.score.weight")
	}
}

// TestMasksAreLeftOut: the names of a GPT-2 of the first files, which hold a causal mask
// a layer and lack the prefix, are those that transformers writes.
func TestMasksAreLeftOut(t *testing.T) {
	for _, name := range []string{"gpt2-tied", "gpt2-f16"} {
		ckpt, err := transformer.Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		if n := len(ckpt.Names()); n != 4+12*ckpt.Config.Layers {
			t.Errorf("%s: %d tensors: %v", name, n, ckpt.Names())
		}
		for _, n := range ckpt.Names() {
			if !strings.HasPrefix(n, "transformer.") {
				t.Errorf("%s: %s", name, n)
			}
		}
	}
}

// logits returns those of all rows on the reference backend.
func logits(d *transformer.Decoder, rows [][]int32) []float32 {
	p := autograd.NewPass(ref.New())
	return d.Logits(p, d.Forward(p, transformer.NewBatch(rows...), nil)).T.Float32s()
}

func sameLogits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) == 0 || !bytes.Equal(tensor.Bytes(got), tensor.Bytes(want)) {
		t.Errorf("%s: %d logits do not have the bits of the %d wanted", what, len(got), len(want))
	}
}

// TestParamsAreWhatTheLoaderHandedOut: every tensor of the file once, in no
// other order than the forward pass has them, and nothing else.
func TestParamsAreWhatTheLoaderHandedOut(t *testing.T) {
	for _, name := range models(t) {
		ckpt, err := transformer.Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		d, err := ckpt.Decoder(ref.New())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		seen := map[*autograd.Parameter]bool{}
		for w := range d.Params() {
			e, ok := ckpt.Entry(w.Name)
			if !ok || !slices.Equal(e.Shape, w.Value.Shape()) || seen[w] {
				t.Errorf("%s: %s %v is not the file's %v, or not once", name, w.Name, w.Value, e.Shape)
			}
			seen[w] = true
			got = append(got, w.Name)
		}
		if first := d.Embed.TokenWeights().Name; got[0] != first {
			t.Errorf("%s: starts with %s, not %s", name, got[0], first)
		}
		slices.Sort(got)
		want := slices.DeleteFunc(ckpt.Names(), func(n string) bool {
			return strings.HasSuffix(n, "decoder.version") || n == "lm_head.weight" && d.Config.Tied
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s: parameters %v\nfile %v", name, got, want)
		}
		stops := 0
		d.Params()(func(*autograd.Parameter) bool { stops++; return stops < 2 })
		if stops != 2 {
			t.Errorf("%s: a listing stopped at the second went on to %d", name, stops)
		}
	}
}

// TestHugeHeaderIsRefused: a length of the header beyond the file.
func TestHugeHeaderIsRefused(t *testing.T) {
	dir := copied(t, "opt-odd")
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(data, 1<<60)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := transformer.Open(dir); err == nil {
		t.Error("accepted")
	} else {
		oneLine(t, err, path)
	}
}
