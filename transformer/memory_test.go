package transformer_test

import (
	"fmt"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels/dry"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// TestOutlineIsTheDecoderWithoutItsWeights: names, types and shapes are those of the
// loaded decoder, and so is the memory of inference; the cache is as large as one that
// is made, and the pass as large as one that runs.
func TestOutlineIsTheDecoderWithoutItsWeights(t *testing.T) {
	list := func(params nn.Params) (out []string) {
		for w := range params {
			out = append(out, fmt.Sprint(w.Name, " ", w.Value))
		}
		return out
	}
	for _, name := range models(t) {
		be := ref.New()
		d, _ := open(t, be, name)
		ckpt, err := transformer.Open("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		outline := ckpt.Outline()
		if got, want := list(outline.Params()), list(d.Params()); !slices.Equal(got, want) {
			t.Errorf("%s: outline %v\nwant %v", name, got, want)
		}
		m := outline.InferenceMemory(nil)
		if got := d.InferenceMemory(nil); got != m || m.Weights != nn.Bytes(d.Params()) || m.Total() != m.Weights+m.Cache+m.Pass {
			t.Errorf("%s: outline %+v, decoder %+v", name, m, got)
		}
		var device dry.Backend
		if d.NewKVStore(&device, m.Positions); device.Bytes != m.Cache {
			t.Errorf("%s: a cache of %d bytes, want %d", name, m.Cache, device.Bytes)
		}
		p := autograd.NewPass(be)
		x := d.Forward(p, transformer.NewBatch(make([]int32, m.Positions)), nil)
		d.Logits(p, d.Rows(p, x, make([]int32, min(autograd.HeadRows, m.Positions))))
		if got := p.Arena.Extent(); got != m.Pass {
			t.Errorf("%s: a pass of %d bytes, want %d", name, m.Pass, got)
		}
	}
}
