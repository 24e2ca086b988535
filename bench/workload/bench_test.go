package workload

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// rounded are all precisions of rounded products.
var rounded = []kernels.Precision{kernels.PrecisionBF16, kernels.PrecisionBF16x3, kernels.PrecisionBF16x6, kernels.PrecisionQ8}

// Every case has a name of its own and one way to be measured.
func TestCases(t *testing.T) {
	seen, plain := map[string]bool{}, len(Cases("", nil))
	for _, c := range Cases("model.gguf", rounded) {
		name := c.Work + " " + c.Shape
		if c.Precision != kernels.PrecisionF32 {
			name += " " + c.Precision.String()
		}
		if seen[name] {
			t.Errorf("%s stands there twice", name)
		}
		seen[name] = true
		if (c.prepare == nil) == (c.rate == nil) {
			t.Errorf("%s: can be measured in %v ways", name, map[bool]int{true: 0, false: 2}[c.prepare == nil])
		}
	}
	for _, name := range []string{"gemm 512x768x768 AB", "gemm 64x49152x576 AtB", "matvec 32768x2048 Q4_1", "train opt-125m 4x128", "prefill smollm2-135m 512 Q4_1",
		"gemm 512x768x3072 ABt bf16x6", "train smollm2-135m 4x128 bf16", "prefill smollm2-135m 512 F32 bf16x3", "decode smollm2-135m Q8_0 q8",
		"attention 2048 tokens, 12x64 backward", "rows 16x32768x2048 Q4_1",
	} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	// Products, a forward pass, a step and a prompt of each that rounds to BF16, and decoding of
	// two block types in q8.
	if more := len(seen) - 2 - plain; more != 3*(len(RoundedProducts())+3)+2 || len(RoundedProducts()) != 6 {
		t.Errorf("%d rows of rounded precisions, %d of them products", more, len(RoundedProducts()))
	}
}

// Rows come in the order of their cases, and a model's failure is the run's.
func TestBench(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	broken := errors.New("broken")
	bf16 := cpu.New(cpu.Options{Threads: 1, Precision: kernels.PrecisionBF16})
	defer bf16.Close()
	b := &Bench{Backend: be, Threads: 1, Rounded: map[kernels.Precision]kernels.Backend{kernels.PrecisionBF16: bf16}, Time: time.Millisecond, Open: func(string) (*transformer.Decoder, error) { return nil, broken }}
	var cases, file []Case
	for _, c := range Cases("a/model.gguf", rounded[:1]) {
		if c.Fits([]string{"gemm", "64x64x64"}) || c.Fits([]string{"forward", "tiny"}) || c.Fits([]string{"gemm", "512x512x512", "bf16"}) || c.Fits([]string{"attention 512"}) {
			cases = append(cases, c)
		}
		if c.Fits([]string{"model.gguf"}) {
			file = append(file, c)
		}
	}
	var next []string
	b.Next = func(c Case) { next = append(next, c.Work+c.Shape) }
	rows, err := b.Run(t.Context(), cases)
	if err != nil || len(rows) != len(cases) || len(rows) < 2 || len(next) != len(rows) {
		t.Fatalf("%d rows of %d cases, %v", len(rows), len(cases), err)
	}
	for i, r := range rows {
		if r.Work != cases[i].Work || r.Shape != cases[i].Shape || r.Precision != cases[i].Precision.String() || !(r.Value > 0) || r.Share != r.Value/r.Limit {
			t.Errorf("%+v", r)
		}
	}
	if len(file) != 2 || !slices.ContainsFunc(file, func(c Case) bool { return c.Shape == "model.gguf 512" }) {
		t.Errorf("%+v", file)
	}
	if _, err := b.Run(t.Context(), file); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Run(ctx, cases); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
