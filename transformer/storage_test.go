package transformer_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// TestStorageStaysAsTheFileHasIt: frozen matrices keep their type, vectors are
// F32, and a view where the file's alignment allows it.
func TestStorageStaysAsTheFileHasIt(t *testing.T) {
	for name, want := range map[string]tensor.DType{"llama-bf16": tensor.BF16, "opt-f16": tensor.F16, "opt-odd": tensor.F32,
		"gpt2-f16": tensor.F16, "bloom-bf16": tensor.BF16} {
		d, _ := open(t, ref.New(), name)
		for w := range d.Params() {
			is := w.Value.DType()
			if w.Value.Rank() > 1 && is != want || w.Value.Rank() == 1 && is != tensor.F32 || w.Trainable {
				t.Errorf("%s: %s is %v, trainable %t", name, w.Name, w.Value, w.Trainable)
			}
		}
	}
}

func TestF64WeightsAreNarrowed(t *testing.T) {
	dir := copied(t, "opt-odd")
	be := ref.New()
	rewrite(t, dir, func(m map[string]tensor.Tensor) {
		for name, x := range m {
			m[name] = tensor.MustFromFloats(be, tensor.F64, x.Floats(), x.Shape()...)
		}
	})
	ckpt, err := transformer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	got, err := ckpt.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	want, g := open(t, be, "opt-odd")
	sameLogits(t, "from F64", logits(got, g.Tokens), logits(want, g.Tokens))
}

// TestF64IsRoundedWhereItIsWritten as F32, to nearest even, and what would become infinite
// is refused.
func TestF64IsRoundedWhereItIsWritten(t *testing.T) {
	const name = "model.decoder.layers.0.fc1.weight"
	half := math.Ldexp(1, -24) // of the last place of 1
	for value, want := range map[float64]float32{
		1 + half: 1, 1 + 3*half: 1 + 4*0x1p-24, 1 + half + 0x1p-50: 1 + 0x1p-23, math.MaxFloat32: math.MaxFloat32, 1e300: 0, -3.5e38: 0,
	} {
		dir := copied(t, "opt-odd")
		rewrite(t, dir, func(m map[string]tensor.Tensor) {
			values := m[name].Floats()
			values[3] = value
			m[name] = tensor.MustFromFloats(ref.New(), tensor.F64, values, m[name].Shape()...)
		})
		ckpt, err := transformer.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		out := filepath.Join(t.TempDir(), "out")
		d := ckpt.Whole()
		d.DType = tensor.F32
		if err := ckpt.WriteDir(out, d); want == 0 {
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "no type that is written keeps it") {
				t.Errorf("%v: %v", value, err)
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		again, err := transformer.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		got, err := again.Tensor(ref.New(), name)
		if err != nil || got.DType() != tensor.F32 || got.Float32s()[3] != want {
			t.Errorf("%v: %v, want %v, %v", value, got.Float32s()[3], want, err)
		}
	}
}
