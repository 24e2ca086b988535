package exchange_test

import (
	"math"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestChangeAsLoRA: what full weights became comes back as factors; those of a change that
// has that rank are the change, those of another are as far away as is said, and norms and
// biases stay as they were.
func TestChangeAsLoRA(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		for _, rank := range []int{2, 5} {
			full := crashtest.Small(be, family)
			e, before := oddly(t, be, full, "0* 2 5*", false)
			if rank == 2 { // a change of rank 1, and none of what is no matrix
				i := 0
				for w := range e.Params() {
					shape, values := w.Value.Shape(), before[i].Float32s()
					for j := range values {
						if len(shape) == 2 {
							values[j] += float32(1+j/shape[1]%3) * float32(j%shape[1]%5-2) / 256
						}
					}
					w.Value, i = tensor.Must(tensor.FromFloat32s(be, tensor.F32, values, shape...)), i+1
				}
			}
			r := exchange.Returned{After: e.Params(), Before: before}
			attached, said, err := exchange.FactorsOf(be, e.Decoder, e.Trained(), r, rank)
			if err != nil {
				t.Fatal(err)
			}
			r.Attached = attached
			form, err := exchange.FormNamed(exchange.LoRA)
			if err != nil {
				t.Fatal(err)
			}
			base := transformer.Fingerprint(nn.Join(nn.ParamsOf(full.Blocks[0]), nn.ParamsOf(full.Blocks[5])))
			_, params := saved(t, form, exchange.Manifest{Plan: e.Plan, Base: base}, r, full)
			attached.Close()
			off, all, outside, i := 0.0, 0.0, 0.0, 0
			got := map[string][]float32{}
			for w := range params {
				got[w.Name] = w.Value.Float32s()
			}
			for w := range e.Params() {
				for j, v := range w.Value.Float32s() {
					was := before[i].Float32s()[j]
					d, left := float64(v)-float64(was), float64(v)-float64(got[w.Name][j])
					all, off = all+d*d, off+left*left
					if len(w.Value.Shape()) == 1 {
						outside += d * d
						if got[w.Name][j] != was {
							t.Fatalf("%s: %s changed", family, w.Name)
						}
					}
				}
				i++
			}
			if off, outside = math.Sqrt(off/all), math.Sqrt(outside/all); math.Abs(off-said.Error) > 1e-4 || math.Abs(outside-said.Outside) > 1e-6 || said.Rank != rank {
				t.Errorf("%s: %v, and it is %v away, %v outside", family, said, off, outside)
			}
			if rank == 2 && said.Error > 1e-6 || rank == 5 && said.Error < 0.1 {
				t.Errorf("%s: rank %d is %v away", family, rank, said.Error)
			}
		}
		full := crashtest.Small(be, family)
		if err := exchange.CheckFactors(full, full.Blocks, 25); err == nil || !strings.Contains(err.Error(), "rank 25 is more than layer") {
			t.Errorf("%s: rank 25: %v", family, err)
		}
	}
}
