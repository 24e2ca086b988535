package gguf_test

import (
	"os"
	"path/filepath"
	"testing"

	"lamina/formats/gguf"
	"lamina/tensor"
)

func TestRealModel(t *testing.T) {
	dir := os.Getenv("LAMINA_MODELS")
	if dir == "" {
		t.Skip("LAMINA_MODELS is not set: no directory with SmolLM2-135M-Instruct.Q4_1.gguf")
	}
	f, err := gguf.Open(filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := len(f.Names()); got != 272 {
		t.Errorf("%d tensors, want 272", got)
	}
	if arch, _ := f.String("general.architecture"); arch != "llama" {
		t.Errorf("architecture %q, want llama", arch)
	}
	for key, want := range map[string]uint64{"llama.block_count": 30, "llama.embedding_length": 576, "llama.attention.head_count": 9, "llama.attention.head_count_kv": 3} {
		if got, ok := f.Uint(key); !ok || got != want {
			t.Errorf("%s = %d, %v, want %d", key, got, ok, want)
		}
	}
	if tokens, ok := f.Strings("tokenizer.ggml.tokens"); !ok || len(tokens) != 49152 {
		t.Errorf("%d tokens, want 49152", len(tokens))
	}
	e, ok := f.Entry("blk.0.ffn_down.weight")
	if !ok || len(e.Shape) != 2 || e.Shape[0] != 576 || e.Shape[1] != 1536 {
		t.Errorf("blk.0.ffn_down.weight is %v", e)
	}
	data, err := f.Bytes(e.Name)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, e.Elems())
	tensor.DecodeF32(x, data, e.DType)
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	if rms := sum / float64(len(x)); rms < 1e-4 || rms > 1 {
		t.Errorf("mean square of %s is %g", e.Name, rms)
	}
	f.Release(e.Name)
}
