package workload

import (
	"math"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// Counts by hand: weights of q, k, v, o and the feed-forward, the head, and the
// lower half of the scores.
func TestCosts(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	q := NewModel(be, Shapes()[0], tensor.Q4_1).Decoder
	tiny, llama := Shapes()[0].Parse(), Shapes()[2].Parse()
	tinyBlock := 4*128*128 + 2*128*512
	tinyForward := 2*512*(4*tinyBlock+512*128) + 2*2*8*4*128*64*65/2
	const tinyVectors = 4*128 + 128 + 512 + 4*128 // biases, gains of a block
	tinyParams := 4*(tinyBlock+tinyVectors) + 512*128 + (2048+2)*128 + 2*128
	llamaBlock := 2*576*576 + 2*576*192 + 3*576*1536
	for _, c := range []struct {
		name string
		got  float64
		want int
	}{
		{"forward of tiny", ForwardCost(tiny, 8, 64, 512).FLOP, tinyForward},
		{"products of a step of tiny", TrainCost(tiny, 8, 64).FLOP, 3 * tinyForward},
		{"AdamW of tiny", TrainCost(tiny, 8, 64).Moved, 28 * tinyParams},
		{"tiny's weights as Q4_1", DecodeCost(q, 0).Read, (4*tinyBlock+512*128)*20/32 + 4*4*tinyVectors},
		{"tiny's cache", DecodeCost(q, 100).Read - DecodeCost(q, 0).Read, 4 * 2 * 4 * 128 * 100},
		{"all of tiny is trained", FinetuneCost(tiny, nil, []int{64, 64, 64, 64, 64, 64, 64, 64}, 512).FLOP, 3 * tinyForward},
		{
			"SmolLM2's blocks 1 and 29 on 3 tokens", FinetuneCost(llama, []int{29, 1}, []int{3}, 2).FLOP,
			(30+29+2)*2*3*llamaBlock + (30+2*29)*2*576*3*4 + 2*2*2*49152*576 - 2*3*576*(576+2*192),
		},
		{"a batch of products", Product{M: 2, N: 3, K: 5, Batch: 7}.FLOP(), 2 * 2 * 3 * 5 * 7},
	} {
		if c.got != float64(c.want) {
			t.Errorf("%s: %.0f, want %d", c.name, c.got, c.want)
		}
	}
	if got := FinetuneCost(llama, nil, []int{5}, 5); got != (Cost{FLOP: 3 * ForwardCost(llama, 1, 5, 5).FLOP, Moved: 28 * float64(llama.Params())}) {
		t.Errorf("a step of all weights costs %+v", got)
	}
	m := Machine{Peak: 2, Read: 4, Copy: 8}
	if got := (Cost{FLOP: 6, Read: 8, Moved: 8}).Seconds(m); got != 6 {
		t.Errorf("%v seconds, want 6", got)
	}
	if got := m.Better(Machine{Peak: 1, Read: 5, Copy: 8}); got != (Machine{Peak: 2, Read: 5, Copy: 8}) {
		t.Errorf("the better of two is %v", got)
	}
	m.Peak, m.BF16 = 12, 60
	for p, peak := range map[kernels.Precision]float64{
		kernels.PrecisionF32: 12, kernels.PrecisionBF16: 60, kernels.PrecisionBF16x3: 20, kernels.PrecisionBF16x6: 12, kernels.PrecisionQ8: 12,
	} {
		if got := m.At(p).Peak; got != peak {
			t.Errorf("the peak of %v is %v, want %v", p, got, peak)
		}
	}
}

// Everything runs twice, and its operands hold finite numbers in every type.
func TestWorksRun(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 2})
	defer be.Close()
	for _, d := range WeightTypes() {
		w := Stored(be, d, 3, 2, 256)
		for i, v := range w.Float32s() {
			if v != v || math.IsInf(float64(v), 0) {
				t.Fatalf("%s: element %d is %v", d, i, v)
			}
		}
		run(t, "MatVec "+d.String(), MatVec(be, d, 64, 512))
	}
	for _, p := range []Product{{3, 4, 5, 1, false, false}, {3, 4, 5, 1, true, false}, {3, 4, 5, 3, false, true}} {
		run(t, p.String(), p.Work(be, tensor.F32, 2))
	}
	for _, op := range Operators() {
		if w := op.Make(be); !(w.Cost.Moved > 0) {
			t.Errorf("%s moves nothing", op.Name)
		} else if !testing.Short() {
			w.Run()
		}
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.Q4_1} {
		m := NewModel(be, Shapes()[0], d)
		run(t, "forward", m.Forward())
		run(t, "decode", m.Decode(4, 3))
		run(t, "prefill", m.Prefill(9))
		if d == tensor.F32 {
			run(t, "train", m.Train())
			run(t, "forward after training", m.Forward())
		}
	}
}

func run(t *testing.T, name string, w Work) {
	t.Helper()
	w.Run()
	w.Run()
	if w.Done != nil {
		w.Done()
	}
	if !(w.Cost.Seconds(Machine{Peak: 1, Read: 1, Copy: 1}) > 0) {
		t.Errorf("%s costs nothing: %+v", name, w.Cost)
	}
}

// heldAt notes the memory that is held at every product.
type heldAt struct {
	*cpu.Backend
	held []int64
}

func (h *heldAt) MatMul(args kernels.MatMulArgs) {
	h.held = append(h.held, h.Held())
	h.Backend.MatMul(args)
}

// TestTrainingHoldsItsWeightsOnce: no pass, not even the first, runs beside the weights that
// the trained ones were copied from.
func TestTrainingHoldsItsWeightsOnce(t *testing.T) {
	h := &heldAt{Backend: cpu.New(cpu.Options{Threads: 1})}
	defer h.Close()
	w := NewModel(h, Shapes()[0], tensor.F32).Train()
	first := slices.Max(h.held)
	h.held = nil
	w.Run()
	if later := slices.Max(h.held); first > later {
		t.Errorf("%d bytes held in the first step, %d in the second", first, later)
	}
	w.Done()
}
