package transformer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// decoded returns the logits of tokens that are decoded one by one after a prompt.
func decoded(t *testing.T, be kernels.Backend, d *transformer.Decoder, tokens int) (all []float32) {
	t.Helper()
	p := autograd.NewPass(be)
	defer p.Close()
	store, err := d.NewKVStore(be, 3+tokens)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	cache := store.Sequence(3 + tokens)
	next := []int32{1, 2, 3}
	for range tokens {
		b := &transformer.Batch{Store: true}
		b.Add(next, cache)
		p.Decoding = len(next) == 1
		var logits autograd.Var
		run := func() { logits = d.Logits(p, d.Forward(p, b, nil)) }
		if p.Decoding {
			kernels.Step(p.Backend, "decoded", run)
		} else {
			run()
		}
		all = append(all, logits.T.Float32s()...)
		if err := p.Sync(); err != nil {
			t.Fatal(err)
		}
		p.Reset()
		next = []int32{int32(len(all)) % 7}
	}
	return all
}

// TestDecodingIsAGraph: on a GPU a token is one launch from the third on, with the bits
// that its kernels come to one by one, and they are the reference's but for rounding.
func TestDecodingIsAGraph(t *testing.T) {
	const tokens = 7
	for name := range smallModels {
		if cases.Few() && name != "llama" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			run := func(o cudatest.Options) (logits []float32, ids []int32, be *cudatest.Device) {
				be = cudatest.Open(t, o)
				d := small(t, be, name)
				logits = decoded(t, be, d, tokens)
				before := be.Count("cuGraphLaunch")
				err := d.Generate(context.Background(), be, []int32{1, 2, 3}, tokens, transformer.Sampling{Temperature: 1, Seed: 3}, func(id int32) bool {
					ids = append(ids, id)
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				if n := be.Count("cuGraphLaunch") - before; !o.Eager && n != tokens-2 {
					t.Errorf("%d graphs launched, want %d", n, tokens-2)
				}
				return logits, ids, be
			}
			want, wantIDs, _ := run(cudatest.Options{Eager: true})
			got, ids, be := run(cudatest.Options{})
			if !slices.Equal(got, want) || !slices.Equal(ids, wantIDs) {
				t.Error("a graph comes to other numbers")
			}
			if n := be.Count("cuGraphInstantiateWithFlags"); n != 2 {
				t.Errorf("%d graphs made, want one for each way", n)
			}
			host := ref.New()
			if err := nearly(got, decoded(t, host, small(t, host, name), tokens)); err != nil {
				t.Error(err)
			}
		})
	}
}

// nearly holds logits of a small model against the reference's.
func nearly(got, want []float32) error {
	for i, v := range want {
		if off := math.Abs(float64(got[i] - v)); !(off < 2e-6) {
			return fmt.Errorf("logit %d is %v, the reference's %v", i, got[i], v)
		}
	}
	return nil
}

// TestOrderOnADeviceChangesNothing: scores, generated tokens and trained weights have the
// same bits whenever a GPU does what it is told, and in whichever order of blocks.
func TestOrderOnADeviceChangesNothing(t *testing.T) {
	run := func(o cudatest.Options) []float64 {
		be := cudatest.Open(t, o)
		return work(t, be, small(t, be, "llama"))
	}
	want := run(cudatest.Options{})
	for _, o := range []cudatest.Options{{Seed: 1}, {Seed: 2, Multiprocessors: 7, Stage: 1 << 10, Eager: true}} {
		if got := run(o); !slices.Equal(got, want) {
			t.Errorf("%+v: other numbers", o)
		}
	}
}

// TestGenerationOnAFullDevice: whichever memory the driver refuses, generation ends with
// an error that says so.
func TestGenerationOnAFullDevice(t *testing.T) {
	refused := 0
	for n := 1; ; n++ {
		first := 1 << 30 // the call that is the first to be refused
		be := cudatest.Open(t, cudatest.Options{Fail: func(call string, k int) int {
			if call == "cuMemAlloc_v2" && k >= first {
				refused++
				return 2
			}
			return 0
		}})
		d := small(t, be, "llama")
		first, refused = be.Count("cuMemAlloc_v2")+n, 0
		err := d.Generate(context.Background(), be, []int32{1, 2, 3}, 4, transformer.Sampling{}, func(int32) bool { return true })
		if refused == 0 {
			if err != nil || n == 1 {
				t.Errorf("nothing is refused from allocation %d on: %v", n, err)
			}
			return
		}
		var oom *tensor.OutOfMemory
		if !errors.As(err, &oom) || !strings.Contains(err.Error(), "weights") && !strings.Contains(err.Error(), "tensors") {
			t.Errorf("allocation %d is refused: %v", n, err)
		}
	}
}
