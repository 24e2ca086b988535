package transformer_test

import (
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"lamina/kernels/cpu"
	"lamina/tensor"
	"lamina/transformer"
)

// TestCopiedWeightsAreTheSame: of files of every kind, logits keep their bits, no matrix
// lies in the file afterwards, a tied head is one tensor still, and Close gives all back.
func TestCopiedWeightsAreTheSame(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	paths := []string{"llama-bf16", "opt-f16", "opt-odd", "gpt2-tied", "bloom-six"}
	for i, name := range paths {
		paths[i] = filepath.Join("testdata", name)
	}
	ggufs, err := filepath.Glob("testdata/*/*.gguf")
	if err != nil || len(ggufs) == 0 {
		t.Fatalf("no .gguf in testdata: %v", err)
	}
	for _, path := range append(paths, ggufs...) {
		held := be.Held()
		c, err := transformer.Open(path)
		if err != nil {
			if filepath.Ext(path) == ".gguf" { // files that are meant to be refused
				continue
			}
			t.Fatal(err)
		}
		d, err := c.Decoder(be)
		if err != nil {
			t.Fatal(err)
		}
		other, err := c.Decoder(be)
		if err != nil {
			t.Fatal(err)
		}
		rows := [][]int32{{1, 2, 3, 4, 5}}
		want, mapped := logits(d, rows), c.Mapped(d)
		before := map[*byte]bool{}
		for w := range d.Params() {
			before[unsafe.SliceData(tensor.HostBytes(w.Value))] = true
		}
		loaded := be.Held()
		if err := c.CopyMapped(d); err != nil {
			t.Fatal(err)
		}
		after := map[*byte]bool{}
		for w := range d.Params() {
			after[unsafe.SliceData(tensor.HostBytes(w.Value))] = true
		}
		if c.Mapped(d) != 0 || be.Held() != loaded+int64(mapped) || len(after) != len(before) {
			t.Errorf("%s: %d bytes mapped, then %d; %d held more; %d tensors, then %d", path, mapped, c.Mapped(d), be.Held()-loaded, len(before), len(after))
		}
		if got := logits(d, rows); !slices.Equal(got, want) {
			t.Errorf("%s: copied weights give other logits", path)
		}
		if c.Mapped(other) != mapped || !slices.Equal(logits(other, rows), want) {
			t.Errorf("%s: another decoder changed", path)
		}
		if err := c.Close(); err != nil || be.Held() != held {
			t.Errorf("%s: %d bytes held before, %d after Close, %v", path, held, be.Held(), err)
		}
	}
}

// TestCopyingWithoutRoomChangesNothing: the device's error names the file, and the decoder
// reads on where it did.
func TestCopyingWithoutRoomChangesNothing(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	path := filepath.Join("testdata", "llama-bf16")
	c, err := transformer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := c.Decoder(full{be})
	if err != nil {
		t.Fatal(err)
	}
	mapped := c.Mapped(d)
	if err := c.CopyMapped(d); err == nil || mapped == 0 || c.Mapped(d) != mapped {
		t.Errorf("%v; %d bytes mapped, then %d", err, mapped, c.Mapped(d))
	}
}

// full is a host without room for a whole model: vectors alone.
type full struct{ tensor.Device }

func (f full) Alloc(bytes int) (tensor.Memory, error) {
	if bytes > 4096 {
		return nil, &tensor.OutOfMemory{Device: "full", Wanted: int64(bytes)}
	}
	return f.Device.Alloc(bytes)
}
