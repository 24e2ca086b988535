package transformer_test

import (
	"encoding/binary"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// ggufFile is a GGUF file in the making: metadata of the types that [ggufFile.bytes]
// knows, and F32 tensors.
type ggufFile struct {
	meta    map[string]any
	tensors []ggufTensor
}

type ggufTensor struct {
	name string
	ne   []uint64 // innermost axis first, as the file has it
	data []float32
}

func (f ggufFile) with(meta map[string]any) ggufFile {
	f.meta = maps.Clone(f.meta)
	for key, v := range meta {
		f.meta[key] = v
		if v == nil {
			delete(f.meta, key)
		}
	}
	return f
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// appendValue appends type and value.
func appendValue(t *testing.T, b []byte, v any) []byte {
	t.Helper()
	le := binary.LittleEndian
	switch v := v.(type) {
	case int: // a uint32, as most are
		return le.AppendUint32(le.AppendUint32(b, 4), uint32(v))
	case uint16:
		return le.AppendUint16(le.AppendUint32(b, 2), v)
	case float64: // a float32
		return le.AppendUint32(le.AppendUint32(b, 6), math.Float32bits(float32(v)))
	case bool:
		return append(le.AppendUint32(b, 7), map[bool]byte{true: 1}[v])
	case string:
		return appendText(le.AppendUint32(b, 8), v)
	case []string:
		b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 8), uint64(len(v)))
		for _, s := range v {
			b = appendText(b, s)
		}
		return b
	case []int:
		b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 5), uint64(len(v)))
		for _, n := range v {
			b = le.AppendUint32(b, uint32(n))
		}
		return b
	case []float64:
		b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 6), uint64(len(v)))
		for _, x := range v {
			b = le.AppendUint32(b, math.Float32bits(float32(x)))
		}
		return b
	}
	t.Fatalf("%T is no type of the builder", v)
	return nil
}

func (f ggufFile) bytes(t *testing.T) []byte {
	t.Helper()
	const alignment = 32
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("GGUF"), 3)
	b = le.AppendUint64(le.AppendUint64(b, uint64(len(f.tensors))), uint64(len(f.meta)))
	for _, key := range slices.Sorted(maps.Keys(f.meta)) {
		b = appendValue(t, appendText(b, key), f.meta[key])
	}
	at := 0
	for _, x := range f.tensors {
		b = le.AppendUint32(appendText(b, x.name), uint32(len(x.ne)))
		for _, n := range x.ne {
			b = le.AppendUint64(b, n)
		}
		b = le.AppendUint64(le.AppendUint32(b, 0), uint64(at))
		at += (4*len(x.data) + alignment - 1) / alignment * alignment
	}
	pad := func() {
		for len(b)%alignment != 0 {
			b = append(b, 0)
		}
	}
	pad()
	for _, x := range f.tensors {
		for _, v := range x.data {
			b = le.AppendUint32(b, math.Float32bits(v))
		}
		pad()
	}
	return b
}

// write writes the file into a directory and returns its path.
func (f ggufFile) write(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, f.bytes(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyGGUF is a LLaMA of one block with a tied head and a byte-level tokenizer of the
// vocabulary's size, in which "ab", "12" and "123" are tokens.
func tinyGGUF() ggufFile {
	const d, ff, heads, positions = 8, 12, 2, 64
	tokens, types := []string{"<s>", "</s>", "<pad>", "<|eot_id|>", "<|x|>"}, []int{3, 3, 3, 3, 3}
	for _, r := range "abc123 !" {
		s := string(r)
		if r == ' ' {
			s = "Ġ"
		}
		tokens, types = append(tokens, s), append(types, 1)
	}
	tokens, types = append(tokens, "ab", "12", "123", "Ġ1"), append(types, 1, 1, 1, 1)
	vocab := len(tokens)
	f := ggufFile{meta: map[string]any{
		"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": d, "llama.feed_forward_length": ff,
		"llama.attention.head_count": heads, "llama.context_length": positions, "llama.attention.layer_norm_rms_epsilon": 1e-5,
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types,
		"tokenizer.ggml.merges": []string{"a b", "1 2", "12 3", "Ġ 1"}, "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 1,
	}}
	seed := uint32(1)
	add := func(name string, ne ...uint64) {
		n := 1
		for _, a := range ne {
			n *= int(a)
		}
		x := ggufTensor{name: name, ne: ne, data: make([]float32, n)}
		for i := range x.data {
			seed = seed*1664525 + 1013904223
			x.data[i] = float32(int32(seed)) / (1 << 31)
		}
		f.tensors = append(f.tensors, x)
	}
	v := uint64(vocab)
	add("token_embd.weight", d, v)
	add("output_norm.weight", d)
	add("blk.0.attn_norm.weight", d)
	for _, name := range []string{"q", "k", "v", "output"} {
		add("blk.0.attn_"+name+".weight", d, d)
	}
	add("blk.0.ffn_norm.weight", d)
	add("blk.0.ffn_gate.weight", d, ff)
	add("blk.0.ffn_up.weight", d, ff)
	add("blk.0.ffn_down.weight", ff, d)
	return f
}
