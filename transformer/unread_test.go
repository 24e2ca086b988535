package transformer_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"lamina/formats/safetensors"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// indexed changes the weight_map of a directory's index.
func indexed(t *testing.T, dir string, change func(where map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors.index.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Where map[string]any `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	change(index.Where)
	if data, err = json.Marshal(map[string]any{"weight_map": index.Where}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// addRaw puts a tensor that nobody reads into a safetensors file, of any type of the
// format: its bytes are zeros.
func addRaw(t *testing.T, path, name, dtype string, shape []int, size int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]any
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	end := len(data) - 8 - int(n)
	header[name] = map[string]any{"dtype": dtype, "shape": shape, "data_offsets": []int{end, end + size}}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	out := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	if err := os.WriteFile(path, append(append(out, data[8+n:]...), make([]byte, size)...), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	unreadBuffer = "model.layers.0.self_attn.rotary_emb.inv_freq"
	shard1       = "model-00001-of-00003.safetensors"
	shard2       = "model-00002-of-00003.safetensors"
)

// TestTensorsNobodyReads may be missing, in no shard, in two, in a shard that is not
// there, not listed, of any type: the logits are those of the whole model.
func TestTensorsNobodyReads(t *testing.T) {
	for name, spoil := range map[string]func(dir string){
		"a tied head that is in no shard": func(dir string) { indexed(t, dir, func(w map[string]any) { w["lm_head.weight"] = shard1 }) },
		"a buffer that is in no shard":    func(dir string) { indexed(t, dir, func(w map[string]any) { w[unreadBuffer] = shard2 }) },
		"a buffer in a shard that is not there": func(dir string) {
			indexed(t, dir, func(w map[string]any) { w[unreadBuffer] = "model-00004-of-00004.safetensors" })
		},
		"a buffer that is not listed":                  func(dir string) { addRaw(t, filepath.Join(dir, shard1), unreadBuffer, "F32", []int{2}, 8) },
		"a tied head that is not listed":               func(dir string) { addRaw(t, filepath.Join(dir, shard1), "lm_head.weight", "F32", []int{1}, 4) },
		"a buffer of 8-bit floats":                     func(dir string) { addRaw(t, filepath.Join(dir, shard1), unreadBuffer, "F8_E4M3", []int{2}, 2) },
		"a buffer of 16-bit integers":                  func(dir string) { addRaw(t, filepath.Join(dir, shard2), unreadBuffer, "U16", []int{2}, 4) },
		"a buffer in two shards":                       func(dir string) { twice(t, dir, shard1, shard2) },
		"a buffer in two shards, listed in one":        func(dir string) { twice(t, dir, shard1, shard2); listed(t, dir, shard2) },
		"a buffer in one shard, listed in another one": func(dir string) { twice(t, dir, shard1); listed(t, dir, shard2) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, "llama-gqa-tied")
			spoil(dir)
			ckpt, err := transformer.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			got, err := ckpt.Decoder(ref.New())
			if err != nil {
				t.Fatal(err)
			}
			want, g := open(t, ref.New(), "llama-gqa-tied")
			sameLogits(t, name, logits(got, g.Tokens[:1]), logits(want, g.Tokens[:1]))
			out := filepath.Join(t.TempDir(), "out")
			if err := ckpt.WriteDir(out, ckpt.Whole()); err != nil {
				t.Errorf("it cannot be written: %v", err)
			}
		})
	}
}

// twice adds the unread buffer to shards.
func twice(t *testing.T, dir string, shards ...string) {
	t.Helper()
	for _, shard := range shards {
		addRaw(t, filepath.Join(dir, shard), unreadBuffer, "F32", []int{2}, 8)
	}
}

func listed(t *testing.T, dir, shard string) {
	t.Helper()
	indexed(t, dir, func(w map[string]any) { w[unreadBuffer] = shard })
}

// TestTensorsThatAreRead are errors in the same places, by name.
func TestTensorsThatAreRead(t *testing.T) {
	const name = "model.layers.0.mlp.up_proj.weight"
	for what, c := range map[string]struct {
		spoil func(dir string)
		want  string
	}{
		"listed elsewhere": {func(dir string) { indexed(t, dir, func(w map[string]any) { w[name] = elsewhere(w, name) }) }, "is not in"},
		"not listed":       {func(dir string) { indexed(t, dir, func(w map[string]any) { delete(w, name) }) }, "not in the index"},
		"in no shard there": {func(dir string) {
			indexed(t, dir, func(w map[string]any) { w[name] = "model-00009-of-00009.safetensors" })
		}, ""},
		"an 8-bit float":   {func(dir string) { retype(t, dir, name, "F8_E5M2") }, "type F8_E5M2"},
		"a 16-bit integer": {func(dir string) { retype(t, dir, name, "I16") }, "type I16"},
	} {
		dir := copied(t, "llama-gqa-tied")
		c.spoil(dir)
		ckpt, err := transformer.Open(dir)
		if err == nil {
			ckpt.Close()
			t.Errorf("%s: accepted", what)
			continue
		}
		oneLine(t, err, c.want, dir)
	}
}

func elsewhere(where map[string]any, name string) string {
	for _, shard := range []string{shard1, shard2} {
		if where[name] != shard {
			return shard
		}
	}
	return ""
}

// retype gives a tensor of the first shard that has it another type of as many bytes.
func retype(t *testing.T, dir, name, dtype string) {
	t.Helper()
	for _, shard := range []string{shard1, shard2} {
		path := filepath.Join(dir, shard)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := binary.LittleEndian.Uint64(data)
		var header map[string]map[string]any
		if err := json.Unmarshal(data[8:8+n], &header); err != nil {
			t.Fatal(err)
		}
		e, ok := header[name]
		if !ok {
			continue
		}
		shape := e["shape"].([]any)
		width := map[string]float64{"F8_E5M2": 4, "I16": 2}[dtype]
		e["dtype"], e["shape"] = dtype, []any{shape[0], shape[1].(float64) * width}
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		out := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
		if err := os.WriteFile(path, append(out, data[8+n:]...), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s is in no shard", name)
}

// TestSharedTensorsUnderOneName: safetensors keeps one of the names of tensors that share
// their memory, and names the others in its metadata, if anywhere.
func TestSharedTensorsUnderOneName(t *testing.T) {
	const embedding, head = "model.embed_tokens.weight", "lm_head.weight"
	for name, c := range map[string]struct {
		model  string
		config map[string]any
		from   string
		to     string
		meta   map[string]string
		refuse bool
	}{
		"tied, under the head's name":        {model: "llama-bf16", config: map[string]any{"tie_word_embeddings": true}, from: embedding, to: head},
		"tied, and the metadata says so":     {model: "llama-bf16", config: map[string]any{"tie_word_embeddings": true}, from: embedding, to: head, meta: map[string]string{embedding: head}},
		"untied, head in metadata only":      {model: "llama-bf16", from: head, to: embedding, meta: map[string]string{head: embedding, "format": "pt"}},
		"untied, embedding in metadata only": {model: "llama-bf16", from: embedding, to: head, meta: map[string]string{embedding: head}},
		"untied, and nothing says so":        {model: "llama-bf16", from: embedding, to: head, refuse: true},
		"OPT, under the head's name":         {model: "opt-350m-like", from: "model.decoder.embed_tokens.weight", to: head},
		"BLOOM without prefix":               {model: "bloom-tied", from: "word_embeddings.weight", to: head},
		"metadata of a tensor that is not":   {model: "llama-bf16", from: embedding, to: embedding, meta: map[string]string{"model.layers.9.x": "model.layers.8.x"}},
	} {
		dir := copied(t, c.model)
		if c.config != nil {
			configured(t, dir, c.config)
		}
		var kept []byte
		rewriteWith(t, dir, c.meta, func(m map[string]tensor.Tensor) {
			x, ok := m[c.from]
			if !ok {
				t.Fatalf("%s: no %s", name, c.from)
			}
			kept = x.Raw()
			if c.from != c.to {
				delete(m, c.from)
				m[c.to] = x
			}
		})
		ckpt, err := transformer.Open(dir)
		if (err != nil) != c.refuse {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		d, err := ckpt.Decoder(ref.New())
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Embed.TokenWeights(); !bytes.Equal(got.Value.Raw(), kept) {
			t.Errorf("%s: the embedding is another", name)
		}
		out := filepath.Join(t.TempDir(), "out")
		if err := ckpt.WriteDir(out, ckpt.Whole()); err != nil {
			t.Error(err)
		}
		f, err := safetensors.Open(filepath.Join(out, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.Entry(d.Embed.TokenWeights().Name); !ok {
			t.Errorf("%s: written without %s: %v", name, d.Embed.TokenWeights().Name, f.Names())
		}
		f.Close()
		ckpt.Close()
	}
}
