package transformer_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lamina/kernels/ref"
	"lamina/transformer"
)

// split cuts a file into parts as gguf-split does.
func (f ggufFile) split(t *testing.T, dir, name string, parts int) []string {
	t.Helper()
	paths := make([]string, parts)
	for i := range parts {
		p := ggufFile{meta: map[string]any{}}
		if i == 0 {
			p = f.with(nil)
		}
		p = p.with(map[string]any{"split.no": uint16(i), "split.count": uint16(parts), "split.tensors.count": len(f.tensors)})
		p.tensors = f.tensors[i*len(f.tensors)/parts : (i+1)*len(f.tensors)/parts]
		paths[i] = p.write(t, dir, fmt.Sprintf("%s-%05d-of-%05d.gguf", name, i+1, parts))
	}
	return paths
}

// untied is tinyGGUF with a head of its own, which stands last.
func untied() ggufFile {
	f := tinyGGUF()
	head := f.tensors[0]
	head.name, head.data = "output.weight", slices.Clone(head.data)
	slices.Reverse(head.data)
	f.tensors = append(slices.Clone(f.tensors), head)
	return f
}

// TestSplitGGUF: the name of any part opens the whole, and nothing less passes for it.
func TestSplitGGUF(t *testing.T) {
	rows := [][]int32{{5, 6, 7, 8}}
	whole, err := mustOpen(t, untied()).Decoder(ref.New())
	if err != nil {
		t.Fatal(err)
	}
	want := logits(whole, rows)
	for _, parts := range []int{1, 2, 3, 12} {
		dir := t.TempDir()
		paths := untied().split(t, dir, "model", parts)
		for _, path := range paths {
			ckpt, err := transformer.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			d, err := ckpt.Decoder(ref.New())
			if err != nil {
				t.Fatal(err)
			}
			sameLogits(t, path, logits(d, rows), want)
			if ckpt.Config.Tied {
				t.Errorf("%s: the head is tied", path)
			}
			if tok, err := ckpt.Tokenizer(); err != nil || fmt.Sprint(tok.Encode("ab", true)) != "[13]" {
				t.Errorf("%s: %v", path, err)
			}
			ckpt.Close()
			if _, err := transformer.LoadTokenizer(path); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestIncompleteSplitGGUF(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string, paths []string) string // returns what is opened
		want  string
	}{
		"last part missing":  {func(_ string, p []string) string { os.Remove(p[2]); return p[0] }, "model-00003-of-00003.gguf"},
		"first part missing": {func(_ string, p []string) string { os.Remove(p[0]); return p[1] }, "model-00001-of-00003.gguf"},
		"another name": {func(dir string, p []string) string {
			os.Rename(p[0], filepath.Join(dir, "model.gguf"))
			return filepath.Join(dir, "model.gguf")
		}, "one of 3 parts"},
		"of another number": {func(dir string, p []string) string {
			os.Rename(p[0], filepath.Join(dir, "model-00001-of-00002.gguf"))
			return filepath.Join(dir, "model-00001-of-00002.gguf")
		}, "one of 3 parts"},
		"part of another model": {func(dir string, p []string) string {
			f := tinyGGUF().with(map[string]any{"split.no": uint16(1), "split.count": uint16(3)})
			f.tensors = f.tensors[:1]
			f.write(t, dir, filepath.Base(p[1]))
			return p[0]
		}, "tensors"},
		"parts exchanged": {func(dir string, p []string) string {
			os.Rename(p[1], filepath.Join(dir, "x"))
			os.Rename(p[2], p[1])
			os.Rename(filepath.Join(dir, "x"), p[2])
			return p[0]
		}, "part 3 of 3"},
		"same part twice": {func(_ string, p []string) string {
			data, _ := os.ReadFile(p[0])
			os.WriteFile(p[1], data, 0o644)
			return p[0]
		}, "part 1 of 3"},
		"named a part": {func(dir string, _ []string) string { return tinyGGUF().write(t, dir, "other-00001-of-00002.gguf") }, "split.count"},
		"truncated":    {func(_ string, p []string) string { os.Truncate(p[1], 100); return p[0] }, "model-00002-of-00003.gguf"},
	} {
		dir := t.TempDir()
		path := c.spoil(dir, untied().split(t, dir, "model", 3))
		if ckpt, err := transformer.Open(path); err == nil {
			ckpt.Close()
			t.Errorf("%s: accepted", name)
		} else {
			oneLine(t, err, c.want)
		}
	}
}

// TestRopeFactorsOfSplitFile are found in whatever part they lie.
func TestRopeFactorsOfSplitFile(t *testing.T) {
	f := tinyGGUF()
	f.tensors = append(slices.Clone(f.tensors), ggufTensor{name: "rope_freqs.weight", ne: []uint64{2}, data: []float32{1, 8}})
	paths := f.split(t, t.TempDir(), "m", 2)
	ckpt, err := transformer.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	if got := ckpt.Config.RoPE.Factors; len(got) != 2 || got[1] != 8 || math.IsNaN(float64(got[0])) {
		t.Errorf("factors %v", got)
	}
}
