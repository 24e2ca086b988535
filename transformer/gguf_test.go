package transformer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// ggufGolden is testdata/gguf/<name>.json, written by gen_gguf.py.
type ggufGolden struct {
	Tokens [][]int32     `json:"tokens"`
	Last   [][][]float64 `json:"last_logits"` // of the last six positions, or all
}

func openGGUF(t *testing.T, name string) (*transformer.Checkpoint, ggufGolden) {
	t.Helper()
	ckpt, err := transformer.Open(filepath.Join("testdata", "gguf", name+".gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	data, err := os.ReadFile(filepath.Join("testdata", "gguf", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var g ggufGolden
	if err := json.Unmarshal(data, &g); err != nil || len(g.Tokens) < 2 {
		t.Fatalf("%d rows, %v", len(g.Tokens), err)
	}
	return ckpt, g
}

func (g ggufGolden) compare(t *testing.T, be kernels.Backend, ckpt *transformer.Checkpoint) {
	t.Helper()
	d, err := ckpt.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	p := autograd.NewPass(be)
	p.Arena.Poison = true
	got := d.Logits(p, d.Forward(p, transformer.NewBatch(g.Tokens...), nil)).T
	end := 0
	for i, row := range g.Tokens {
		end += len(row)
		var want []float64
		for _, at := range g.Last[i] {
			want = append(want, at...)
		}
		compare(t, fmt.Sprintf("row %d", i), got.Slice(end-len(g.Last[i]), end).Float32s(), want)
	}
}

// TestGGUFEqualsTransformers: every block type and F16, BF16, F32 in one file,
// permuted q and k with two key heads for four; and llama3 scaling stated as
// factors, with a tied head and biases on q and k.
func TestGGUFEqualsTransformers(t *testing.T) {
	for _, be := range backends(t) {
		for _, name := range []string{"mixed", "llama3"} {
			t.Run(be.Name()+"/"+name, func(t *testing.T) {
				ckpt, g := openGGUF(t, name)
				g.compare(t, be, ckpt)
			})
		}
	}
}

// TestGGUFStaysQuantised: frozen blocks keep the file's bits in memory, and q and
// k only have their rows in another order.
func TestGGUFStaysQuantised(t *testing.T) {
	ckpt, _ := openGGUF(t, "mixed")
	for name, want := range map[string]tensor.DType{
		"model.layers.0.self_attn.q_proj.weight": tensor.Q4_0, "model.layers.1.self_attn.q_proj.weight": tensor.Q5_1,
		"model.layers.0.self_attn.k_proj.weight": tensor.Q5_0, "model.layers.0.mlp.gate_proj.weight": tensor.BF16,
		"model.layers.0.mlp.down_proj.weight": tensor.Q4_1, "model.layers.0.mlp.up_proj.weight": tensor.Q8_0,
		"model.layers.0.self_attn.o_proj.weight": tensor.F16, "lm_head.weight": tensor.Q4_0, "model.norm.weight": tensor.F32,
	} {
		x, err := ckpt.Tensor(ref.New(), name)
		if err != nil || x.DType() != want {
			t.Errorf("%s is %v, %v, want %v", name, x, err, want)
		}
	}
}

// TestGGUFBecomesADirectory: what convert writes is what transformers ran, with
// the tokenizer rebuilt and llama3 scaling recognised.
func TestGGUFBecomesADirectory(t *testing.T) {
	for _, name := range []string{"mixed", "llama3"} {
		ckpt, g := openGGUF(t, name)
		out := filepath.Join(t.TempDir(), "hf")
		d := ckpt.Whole()
		d.DType = tensor.F32
		if err := ckpt.WriteDir(out, d); err != nil {
			t.Fatal(err)
		}
		hf, err := transformer.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer hf.Close()
		g.compare(t, ref.New(), hf)
		from, err := ckpt.Tokenizer()
		if err != nil {
			t.Fatal(err)
		}
		to, err := hf.Tokenizer()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"the rain in an area", "a  b", ""} {
			a, b := from.Encode(text, true), to.Encode(text, true)
			if fmt.Sprint(a) != fmt.Sprint(b) || len(a) == 0 {
				t.Errorf("%s: %q: ids %v from the file, %v from the directory", name, text, a, b)
			}
		}
		want := nn.RoPE{Type: hf.Config.RoPE.Type, Dim: 8, Theta: ckpt.Config.RoPE.Theta, MaxPositions: ckpt.Config.MaxPositions}
		if name == "llama3" {
			want.Type, want.Factor, want.LowFreq, want.HighFreq, want.OriginalPositions = "llama3", 8, 1, 4, 8192
		}
		if got := hf.Config.RoPE; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: RoPE %+v, want %+v", name, got, want)
		}
	}
}

func TestSpoiledGGUF(t *testing.T) {
	data, err := os.ReadFile("testdata/gguf/mixed.gguf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":        {nil, "empty.gguf"},
		"truncated":    {data[:len(data)-1000], "truncated.gguf"},
		"header":       {data[:500], "header.gguf"},
		"architecture": {replaced(t, data, "llama.", "llamb.", 0), "num_hidden_layers"},
		"kind":         {replaced(t, data, "\x05\x00\x00\x00\x00\x00\x00\x00llama", "\x05\x00\x00\x00\x00\x00\x00\x00mamba", 1), `architecture "mamba"`},
		"tensor":       {replaced(t, data, "blk.1.attn_q", "blk.1.attn_z", 1), "q_proj.weight"},
		"deeper":       {replaced(t, data, "blk.1.attn_q", "blk.2.attn_q", 1), "model.layers.2"},
	} {
		path := filepath.Join(dir, name+".gguf")
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		if ckpt, err := transformer.Open(path); err == nil {
			ckpt.Close()
			t.Errorf("%s: accepted", name)
		} else {
			oneLine(t, err, path, c.want)
		}
	}
}

// replaced swaps a text for one of equal length, n times (0: everywhere).
func replaced(t *testing.T, data []byte, from, to string, n int) []byte {
	t.Helper()
	if n == 0 {
		n = -1
	}
	out := bytes.Replace(data, []byte(from), []byte(to), n)
	if len(from) != len(to) || bytes.Equal(out, data) {
		t.Fatalf("%q is not there, or %q is of another length", from, to)
	}
	return out
}
